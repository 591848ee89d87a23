/**
 * The ways into generation that a small model can go, in a real VS Code with the real server and the default model.
 *
 * Its words are its own business. That they come one after the other, that the result parses or says what is wrong with
 * it, and that one undo takes it back, is ours.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, afterEach, before, describe, test } from "node:test";
import { closeAll, eventually, PYTHON, type Editor } from "./editor";
import { openReal } from "./real";
import { ask, ended, expectText, picture, saved, type Asking } from "./ways";

after(closeAll);

const MEAN = "def mean(xs):\n    return sum(xs) / len(xs)\n";

interface Way extends Asking {
  /** Begins the name of the tab, where the text goes into a document of its own. */
  readonly beside?: string;
}

const ALL: readonly Way[] = [
  {
    name: "a function from its signature and docstring",
    title: "Implement This Function",
    file: "implement.py",
    text: 'def largest(numbers):\n    """Return the largest of the numbers and its place, by a loop over all of them."""\n',
    from: "palette",
    entry: "Linewise: Implement This Function",
  },
  {
    name: "code below a comment",
    title: "Generate from Comment",
    file: "comment.py",
    text: "names = ['b', 'a', 'c']\n# sort the names, and print each of them\n",
    keys: ["ArrowUp"],
    from: "palette",
    entry: "Linewise: Generate from Comment",
  },
  {
    name: "an instruction at the cursor",
    title: "Generate",
    file: "free.py",
    text: "import json\n\n",
    from: "palette",
    entry: "Linewise: Generate…",
    answers: async (editor) => {
      await editor.question("What to write at the cursor");
      await editor.type("a function that reads a JSON file and returns what is in it", 1);
      await editor.press("Enter");
    },
  },
  {
    name: "a docstring",
    title: "Write Docstring",
    file: "docstring.py",
    text: MEAN,
    keys: ["Control+Home"],
    from: "palette",
    entry: "Linewise: Write Docstring",
  },
  {
    name: "tests",
    title: "Write Tests",
    file: "stats.py",
    text: MEAN,
    keys: ["Control+Home"],
    from: "palette",
    entry: "Linewise: Write Tests",
    beside: "test_stats.py",
  },
  {
    name: "an explanation",
    title: "Explain",
    file: "explain.py",
    text: MEAN,
    keys: ["Control+Home"],
    from: "palette",
    entry: "Linewise: Explain",
    beside: "mean.md",
  },
];

describe("the default model goes a way of generating", () => {
  let editor: Editor;
  const halfWay: string[] = [];

  before(async () => {
    editor = await openReal({
      name: "real-ways",
      files: Object.fromEntries(ALL.map(({ file, text }) => [file, text])),
      settings: { "linewise.trigger": "manual", "linewise.docs.fetch": "never", "files.autoSave": "off", "editor.autoIndent": "none" },
    });
    await editor.openFile("stats.py");
    await editor.waitForStatus("Ready; completes when you ask.", 180_000);
    await editor.closeAll();
  });

  after(() => editor.close());

  afterEach((context) => picture(editor, `real way ${context.name}`));

  for (const way of ALL) {
    const { beside, file, name, text } = way;
    test(name, async () => {
      await ask(editor, way);
      const seen = await editor.shownUntil(ended(way));
      const failed = (await editor.notifications()).some((one) => one.includes(`${way.title}: check it.`));
      if (beside !== undefined) {
        await editor.page.waitForSelector(`.tab.active[aria-label^="${beside}"]`);
        await eventually("its text", async () => (await editor.shown()).trim() !== "");
        assert.equal(saved(editor, file), text);
        return;
      }
      await editor.focusText();
      await eventually("it on disk", async () => {
        await editor.press("Control+S");
        return saved(editor, file) !== text;
      });
      halfWay.push(...seen.slice(1, -1));
      assert.ok(failed || parses(saved(editor, file)), saved(editor, file));
      await editor.press("Control+Z");
      await expectText(editor, file, text);
    });
  }

  test("what comes is seen as it comes", () => {
    assert.notDeepEqual(halfWay, []);
  });
});

function parses(text: string): boolean {
  return spawnSync(PYTHON, ["-c", "import ast, sys; ast.parse(sys.stdin.read())"], { input: text }).status === 0;
}
