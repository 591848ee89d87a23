/** Palette, status item, switches: each command does what its title says, and what the server cannot do is not offered. */

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test, type TestContext } from "node:test";
import { closeAll, Editor, eventually } from "./editor";
import { ScriptedEditor } from "./script";

const COMPLETIONS = { "total =": [" first + second + third"] };

after(closeAll);

const picture = (editor: () => Editor) => (context: unknown): Promise<void> =>
  editor().screenshot(`features ${(context as TestContext).name}`.replaceAll(/\W+/g, "-"));

describe("a server that can do everything", () => {
  let scripted: ScriptedEditor;
  let editor: Editor;

  before(async () => {
    scripted = await ScriptedEditor.open({
      name: "features",
      files: { "a.py": "import statistics\n\nstatistics.fmean([1.0, 2.0])\n", "b.py": "", "c.py": "", "notes.md": "", "switch.py": "", "built.py": "", "keys.py": "", "vendored.py": "", "rules": "built.py\n" },
      script: {
        completions: COMPLETIONS,
        abilities: ["docs", "explanation", "feedback", "telemetry"],
        silences: { "built.py": ["ignored", "rules"], "keys.py": ["secrets", null], "vendored.py": ["excluded", null] },
      },
    });
    editor = scripted.editor;
    await editor.waitForStatus("Ready.");
    await editor.openFile("a.py");
  });

  after(() => editor.close());
  afterEach(picture(() => editor));

  test("the status item opens a menu with model, back end, speed and keys saved", async () => {
    await editor.clickStatus();
    await editor.expectEntries(/Ready\./, /Model: Scripted 1M/, /Runs on: the script/, /reads 542 tokens a second, writes 83/, /Keys saved today: 128/, /Snooze/, /Restart Server/);
    await editor.screenshot("features-status-menu");
    await editor.press("Escape");
  });

  test("another model is chosen with its size, licence and fit in view", async () => {
    await editor.run("Linewise: Select Model…");
    await editor.expectEntries(/Scripted 1M.*98 MB, Apache-2\.0, in use/, /Scripted 7B.*8\.1 GB, Apache-2\.0.*Wants more memory/);
    await editor.screenshot("features-models");
    await editor.choose("Scripted 7B");
    await scripted.told("model", { name: "scripted-7b" });
    await eventually("the choice in the settings", () => scripted.journal("settings").some(({ settings }) => (settings as { model: string }).model === "scripted-7b"));
    await eventually("no notification", async () => (await editor.notifications()).length === 0);
  });

  test("the APIs at the cursor are listed with their pages", async () => {
    await editor.openFile("a.py");
    await editor.run("Linewise: Open API Docs");
    await editor.expectEntries(/statistics\.fmean.*function.*Python 3\.11/, /acme\.secret.*No page is known/);
    await editor.screenshot("features-docs");
    await editor.press("Escape");
  });

  test("docs are rated, with a reason where they did not help", async () => {
    await editor.run("Linewise: Open API Docs");
    await editor.expectEntries(/statistics\.fmean/);
    await editor.pressEntryButton("statistics.fmean", "The docs did not help");
    await editor.expectEntries(/They are out of date/);
    await editor.screenshot("features-docs-rating");
    await editor.choose("They are out of date");
    await scripted.told("docsRated", { name: "statistics.fmean", helped: false, reason: "outdated" });
  });

  test("a hover shows what comes late below what came in time", async () => {
    await editor.openFile("a.py");
    for (const key of ["Control+Home", "ArrowDown", "ArrowDown", ...Array<string>("statistics.f".length).fill("ArrowRight")]) {
      await editor.press(key);
    }
    await eventually("both answers in one hover", async () => {
      await editor.press("Control+K");
      await editor.press("Control+I");
      const hover = editor.page.locator('.monaco-hover:visible:has(a[data-href*="docs.python.org"])').filter({ hasText: "The arithmetic mean." });
      await hover.waitFor({ timeout: 5_000 });
      await editor.screenshot("features-hover");
      return true;
    });
    await scripted.told("hoverRest", { line: 2, character: 12 });
    await editor.press("Escape");
  });

  test("feedback is asked for, shown word for word, and sent", async () => {
    await editor.openFile("c.py");
    await editor.type("total =");
    await editor.waitForGhost("first + second + third");
    await editor.run("Linewise: Send Feedback…");
    await editor.choose("A problem");
    await editor.choose("The last completion");
    await editor.question("Your words");
    await editor.type("It closed a bracket twice.");
    await editor.screenshot("features-feedback-text");
    await editor.press("Enter");
    await editor.choose("No rating");
    await editor.expectEntries(/Versions/, /The last completion.*first \+ second \+ third/);
    await editor.page.click(".quick-input-list .monaco-list-row:has-text('The last completion')");
    await editor.screenshot("features-feedback-attachments");
    await editor.press("Enter");
    await editor.question("An address");
    await editor.press("Enter");
    await editor.page.waitForSelector(".monaco-dialog-box");
    assert.match(await editor.shown(), /It closed a bracket twice\./);
    assert.match((await editor.page.textContent(".monaco-dialog-box")) ?? "", /They are asked for the answer\./);
    await editor.screenshot("features-feedback-preview");
    await editor.button("Send");
    const { kind, about, attachments, contact } = await scripted.told("feedback", { text: "It closed a bracket twice." });
    assert.deepEqual({ kind, about, attachments, contact }, { kind: "problem", about: "completion", attachments: [" first + second + third"], contact: null });
    await editor.button("My Feedback");
    await editor.expectEntries(/It closed a bracket twice\..*received/);
    await editor.press("Escape");
    await editor.openFile("a.py");
  });

  test("what would be sent is shown, and telemetry is switched on and off", async () => {
    await editor.run("Linewise: Show What Would Be Sent");
    await eventually("the preview", async () => (await editor.shown()).includes("Nothing would be sent."));
    await editor.run("Linewise: Telemetry: Turn On…");
    await editor.expectEntries(/See Exactly What Would Be Sent/, /Counts/, /Events/);
    await editor.screenshot("features-telemetry");
    await editor.choose("Counts");
    await scripted.told("telemetry", { level: "counts" });
    await editor.run("Linewise: Telemetry: Turn Off");
    await scripted.told("telemetry", { level: "off" });
  });

  test("snoozed, nothing is asked; resumed, it is again", async () => {
    await editor.openFile("b.py");
    await editor.run("Linewise: Snooze…");
    await editor.choose("15 minutes");
    await editor.waitForStatus("Snoozed until");
    const asked = scripted.journal("asked").length;
    await editor.focusText();
    await editor.type("total =");
    await editor.run("Linewise: Resume Completions");
    await editor.waitForStatus("Ready.");
    assert.equal(scripted.journal("asked").length, asked);
    await editor.focusText();
    await editor.press("Backspace");
    await editor.type("=");
    await editor.waitForGhost("first + second");
  });

  test("a language is switched off and on from the menu", async () => {
    await editor.openFile("notes.md");
    await editor.waitForStatus("Off for Markdown.");
    await editor.openFile("switch.py");
    await editor.waitForStatus("Ready.");
    await editor.clickStatus();
    await editor.choose("Turn Off for Python");
    await editor.waitForStatus("Off for Python.");
    await eventually("the server to know", () => {
      const settings = scripted.journal("settings").at(-1)?.settings as { languages: Record<string, boolean> } | undefined;
      return settings?.languages.python === false;
    });
    await editor.clickStatus();
    await editor.choose("Turn On for Python");
    await editor.waitForStatus("Ready.");
  });

  test("the status follows the file, and its menu changes what keeps the file silent", async () => {
    for (const [file, says] of [["vendored.py", "the settings exclude this file"], ["keys.py", "may hold secrets"], ["a.py", "Ready."], ["built.py", "git ignores this file"]] as const) {
      await editor.openFile(file);
      await editor.waitForStatus(says);
    }
    await editor.clickStatus();
    await editor.expectEntries(/git ignores this file/, /Open rules/);
    await editor.screenshot("features-off-here");
    await editor.choose("Open rules");
    await editor.page.waitForSelector('.tab.active[aria-label^="rules"]');
  });

  test("switched off altogether, one press switches it on", async () => {
    await editor.openFile("switch.py");
    editor.set({ "linewise.enable": false });
    await editor.waitForStatus("switched off in the settings");
    await editor.clickStatus();
    await editor.choose("Turn Completions On");
    await editor.waitForStatus("Ready.");
    editor.set({ "editor.inlineSuggest.enabled": false });
    await editor.waitForStatus("VS Code's inline suggestions are switched off.");
    editor.set({ "editor.inlineSuggest.enabled": true });
    await editor.waitForStatus("Ready.");
  });

  test("set up while a server runs, it is asked whether to make it anew, and the server stays", async () => {
    const pid = scripted.journal("initialize").at(-1)?.pid;
    await editor.run("Linewise: Set Up…");
    await editor.page.waitForSelector('.monaco-dialog-box:has-text("set up and running")');
    await editor.screenshot("features-set-up-again");
    await editor.press("Escape");
    await editor.page.waitForSelector(".monaco-dialog-box", { state: "detached" });
    assert.equal(scripted.journal("initialize").at(-1)?.pid, pid);
    await editor.waitForStatus("Ready.");
  });

  test("why a completion is what it is opens beside the code, and runs no script", async () => {
    await editor.openFile("a.py");
    await editor.run("Linewise: Explain Completion");
    await scripted.told("explain", { line: 3, character: 0 });
    await eventually("the page", async () => (await editor.framed()).includes("It leans on line 1."));
    assert.equal((await editor.framed()).includes("Scripts run."), false);
  });

  test("restarted from the palette, the server is a new process", async () => {
    const [first] = scripted.journal("initialize");
    await editor.run("Linewise: Restart Server");
    await eventually("a second process", () => scripted.journal("initialize").length === 2);
    await editor.waitForStatus("Ready.");
    assert.notEqual(scripted.journal("initialize")[1]?.pid, first?.pid);
  });

  test("the walkthrough opens and shows its four steps", async () => {
    await editor.run("Linewise: Open Walkthrough");
    for (const title of ["Set it up", "Complete as you type", "See what an API is", "Decide what is shared"]) {
      await editor.page.waitForSelector(`.getting-started-step:has-text("${title}")`);
    }
  });

  for (const command of ["Complete Here", "Open API Docs", "Explain Completion"]) {
    test(`with no file in front, it is said that one is needed: ${command}`, async () => {
      await editor.run(`Linewise: ${command}`);
      await editor.told(/Put the cursor into a file first\./);
      await editor.run("Notifications: Clear All Notifications");
    });
  }

  test("in a text that is in no file yet, APIs are listed too", async () => {
    await editor.run("File: New Untitled Text File");
    await editor.type("statistics.fmean", 1);
    await editor.run("Linewise: Open API Docs");
    await editor.expectEntries(/statistics\.fmean/);
    await editor.press("Escape");
  });
});

