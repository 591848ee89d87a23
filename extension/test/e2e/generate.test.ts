/** What holds of every way of generating, in a real VS Code with the real server and a scripted engine; each way is in ways.test.ts. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { closeAll, Editor, eventually, OUTPUT, PYTHON } from "./editor";

after(closeAll);

const MEAN = 'def mean(xs):\n    """Return the mean."""\n';
const SLOW = 'def slow():\n    """Return the slow one."""\n';
const FOLDER = join(OUTPUT, "generation-model");

/** What the engine says after a prompt that ends so. */
const RULES = [
  { after: 'the mean\\."""\\s*', text: "    import statistics\n    return statistics.fmean(xs)\n\n\ndef other():\n" },
  { after: 'the slow one\\."""\\s*', text: "    first = 1\n    second = 2\n    third = 3\n    return third\n", delay_ms: 120 },
  { after: 'the wrong one\\."""\\s*', text: "    return missing(1\n" },
  { after: "# double it\\s*", text: "def twice(x):\n    return 2 * x\n" },
  { after: "in a few short sentences\\.\\s*", text: "It divides." },
];

/** Waits until the text reads so, saving it again and again: what streams in is saved as far as it has come. */
async function written(editor: Editor, name: string, pattern: RegExp): Promise<void> {
  let text = "";
  await eventually(() => `${name} to match ${String(pattern)}; it reads ${JSON.stringify(text)}`, async () => {
    await editor.press("Control+S");
    text = readFileSync(join(editor.workspace, name), "utf8");
    return pattern.test(text);
  });
}

describe("generation", () => {
  let editor: Editor;

  before(async () => {
    mkdirSync(FOLDER, { recursive: true });
    const model = join(FOLDER, "model.script.json");
    writeFileSync(model, JSON.stringify({ rules: RULES }));
    editor = await Editor.open({
      name: "generation",
      files: {
        "elsewhere.py": `\n\n\n${SLOW}`,
        "wrong.py": 'def wrong():\n    """Return the wrong one."""\n',
        "free.py": "x = 1\n",
        "preview.py": MEAN,
        "discard.py": MEAN,
        "closed.py": MEAN,
        "explain.py": "def half(x):\n    return x / 2\n",
      },
      environment: { LINEWISE_HOME: join(OUTPUT, "generation-home") },
      settings: { "linewise.server.path": join(dirname(PYTHON), "linewise"), "linewise.model": model, "linewise.trigger": "manual", "files.autoSave": "off" },
    });
    await editor.waitForStatus("Linewise");
  });

  after(() => editor.close());

  afterEach((context) => editor.screenshot(`generation ${context.name}`.replaceAll(/\W+/g, "-")));

  test("what is typed elsewhere meanwhile is no trouble", async () => {
    await editor.openFile("elsewhere.py");
    await editor.run("Linewise: Implement This Function");
    await eventually("the first line", async () => (await editor.shown()).includes("first = 1"));
    await editor.focusText();
    await editor.press("Control+Home");
    await editor.type("# mine", 1);
    await written(editor, "elsewhere.py", /^# mine\n\n\ndef slow\(\):\n {4}"""Return the slow one\."""\n {4}first = 1\n {4}second = 2\n {4}third = 3\n {4}return third\s*$/);
  });

  test("a check that failed is shown with the text", async () => {
    await editor.openFile("wrong.py");
    await editor.run("Linewise: Implement This Function");
    await eventually("the problem", async () => (await editor.notifications()).some((text) => text.includes("does not parse")));
    await written(editor, "wrong.py", /return missing\(1/);
  });

  test("an instruction is asked for, and written at the cursor", async () => {
    await editor.openFile("free.py");
    await editor.press("Control+Alt+\\");
    await editor.question("What to write at the cursor");
    await editor.type("double it", 1);
    await editor.press("Enter");
    await written(editor, "free.py", /^x = 1\ndef twice\(x\):\n {4}return 2 \* x\n?$/);
  });

  test("a preview is a diff, and nothing is written before one agrees", async () => {
    editor.set({ "linewise.generate.preview": true });
    await editor.openFile("preview.py");
    await editor.run("Linewise: Implement This Function");
    await editor.page.waitForSelector(".monaco-diff-editor");
    await editor.screenshot("generation-preview");
    await editor.page.click('.editor-actions .action-label[aria-label^="Apply Generated Code"]');
    await written(editor, "preview.py", /^import statistics\n[^]*return statistics\.fmean\(xs\)/);
  });

  for (const [name, leave] of [
    ["discard.py", (): Promise<void> => editor.run("Linewise: Discard Generated Code")],
    ["closed.py", (): Promise<void> => editor.run("View: Close Editor")],
  ] as const) {
    test(`a preview that is left writes nothing: ${name}`, async () => {
      await editor.openFile(name);
      await editor.run("Linewise: Implement This Function");
      await editor.page.waitForSelector(".monaco-diff-editor");
      await leave();
      await editor.page.waitForSelector(".monaco-diff-editor", { state: "detached" });
      assert.equal(readFileSync(join(editor.workspace, name), "utf8"), MEAN);
    });
  }

  test("a preview is applied by the keyboard alone", async () => {
    await editor.openFile("discard.py");
    await editor.run("Linewise: Implement This Function");
    await editor.page.waitForSelector(".monaco-diff-editor");
    await eventually("the code", async () => {
      await editor.press("Control+Enter");
      return (await editor.page.$(".monaco-diff-editor")) === null;
    });
    await written(editor, "discard.py", /return statistics\.fmean\(xs\)/);
    editor.set({ "linewise.generate.preview": false });
  });

  test("the light bulb explains what is selected", async () => {
    await editor.openFile("explain.py");
    await editor.press("Control+A");
    await editor.press("Control+.");
    await editor.action("Explain");
    await eventually("the answer", async () => (await editor.shown()).includes("It divides."));
  });

  test("the commands are there because the server says that it can", async () => {
    const offered = await editor.palette("Linewise: Write");
    assert.deepEqual([...offered].map((label) => label.split(",")[0]).sort(), ["Linewise: Write Docstring", "Linewise: Write Tests"]);
  });
});
