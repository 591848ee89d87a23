/**
 * Each way into generation in a real VS Code with the real server and a scripted engine: exact text, one undo, Escape
 * half-way, text that the user changed meanwhile.
 *
 * A way is a row of a table. Two editors go through it: in one the engine answers at once, in the other so slowly that
 * there is a half-way.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { closeAll, Editor, eventually, EXTENSION, OUTPUT, PYTHON } from "./editor";
import { ask, ended, expectText, picture, saved, type Asking } from "./ways";

after(closeAll);

interface Way extends Asking {
  /** A pattern of the end of the prompt, and what the model says then; none where no model is asked. */
  readonly rule?: { readonly after: string; readonly text: string };
  /** What of it stands there first. */
  readonly begins?: string;
  /** The file in the end, and on which line its new text begins. */
  readonly edited?: { readonly text: string; readonly line: number };
  /** APIs in it, which are named with it; the list behind its button has their pages. */
  readonly uses?: readonly string[];
  /** A document of its own: the name of its tab and its text. */
  readonly beside?: { readonly tab: string; readonly text: string };
}

/** Small models are talked to where nothing of the file goes on; their answers are in a fence. */
const TEMPLATE = "<user>{{ messages[0].content }}<model>";
const CATALOGUE = {
  package: "acme",
  samples: [{ id: "box", title: "Open a box", symbols: ["acme.open"], code: "import json\nimport acme\n\nbox = acme.open()\nprint(json.dumps(box))\n" }],
};
const MEAN = "def mean(xs):\n    return sum(xs) / len(xs)\n";