test("consent is asked for once the server allows it; looking at what would go and saying not now switches nothing on", async () => {
  const { editor, told, journal } = await askedEditor("consent", {});
  const question = async (): Promise<boolean> => (await editor.notifications()).some((text) => text.includes("May the makers of Linewise and Acme hear what helped you"));
  await eventually("the question", question);
  await told({ asked: true });
  await editor.screenshot("features-consent");
  await editor.button("See What Is Sent");
  await eventually("the preview", async () => (await editor.shown()).includes("Nothing would be sent."));
  await eventually("the question again", question);
  await editor.button("Not Now");
  await eventually("no question", async () => (await editor.notifications()).length === 0);
  assert.deepEqual(journal().filter((entry) => entry.level !== null), []);
  assert.equal(journal().filter((entry) => entry.asked === true).length, 1);
  await editor.close();
});

test("who said in the settings what they want is not asked", async () => {
  const { editor, told, journal } = await askedEditor("consent-set", { "linewise.telemetry.level": "local" });
  await told({ asked: null });
  await editor.openFile("a.py");
  assert.deepEqual(journal().filter((entry) => entry.asked === true), []);
  assert.equal((await editor.notifications()).some((text) => text.includes("hear what helped you")), false);
  await editor.close();
});

interface Asked {
  readonly editor: Editor;
  readonly told: (fields: Readonly<Record<string, unknown>>) => Promise<unknown>;
  readonly journal: () => readonly Readonly<Record<string, unknown>>[];
}

