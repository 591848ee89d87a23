/** What Linewise shows, in light, dark and high contrast: a name for each icon, nothing clipped, nothing raw. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { closeAll, Editor, eventually, OUTPUT, PYTHON } from "./editor";
import { ScriptedEditor } from "./script";

after(closeAll);

const THEMES = ["Default Light Modern", "Default Dark Modern", "Default High Contrast", "Default High Contrast Light"];

/** Looks at what is on the screen, takes its picture, and goes away from it. */
async function look(editor: Editor, name: string): Promise<void> {
  await editor.screenshot(`looks ${name}`.replaceAll(/\W+/g, "-"));
  assert.deepEqual(await flaws(editor), [], name);
  await editor.press("Escape");
}

/** What of ours somebody could not read: icons without a name, titles and labels that are cut off, names of icons. */
async function flaws(editor: Editor): Promise<readonly string[]> {
  return editor.page.evaluate(() => {
    const shown = (element: Element): boolean => element.getClientRects().length > 0;
    const all = (selector: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(selector)].filter(shown);
    const ours = ".quick-input-widget, .notifications-toasts, .monaco-dialog-box, .statusbar-item[id*=linewise]";
    const raw = all(ours).flatMap(({ innerText }) => /\$\([a-z-]+\)|linewise\.\w+|undefined|\[object/.exec(innerText)?.[0] ?? []);
    const cut = all(".quick-input-list *").filter((element) => getComputedStyle(element).textOverflow === "ellipsis");
    const clipped = [...cut, ...all(".quick-input-title, .quick-input-message, .statusbar-item[id*=linewise], .notifications-toasts .notification-list-item-message, .notifications-toasts .monaco-button")].filter(
      ({ clientWidth, scrollWidth }) => clientWidth > 0 && scrollWidth > clientWidth + 1,
    );
    const nameless = all(".quick-input-widget .action-label.codicon, .editor-actions .action-label, .statusbar-item[id*=linewise] a").filter(
      (element) => (element.getAttribute("aria-label") ?? element.title) === "",
    );
    return [...raw, ...clipped.map(({ innerText }) => `cut off: ${innerText}`), ...nameless.map(({ outerHTML }) => `no name: ${outerHTML}`)];
  });
}

async function wear(editor: Editor, theme: string): Promise<void> {
  editor.set({ "workbench.colorTheme": theme });
  const wanted = theme.includes("Contrast Light") ? "hc-light" : theme.includes("Contrast") ? "hc-black" : theme.includes("Dark") ? "vs-dark" : "vs";
  await editor.page.waitForSelector(`.monaco-workbench.${wanted}`);
}

describe("what the server tells", () => {
  let editor: Editor;

  before(async () => {
    ({ editor } = await ScriptedEditor.open({
      name: "looks",
      files: { "a.py": "import statistics\n\nstatistics.fmean([1.0, 2.0])\n" },
      script: { mayAsk: true, abilities: ["docs", "explanation", "feedback", "telemetry"] },
      telemetry: true,
    }));
    await editor.waitForStatus("Ready.");
    await editor.openFile("a.py");
  });

  after(() => editor.close());

  for (const theme of THEMES) {
    test(theme, async () => {
      await wear(editor, theme);
      if (theme === THEMES[0]) {
        await eventually("the question for consent", async () => (await editor.notifications()).some((text) => text.includes("hear what helped you")));
        await look(editor, `${theme} consent`);
        await editor.run("Notifications: Clear All Notifications");
      }
      await editor.clickStatus();
      await editor.expectEntries(/Restart Server/);
      await look(editor, `${theme} status menu`);
      await editor.run("Linewise: Select Model…");
      await editor.expectEntries(/Scripted 7B/);
      await look(editor, `${theme} models`);
      await editor.run("Linewise: Open API Docs");
      await editor.expectEntries(/statistics\.fmean/);
      await look(editor, `${theme} docs`);
      await editor.run("Linewise: Send Feedback…");
      await editor.expectEntries(/A problem/);
      await editor.screenshot(`looks-${theme} feedback-kind`.replaceAll(/\W+/g, "-"));
      await editor.choose("A problem");
      await editor.expectEntries(/The last completion/);
      await editor.screenshot(`looks-${theme} feedback-about`.replaceAll(/\W+/g, "-"));
      await editor.choose("The last completion");
      await editor.question("Your words");
      await editor.type("It closed a bracket twice.", 1);
      await editor.press("Enter");
      await editor.expectEntries(/No rating/);
      await editor.screenshot(`looks-${theme} feedback-rating`.replaceAll(/\W+/g, "-"));
      await editor.choose("No rating");
      await editor.expectEntries(/Versions/);
      await editor.screenshot(`looks-${theme} feedback-attach`.replaceAll(/\W+/g, "-"));
      await editor.press("Enter");
      await editor.question("An address");
      await look(editor, `${theme} address`);
      await editor.run("Linewise: My Feedback");
      await editor.page.waitForSelector(".quick-input-list");
      await look(editor, `${theme} my feedback`);
      await editor.run("Linewise: Telemetry: Turn On…");
      await editor.expectEntries(/Counts/);
      await look(editor, `${theme} telemetry`);
      await editor.run("Linewise: Open Walkthrough");
      await editor.page.waitForSelector('.getting-started-step:has-text("Decide what is shared")');
      await look(editor, `${theme} walkthrough`);
      await editor.run("View: Close Editor");
    });
  }
});

describe("generation", () => {
  let editor: Editor;

  before(async () => {
    const folder = join(OUTPUT, "looks-model");
    mkdirSync(folder, { recursive: true });
    const model = join(folder, "model.script.json");
    writeFileSync(model, JSON.stringify({ rules: [{ after: 'the mean\\."""\\s*', text: "    import statistics\n    return statistics.fmean(xs)\n" }] }));
    editor = await Editor.open({
      name: "looks-generation",
      files: { "a.py": 'def mean(xs):\n    """Return the mean."""\n' },
      environment: { LINEWISE_HOME: join(OUTPUT, "looks-home") },
      settings: { "linewise.server.path": join(dirname(PYTHON), "linewise"), "linewise.model": model, "linewise.trigger": "manual", "linewise.generate.preview": true, "files.autoSave": "off" },
    });
    await editor.openFile("a.py");
    await editor.waitForStatus("Ready; completes when you ask.");
  });

  after(() => editor.close());

  for (const theme of THEMES) {
    test(theme, async () => {
      await wear(editor, theme);
      await editor.openFile("a.py");
      await editor.run("Linewise: Generate…");
      await editor.question("What to write at the cursor");
      await look(editor, `${theme} question`);
      await editor.run("Linewise: Select Model…");
      await editor.expectEntries(/SmolLM2/);
      await look(editor, `${theme} real models`);
      await editor.run("Linewise: Select Model…");
      await editor.expectEntries(/Qwen2\.5-Coder/);
      await editor.pressEntryButton("Qwen2.5-Coder", "What it does well and badly");
      await editor.page.waitForSelector('.monaco-dialog-box:has-text("Does well")');
      await look(editor, `${theme} about a model`);
      await editor.expectEntries(/Qwen2\.5-Coder/);
      await editor.press("Escape");
      await editor.clickStatus();
      await editor.expectEntries(/Restart Server/);
      await look(editor, `${theme} real status menu`);
      await editor.run("Linewise: Implement This Function");
      await editor.page.waitForSelector('.monaco-diff-editor:has-text("fmean")');
      await look(editor, `${theme} preview`);
      await editor.page.waitForSelector(".monaco-diff-editor", { state: "detached" });
    });
  }
});