const ALL: readonly Way[] = [
  {
    name: "a function from its signature and docstring",
    title: "Implement This Function",
    file: "implement.py",
    text: '"""Figures."""\n\nfrom __future__ import annotations\n\n\ndef middle(xs):\n    """Return the middle one."""\n',
    from: "palette",
    entry: "Linewise: Implement This Function",
    rule: { after: 'the middle one\\."""\\s*', text: "    import statistics\n    return statistics.median(xs)\n\n\ndef other():\n" },
    begins: "return statistics",
    uses: ["statistics.median"],
    edited: {
      line: 7,
      text: '"""Figures."""\n\nfrom __future__ import annotations\n\nimport statistics\n\n\ndef middle(xs):\n    """Return the middle one."""\n    return statistics.median(xs)\n',
    },
  },
  {
    name: "a function, by its code action",
    title: "Implement This Function",
    file: "action.ts",
    text: "function twice(x: number): number {\n}\n",
    keys: ["Control+Home"],
    from: "actions",
    entry: "Implement This Function",
    rule: { after: "twice\\(x: number\\): number \\{\\s*", text: "  const doubled = 2 * x;\n  return doubled;\n}\n\nfunction other() {}\n" },
    begins: "const doubled",
    edited: { line: 1, text: "function twice(x: number): number {\n  const doubled = 2 * x;\n  return doubled;\n}\n" },
  },
  {
    name: "code below a comment",
    title: "Generate from Comment",
    file: "comment.py",
    text: "x = 1\n# add one and say so\n",
    keys: ["ArrowUp"],
    from: "palette",
    entry: "Linewise: Generate from Comment",
    rule: { after: "# add one and say so\\s*", text: "x = x + 1\nprint(x)\n\n\ny = 2\n" },
    begins: "x = x",
    uses: ["print"],
    edited: { line: 2, text: "x = 1\n# add one and say so\nx = x + 1\nprint(x)\n" },
  },
  {
    name: "an instruction at the cursor",
    title: "Generate",
    file: "free.py",
    text: "x = 1\n\n",
    from: "palette",
    entry: "Linewise: Generate…",
    answers: async (editor) => {
      await editor.question("What to write at the cursor");
      await editor.type("a function that doubles", 1);
      await editor.press("Enter");
    },
    rule: { after: "a function that doubles\\nAnswer with Python code only\\.<model>```python\\n\\s*", text: "def twice(x):\n    return 2 * x\n```\nIt doubles.\n" },
    begins: "def twice",
    edited: { line: 2, text: "x = 1\n\ndef twice(x):\n    return 2 * x" },
  },
  {
    name: "an instruction on a selection, by its code action",
    title: "Generate",
    file: "selection.py",
    text: "def f(xs):\n    y = []\n    for x in xs:\n        y.append(x)\n    return y\n",
    keys: ["Control+Home", "ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown"],
    from: "actions",
    entry: "Generate…",
    answers: async (editor) => {
      await editor.question("What to do with the selection");
      await editor.type("make it short", 1);
      await editor.press("Enter");
    },
    rule: { after: "make it short\\nAnswer with Python code only\\.<model>```python\\n\\s*", text: "y = list(xs)\nreturn y\n```\n" },
    begins: "y = list",
    uses: ["list"],
    edited: { line: 1, text: "def f(xs):\n    y = list(xs)\n    return y\n" },
  },
  {
    name: "a docstring",
    title: "Write Docstring",
    file: "docstring.py",
    text: MEAN,
    keys: ["Control+Home"],
    from: "palette",
    entry: "Linewise: Write Docstring",
    rule: { after: 'def mean\\(xs\\):\\s*"""', text: 'Return the arithmetic mean of some numbers."""\n    return 1\n' },
    begins: "Return the arithmetic",
    edited: { line: 1, text: 'def mean(xs):\n    """Return the arithmetic mean of some numbers."""\n    return sum(xs) / len(xs)\n' },
  },
  {
    name: "what is wrong is mended",
    title: "Fix This Diagnostic",
    file: "fix.ts",
    text: 'const before = 1;\nconst count: number = "one";\nconst behind = 2;\n',
    keys: ["Control+Home", "ArrowDown"],
    from: "palette",
    entry: "Linewise: Fix This Diagnostic",
    diagnostic: "Type 'string' is not assignable to type 'number'",
    rule: { after: "Fix this: Type 'string' is not assignable to type 'number'\\.\\nAnswer [^<]*<model>```typescript\\n", text: "const one = 1;\nconst count: number = one;\n```\nNow it is a number.\n" },
    begins: "const one",
    edited: { line: 1, text: "const before = 1;\nconst one = 1;\nconst count: number = one;\nconst behind = 2;\n" },
  },
  {
    name: "what is wrong is mended, by its light bulb",
    title: "Fix This Diagnostic",
    file: "bulb.ts",
    text: 'const before = 1;\nconst word: string = 1;\nconst behind = 2;\n',
    keys: ["Control+Home", "ArrowDown"],
    from: "actions",
    entry: "Fix This Diagnostic",
    diagnostic: "Type 'number' is not assignable to type 'string'",
    rule: { after: "Fix this: Type 'number' is not assignable to type 'string'\\.\\nAnswer [^<]*<model>```typescript\\n", text: 'const first = "one";\nconst word: string = first;\n```\nNow it is a string.\n' },
    begins: "const first",
    edited: { line: 1, text: 'const before = 1;\nconst first = "one";\nconst word: string = first;\nconst behind = 2;\n' },
  },
  {
    name: "a sample of a catalogue",
    title: "Use the Sample",
    file: "sample.py",
    text: "import acme\n\n\ndef f():\n    pass\n",
    keys: ["ArrowUp", "End"],
    from: "palette",
    entry: "Linewise: Use the Sample for…",
    answers: (editor) => editor.choose("Use the sample for acme.open: Open a box"),
    uses: ["print", "json.dumps", "acme.open"],
    edited: { line: 5, text: "import acme\nimport json\n\n\ndef f():\n    pass\n    box = acme.open()\n    print(json.dumps(box))\n" },
  },
  {
    name: "tests",
    title: "Write Tests",
    file: "stats.py",
    text: MEAN,
    keys: ["Control+Home"],
    from: "palette",
    entry: "Linewise: Write Tests",
    rule: { after: "import mean\\n+def test_mean", text: "():\n    assert mean([1, 3]) == abs(-2)\n```\n" },
    uses: ["abs"],
    beside: { tab: "test_stats.py", text: "from stats import mean\n\n\ndef test_mean():\n    assert mean([1, 3]) == abs(-2)" },
  },
  {
    name: "another language, by its code action",
    title: "Translate",
    file: "translate.py",
    text: "def one():\n    return 1\n",
    keys: ["Control+A"],
    from: "actions",
    entry: "Translate to…",
    answers: (editor) => editor.choose("Go"),
    rule: { after: "code to Go\\. Answer with Go code only\\.<model>```go\\n", text: "func one() int {\n\treturn 1\n}\n```\nThat is Go.\n" },
    beside: { tab: "translate.go", text: "func one() int {\n    return 1\n}" },
  },
  {
    name: "an explanation",
    title: "Explain",
    file: "explain.py",
    text: MEAN,
    keys: ["Control+Home"],
    from: "palette",
    entry: "Linewise: Explain",
    rule: { after: "in a few short sentences\\.<model>", text: "It adds them up and divides by their number." },
    beside: { tab: "mean.md", text: "It adds them up and divides by their number." },
  },
];
const ASKED = ALL.filter(({ rule }) => rule !== undefined);

