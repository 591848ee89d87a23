/** From nothing to completed code, as a new user meets it: the wheel in the .vsix, the real server, the real model. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { closeAll, Editor, eventually, OUTPUT } from "./editor";

const NAME = "first-use";
const HOME = join(OUTPUT, NAME, "home");
/** The first set-up compiles the engine where pip has no wheel of it yet. */
const SET_UP_MS = 15 * 60_000;

const MEAN = 'def mean(xs: list[float]) -> float:\n    """Return the arithmetic mean."""\n';
/** What is typed must be completed however busy the machine of the test is: only the bench looks at time. */
const PATIENT = { "linewise.latency.automatic": 10_000, "linewise.logLevel": "info" };
const FILES = {
  "mean.py": MEAN,
  "words.py": "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n",
  "area.ts": "export function area(width: number, height: number): number {\n",
  "typical.py": "import statistics\n\nprint(statistics.fmean([1.0, 2.0]))\n",
  "after.py": MEAN,
  "engine.py": MEAN,
  "manual.py": MEAN,
};

after(closeAll);

describe("first use", () => {
  let editor: Editor;

  before(async () => {
    editor = await Editor.open({ name: NAME, files: FILES, settings: PATIENT, environment: { LINEWISE_HOME: HOME } });
  });

  after(() => editor.close());

  afterEach((context) => editor.screenshot(`${NAME} ${context.name}`.replaceAll(/\W+/g, "-")));

  test("one press sets everything up", { timeout: SET_UP_MS }, async () => {
    await eventually("the offer to set up", async () => (await editor.notifications()).some((text) => text.includes("93 MB")));
    await editor.screenshot(`${NAME}-offer`);
    await editor.button("Set Up");
    await editor.waitForStatus("Setting up");
    await eventually("the set-up at work", async () => (await editor.notifications()).some((text) => text.includes("Installing the server")), SET_UP_MS);
    await editor.screenshot(`${NAME}-set-up`);
    await eventually("the model's download", async () => (await editor.notifications()).some((text) => text.includes("Downloading SmolLM2")), SET_UP_MS);
    await editor.screenshot(`${NAME}-download`);
    await eventually("the model in the store", () => existsSync(join(HOME, "models", "smollm2-135m.gguf")), SET_UP_MS);
    await eventually("the end of all notifications", async () => (await editor.notifications()).length === 0, 60_000);
  });

  test("typing brings ghost text, Tab puts it into the file", async () => {
    await editor.openFile("mean.py");
    await editor.type("    return sum(xs) / ");
    const ghost = await editor.waitForGhost(undefined, 60_000);
    await editor.waitForStatus("Ready.");
    await editor.screenshot(`${NAME}-ghost`);
    await editor.press("Tab");
    await editor.expectFile("mean.py", new RegExp(escaped(`return sum(xs) / ${ghost.split("\n")[0] ?? ""}`.trimEnd())));
  });

  test("a word of it can be taken", async () => {
    await editor.openFile("words.py");
    await editor.type("    return ");
    const ghost = await editor.waitForGhost();
    await editor.press("Control+ArrowRight");
    await editor.expectFile("words.py", new RegExp(`return ${escaped(ghost.split(" ")[0] ?? "")}`));
  });

  test("a second language", async () => {
    await editor.openFile("area.ts");
    await editor.type("  return width ");
    await editor.waitForGhost("height");
    await editor.press("Tab");
    await editor.expectFile("area.ts", /return width .*height/);
  });

  test("a hover links the docs of the installed version, and a click leads there", async () => {
    await editor.openFile("typical.py");
    for (const key of ["Control+Home", "ArrowDown", "ArrowDown", ...Array<string>("print(statistics.f".length).fill("ArrowRight")]) {
      await editor.press(key);
    }
    const link = editor.page.locator('.monaco-hover a[data-href*="docs.python.org"]:visible').first();
    await eventually("a click on the link of the hover", async () => {
      await editor.press("Control+K");
      await editor.press("Control+I");
      try {
        await link.waitFor({ timeout: 5_000 });
        await editor.screenshot(`${NAME}-hover`);
        await link.click({ timeout: 5_000 });
        return true;
      } catch {
        // It closes when something else in the window moves; asked for once more, it opens again.
        await editor.press("Escape");
        return false;
      }
    }, 60_000);
    // VS Code asks before it opens a page outside, and shows which: nothing is opened in the test.
    const asked = await editor.page.waitForSelector(".monaco-dialog-box");
    assert.match(await asked.innerText(), /https:\/\/docs\.python\.org\/3\.\d+\/library\/statistics\.html#statistics\.fmean/);
    await editor.press("Escape");
    await editor.page.waitForSelector(".monaco-dialog-box", { state: "detached" });
  });

  test("a server that is killed comes back by itself", async () => {
    kill(processes("serve"));
    await editor.openFile("after.py");
    await typeUntilGhost(editor, "    return sum(xs) / ");
    assert.deepEqual(await editor.notifications(), []);
  });

  test("an engine that is killed comes back by itself", async () => {
    await editor.openFile("engine.py");
    kill(processes("engine"));
    await typeUntilGhost(editor, "    return sum(xs) / ");
  });

  test("a changed setting holds at once", async () => {
    const [server] = processes("serve");
    await editor.openFile("manual.py");
    editor.set({ "linewise.trigger": "manual" });
    await eventually("no ghost text while typing", async () => {
      await editor.type("    return sum(xs) / ");
      await editor.press("Enter");
      return (await editor.ghost()) === "";
    });
    await editor.type("    return sum(xs) / ");
    await editor.press("Alt+\\");
    await editor.waitForGhost();
    assert.deepEqual(processes("serve"), [server]);
  });
});

describe("untrusted workspace", () => {
  let editor: Editor;
  const proof = join(OUTPUT, NAME, "hostile-server-ran");

  before(async () => {
    editor = await Editor.open({
      name: NAME,
      keepProfile: true,
      trusted: false,
      settings: PATIENT,
      files: { "mean.py": MEAN, "server.sh": `#!/bin/sh\ntouch ${proof}\n` },
      workspaceSettings: {
        "linewise.server.path": "./server.sh",
        "linewise.server.python": "./server.sh",
        "linewise.remote.url": "http://127.0.0.1:9/",
        "linewise.model": "./weights.gguf",
        "linewise.telemetry.level": "events",
      },
      environment: { LINEWISE_HOME: HOME },
    });
  });

  after(() => editor.close());

  afterEach(() => editor.screenshot(`${NAME}-untrusted`));

  test("runs the bundled server with its own settings, and completes", async () => {
    await editor.openFile("mean.py");
    await typeUntilGhost(editor, "    return sum(xs) / ");
    await editor.waitForStatus("Ready.");
    assert.equal(existsSync(proof), false);
  });
});

after(() => {
  kill(processes("engine"));
});

/** Types a text and, while nothing shows, its last key again: nothing asks anew what a process that was not there missed. */
async function typeUntilGhost(editor: Editor, text: string): Promise<void> {
  await editor.type(text);
  await eventually("ghost text", async () => {
    try {
      await editor.waitForGhost(undefined, 5_000);
      return true;
    } catch {
      await editor.press("Backspace");
      await editor.type(text.slice(-1));
      return false;
    }
  }, 90_000);
}

/** Processes of this profile's server, by their subcommand. */
function processes(subcommand: "serve" | "engine"): readonly number[] {
  const lines = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" }).split("\n");
  const ours = lines.filter((line) => line.includes(join(OUTPUT, NAME)) && (subcommand === "serve" ? / serve\b/ : / engine |linewise_models\.host/).test(line));
  return ours.map((line) => Number(line.trim().split(" ")[0]));
}

function kill(pids: readonly number[]): void {
  assert.notEqual(pids.length, 0, "nothing to kill");
  pids.forEach((pid) => process.kill(pid, "SIGKILL"));
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
