/** The extension in a real VS Code against a server whose answers are known: exact shapes of what is shown and told. */

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { closeAll, eventually, OUTPUT, type Editor } from "./editor";
import { ScriptedEditor } from "./script";

after(closeAll);

describe("completion", () => {
  let scripted: ScriptedEditor;
  let editor: Editor;

  before(async () => {
    scripted = await ScriptedEditor.open({
      name: "completion",
      files: {
        "mean.py": "def mean(xs):\n",
        "words.py": "",
        "lines.py": "",
        "pages.py": "",
        "escape.py": "",
        "mean.ts": "",
      },
      script: {
        completions: {
          "return sum(": ["xs) / len(xs)"],
          "table =": [" {\n    'one': 1,\n    'two': 2,\n}"],
          "total =": [" first + second + third"],
          "area =": ["width * height"],
          "pick(": ["one)", "two)", "three)"],
          "const mean =": [" (xs: number[]) => 0;"],
        },
      },
    });
    editor = scripted.editor;
    await editor.waitForStatus("Ready.");
  });

  after(() => editor.close());

  afterEach((context) => editor.screenshot(`completion ${context.name}`.replaceAll(/\W+/g, "-")));

  test("ghost text appears, Tab accepts it, and the server is told", async () => {
    await editor.openFile("mean.py");
    await editor.type("    return sum(");
    await editor.waitForGhost("xs) / len(xs)");
    const shown = await scripted.told("shown", { basis: "inferred" });
    await editor.press("Tab");
    await scripted.told("accepted", { id: shown.id });
    await editor.expectFile("mean.py", /return sum\(xs\) \/ len\(xs\)/);
    assert.deepEqual(scripted.journal("dismissed").filter(({ id }) => id === shown.id), []);
  });

  test("a word at a time is told as a part", async () => {
    await editor.openFile("words.py");
    await editor.type("area = ");
    await editor.waitForGhost("width * height");
    await editor.press("Control+ArrowRight");
    await scripted.told("partly", { length: "width".length });
    await editor.waitForGhost("* height");
    await editor.expectFile("words.py", /^area = width\s*$/);
  });

  test("a line at a time is told as a part, and the rest stays", async () => {
    await editor.openFile("lines.py");
    await editor.type("table =");
    await editor.waitForGhost("'two': 2");
    await editor.press("Control+Alt+ArrowRight");
    await scripted.told("partly", { length: " {\n".length });
    await editor.expectFile("lines.py", /^table = \{\s*$/);
  });

  test("Escape is told as a rejection", async () => {
    await editor.openFile("escape.py");
    await editor.type("total =");
    await editor.waitForGhost();
    const id = scripted.journal("shown").at(-1)?.id;
    await editor.press("Escape");
    await scripted.told("dismissed", { id, reason: "rejected" });
    await eventually("no ghost text", async () => (await editor.ghost()) === "");
  });

  test("asked for, there are several candidates to page through", async () => {
    await editor.openFile("pages.py");
    await editor.type("pick(");
    await editor.waitForGhost("one)");
    await editor.press("Alt+\\");
    await scripted.told("asked", { before: "pick(", invoked: true });
    await eventually("the second candidate", async () => {
      const before = await editor.ghost();
      await editor.press("Alt+]");
      // The next press waits until this one shows, or it would page past what is seen.
      await eventually("another candidate", async () => (await editor.ghost()) !== before, 5_000).catch(() => undefined);
      return (await editor.ghost()).includes("two)");
    });
    await editor.press("Tab");
    await scripted.told("shown", { basis: "requested" });
    await editor.expectFile("pages.py", /pick\(two\)/);
  });

  test("another language is completed too", async () => {
    await editor.openFile("mean.ts");
    await editor.type("const mean =");
    await editor.waitForGhost("(xs: number[]) => 0;");
    await editor.press("Tab");
    await editor.expectFile("mean.ts", /const mean = \(xs: number\[\]\) => 0;/);
    await scripted.told("asked", { language: "typescript" });
  });
});

describe("a server that comes late", () => {
  test("what was typed before it could answer is completed without another key", async () => {
    const gate = join(OUTPUT, "late-gate");
    rmSync(gate, { force: true });
    const scripted = await ScriptedEditor.open({ name: "late", files: { "mean.py": "def mean(xs):\n" }, script: { completions: { "return sum(": ["xs) / len(xs)"] }, gate } });
    const { editor } = scripted;
    await editor.openFile("mean.py");
    await editor.type("    return sum(");
    await editor.expectFile("mean.py", /return sum\(/);
    assert.deepEqual(scripted.journal("asked"), []);
    writeFileSync(gate, "");
    await editor.waitForGhost("xs) / len(xs)");
    assert.deepEqual(scripted.journal("asked").map(({ invoked }) => invoked), [false]);
    await editor.screenshot("completion-late");
    await editor.close();
  });
});
