/** How tests ask for a way of generating in a real VS Code, and what they find then. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, type Editor } from "./editor";

/** A way of generating, and how a person comes to it. */
export interface Asking {
  readonly name: string;
  /** Begins what is told of the result. */
  readonly title: string;
  readonly file: string;
  readonly text: string;
  /** Pressed once the file is open and the cursor at its end. */
  readonly keys?: readonly string[];
  /** Chosen from the palette, or from the code actions of the place. */
  readonly from: "palette" | "actions";
  readonly entry: string;
  /** Waited for before: a message in the file's list of problems. */
  readonly diagnostic?: string;
  readonly answers?: (editor: Editor) => Promise<void>;
}

/** Asks for a way as a person does. */
export async function ask(editor: Editor, { file, keys = [], from, entry, title, diagnostic, answers }: Asking): Promise<void> {
  await eventually("the end of what was told before", async () => !(await editor.tells(ended({ title }))));
  await editor.openFile(file);
  if (diagnostic !== undefined) {
    await editor.page.waitForSelector(".squiggly-error");
  }
  for (const key of keys) {
    await editor.press(key);
  }
  await (from === "palette" ? editor.run(entry) : editor.act(entry));
  await answers?.(editor);
}

/** What is on disk. */
export function saved(editor: Editor, name: string): string {
  return readFileSync(join(editor.workspace, name), "utf8");
}

/** Saves the file that is shown, and waits until it is what it should be. */
export async function expectText(editor: Editor, name: string, text: string): Promise<void> {
  await eventually(() => `${name} to read ${JSON.stringify(text)}; it reads ${JSON.stringify(saved(editor, name))}`, async () => {
    await editor.press("Control+S");
    return saved(editor, name) === text;
  });
}

/** Takes a picture of what a test left, and closes everything. */
export async function picture(editor: Editor, name: string): Promise<void> {
  await editor.screenshot(name.replaceAll(/\W+/g, "-"));
  await editor.press("Escape");
  await editor.closeAll();
}

/** What is told at the end of a way; its progress counts lines too, and ends in no full stop. */
export function ended({ title }: Pick<Asking, "title">): RegExp {
  return new RegExp(`${title}: (\\d+ lines?.*\\.|check it\\.)`);
}