async function open(name: string, delay_ms: number): Promise<Editor> {
  const folder = join(OUTPUT, `${name}-services`);
  const [home, model] = [join(folder, "home"), join(folder, "model.script.json")];
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const rules = ASKED.map(({ rule }) => ({ ...rule, delay_ms }));
  writeFileSync(model, JSON.stringify({ rules, chat_template: TEMPLATE }));
  execFileSync(PYTHON, ["-c", SUBSCRIBE, join(home, "catalogues"), JSON.stringify(CATALOGUE)], { cwd: join(EXTENSION, "..") });
  const editor = await Editor.open({
    name,
    files: Object.fromEntries(ALL.map(({ file, text }) => [file, text])),
    environment: { LINEWISE_HOME: home },
    settings: {
      "linewise.server.path": join(dirname(PYTHON), "linewise"),
      "linewise.model": model,
      "linewise.trigger": "manual",
      "linewise.docs.fetch": "never",
      "files.autoSave": "off",
      "editor.quickSuggestions": { other: "off", comments: "off", strings: "off" },
      "editor.autoIndent": "none",
      "editor.detectIndentation": true,
    },
  });
  await editor.openFile("stats.py");
  await editor.waitForStatus("Ready; completes when you ask.");
  await editor.closeAll();
  return editor;
}

/** Puts a catalogue, signed by a key of its own, on a user's shelf. */
const SUBSCRIBE = `
import asyncio, json, sys
from pathlib import Path
from tests.catalogues import document, subscribe
given = json.loads(sys.argv[2])
content = document(given["package"], ["acme.open"], samples=given["samples"])
asyncio.run(subscribe(Path(sys.argv[1]), content))
`;

/** A text without its spaces and line ends: the screen has its own. */
function joined(text: string): string {
  return text.replaceAll(/\s+/g, "");
}

/** The result names the APIs in it, and its button lists them with their pages. */
async function expectDocs(editor: Editor, { title }: Way, apis: readonly string[]): Promise<void> {
  await editor.told(new RegExp(`${title}: .*Uses ${apis.join(", ").replaceAll(".", "\\.")}\\.`));
  await editor.button("Docs…");
  await editor.expectEntries(...apis.map((name) => new RegExp(`^book  ?${name.replaceAll(".", "\\.")}, `)));
  await editor.press("Escape");
}

describe("a way of generating", () => {
  let editor: Editor;

  before(async () => {
    editor = await open("ways", 0);
  });

  after(() => editor.close());

  afterEach((context) => picture(editor, `way ${context.name}`));

  for (const way of ALL) {
    const { edited, beside, uses } = way;
    test(way.name, async () => {
      await ask(editor, way);
      if (uses !== undefined) {
        await expectDocs(editor, way, uses);
      }
      if (beside !== undefined) {
        await editor.page.waitForSelector(`.tab.active[aria-label^="${beside.tab}"]`);
        await eventually(async () => `${beside.tab} to read ${beside.text}; the screen reads ${await editor.shown()}`, async () => joined(await editor.shown()).includes(joined(beside.text)));
        assert.equal(saved(editor, way.file), way.text);
        return;
      }
      if (uses === undefined) {
        await editor.told(ended(way));
      }
      await editor.focusText();
      await expectText(editor, way.file, edited?.text ?? "");
      await editor.press("Control+Z");
      await expectText(editor, way.file, way.text);
    });
  }
});

describe("half-way through a way of generating", () => {
  let editor: Editor;

  before(async () => {
    editor = await open("half-ways", 250);
  });

  after(() => editor.close());

  afterEach((context) => picture(editor, `way half ${context.name}`));

  const begun = async (way: Way): Promise<void> => {
    await ask(editor, way);
    await eventually("the first words", async () => (way.begins === undefined ? (await editor.notifications()).some((text) => /: \d+ lines?$/.test(text)) : (await editor.shown()).includes(way.begins)));
  };

  for (const way of ASKED) {
    test(`Escape leaves everything as it was: ${way.name}`, async () => {
      await begun(way);
      const tabs = await editor.tabs();
      await editor.press("Escape");
      await editor.noProgress();
      await expectText(editor, way.file, way.text);
      assert.deepEqual(await editor.tabs(), tabs);
    });
  }

  for (const way of ASKED.filter(({ edited }) => edited !== undefined)) {
    test(`what the user writes at the place stays, and they are asked: ${way.name}`, async () => {
      await begun(way);
      await editor.press("Control+Home");
      for (let line = 0; line < (way.edited?.line ?? 0); line++) {
        await editor.press("ArrowDown");
      }
      await editor.press("End");
      await editor.type("MINE", 1);
      await editor.button("Show the Result");
      await editor.page.waitForSelector('.tab.active[aria-label*="Untitled"]');
      const whole = way.edited?.text.split("\n")[way.edited.line]?.trim() ?? "";
      await eventually("the result beside", async () => (await editor.shown()).includes(whole));
      await editor.run("View: Revert and Close Editor");
      await editor.focusText();
      await eventually("what the user wrote", async () => {
        await editor.press("Control+S");
        return saved(editor, way.file).includes("MINE");
      });
    });
  }
});