/** An editor whose server may ask for consent. */
async function askedEditor(name: string, settings: Readonly<Record<string, unknown>>): Promise<Asked> {
  const scripted = await ScriptedEditor.open({ name, files: { "a.py": "" }, settings, telemetry: true, script: { mayAsk: true, abilities: ["telemetry"] } });
  await scripted.editor.waitForStatus("Ready.");
  return { editor: scripted.editor, told: (fields) => scripted.told("telemetry", fields), journal: () => scripted.journal("telemetry") };
}

describe("a server that can complete and no more", () => {
  let editor: Editor;

  before(async () => {
    ({ editor } = await ScriptedEditor.open({ name: "plain", files: { "a.py": "" }, script: { completions: COMPLETIONS } }));
    await editor.waitForStatus("Ready.");
  });

  after(() => editor.close());

  test("offers no command that it would leave dead", async () => {
    await editor.openFile("a.py");
    const offered = await editor.palette("Linewise: ");
    assert.deepEqual(
      offered.map((label) => label.replace(/^Linewise: /, "").replace(/, .*$/, "")).sort(),
      ["Complete Here", "Open Walkthrough", "Restart Server", "Select Model…", "Set Up…", "Show Log", "Show Status", "Snooze…"],
    );
  });
});

describe("nothing is set up", () => {
  let editor: Editor;

  before(async () => {
    editor = await Editor.open({ name: "bare", files: { "a.py": "" } });
    await editor.waitForStatus("Linewise is not set up yet.");
    await editor.button("Not Now");
  });

  after(() => editor.close());
  afterEach(picture(() => editor));

  test("only that is offered which does something", async () => {
    const offered = await editor.palette("Linewise: ");
    assert.deepEqual(
      offered.map((label) => label.replace(/^Linewise: /, "").replace(/, .*$/, "")).sort(),
      ["Open Walkthrough", "Restart Server", "Set Up…", "Show Log", "Show Status"],
    );
  });

  for (const command of ["Linewise: Restart Server", "Linewise: Set Up…"]) {
    test(`there is nothing to start, so the set-up is offered: ${command}`, async () => {
      await editor.run(command);
      await editor.page.waitForSelector('.monaco-dialog-box:has-text("Python environment of its own")');
      await editor.press("Escape");
      await editor.page.waitForSelector(".monaco-dialog-box", { state: "detached" });
    });
  }

  test("a button of the walkthrough that needs a server says that there is none", async () => {
    await editor.run("Linewise: Open Walkthrough");
    await editor.page.click('.getting-started-step:has-text("Decide what is shared")');
    await editor.page.click('.monaco-button:has-text("Show What Would Be Sent")');
    await editor.expectEntries(/Linewise is not set up yet\./, /Set Up…/);
    await editor.press("Escape");
  });
});

for (const [state, status, says] of [
  ["too slow", { state: "tooSlow", message: "Scripted 1M writes 4 tokens a second here." }, "writes 4 tokens a second"],
  ["loading", { state: "loading", message: "Loading Scripted 1M", progress: 0.42 }, "Loading Scripted 1M"],
  ["error", { state: "error", message: "The engine was lost." }, "The engine was lost."],
] as const) {
  test(`the status item says: ${state}`, async () => {
    const { editor } = await ScriptedEditor.open({ name: `status-${state.replace(" ", "-")}`, files: { "a.py": "" }, script: { status } });
    await editor.waitForStatus(says);
    await editor.screenshot(`features-status-${state.replace(" ", "-")}`);
    await editor.close();
  });
}

test("without a model, one is offered with its size, and one press fetches it", async () => {
  const scripted = await ScriptedEditor.open({
    name: "no-model",
    files: { "a.py": "" },
    script: { status: { state: "noModel", message: "There is no model." } },
  });
  const { editor } = scripted;
  await eventually("the offer", async () => (await editor.notifications()).some((text) => text.includes("Scripted 1M is 98 MB (Apache-2.0)")));
  await editor.screenshot("features-no-model");
  await editor.button("Download");
  await scripted.told("model", { name: "scripted-1m" });
  await editor.waitForStatus("Ready.");
  await editor.close();
});

test("a name that is no model's is told with the way to those that are", async () => {
  const scripted = await ScriptedEditor.open({
    name: "wrong-model",
    files: { "a.py": "" },
    script: { modelUnknown: true, status: { state: "noModel", message: 'There is no model "tiny".' } },
  });
  const { editor } = scripted;
  await eventually("the message", async () => (await editor.notifications()).some((text) => text.includes('There is no model "tiny".')));
  await editor.screenshot("features-wrong-model");
  await editor.button("Select Model…");
  await editor.choose("Scripted 1M");
  await scripted.told("model", { name: "scripted-1m" });
  await editor.waitForStatus("Ready.");
  await editor.close();
});

test("a server that is not there is told with a way out", async () => {
  const editor = await Editor.open({ name: "absent", files: { "a.py": "" }, settings: { "linewise.server.path": "/nowhere/linewise" } });
  await editor.waitForStatus("The server did not start.");
  await eventually("the message", async () => (await editor.notifications()).some((text) => text.includes("/nowhere/linewise")));
  await editor.screenshot("features-absent");
  await editor.button("Open Settings");
  await editor.page.waitForSelector(".settings-editor");
  await editor.close();
});
