/** The managed environment on a real disk, with commands that answer by a script. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { exclusively, install, isComplete, noteUse, removeUnused, site, standing, stepOf, type Environment } from "../../src/environment/environment";
import { SetUpError, SetUpStopped } from "../../src/environment/failures";
import { runIn, withoutPython, type Outcome, type Run } from "../../src/environment/process";
import { candidatesOnPath, findPython } from "../../src/environment/python";
import type { Wheel } from "../../src/environment/wheel";

const NOW = new Date("2026-11-23T04:00:00Z");
const DAY = 86_400_000;
const WHEEL: Wheel = {
  file: "/extension/wheel/linewise-0.1.0-py3-none-any.whl",
  version: "0.1.0",
  installer: "/extension/wheel/install.py",
  sha256: "73b1ed6d36d4e60d14f97025e20be49a28a028e6cfd2e1097da98cc7d25c7cb8",
  model: { name: "small", title: "Small", size: 1, licence: "Apache-2.0" },
};
const done: Outcome = { code: 0, stdout: "", stderr: "" };
const absent = (): Promise<Outcome> => Promise.reject(new Error("ENOENT"));

let storage: string;
let environment: Environment;

beforeEach(async () => {
  storage = await mkdtemp(join(tmpdir(), "linewise-"));
  environment = await site(storage, WHEEL, process.platform);
});

afterEach(() => rm(storage, { recursive: true, force: true }));

/** Runs the installation with `answer` for each command; returns the commands that ran. */
async function installWith(answer: (command: string, args: readonly string[]) => Outcome): Promise<string[]> {
  const ran: string[] = [];
  const run: Run = async (command, args) => {
    ran.push([command, ...args].join(" ").replaceAll(environment.directory, "ENV"));
    const outcome = answer(command, args);
    if (args.includes("--venv") && outcome.code === 0) {
      await mkdir(dirname(environment.linewise), { recursive: true });
      await writeFile(environment.linewise, "");
      await writeFile(join(environment.directory, "linewise.json"), "{}");
    }
    return outcome;
  };
  const quiet = { onStep: () => undefined, onLine: () => undefined, signal: new AbortController().signal };
  await install({ environment, wheel: WHEEL, python: "/usr/bin/python3", run, platform: process.platform, ...quiet });
  return ran;
}

test("the installer of the wheel makes the environment, and the server is tried", async () => {
  assert.deepEqual(await installWith(() => done), [
    `/usr/bin/python3 -I ${WHEEL.installer} --venv ENV --wheel ${WHEEL.file} --extras hub,remote --pulse 1`,
    `${environment.linewise.replace(environment.directory, "ENV")} --version`,
  ]);
  assert.equal(await isComplete(environment), true);
});

test("set up again, what runs is left alone until the new one is whole, which then serves", async () => {
  await installWith(() => done);
  const first = environment;
  environment = await site(storage, WHEEL, process.platform);
  assert.notEqual(environment.directory, first.directory);
  await assert.rejects(installWith(() => ({ code: 1, stdout: "", stderr: "" })), SetUpError);
  assert.deepEqual(await standing(storage, WHEEL, process.platform), first);
  // What was begun goes on where it stopped.
  assert.deepEqual(await site(storage, WHEEL, process.platform), environment);
  await installWith(() => done);
  assert.equal(await isComplete(first), true);
  assert.deepEqual(await standing(storage, WHEEL, process.platform), environment);
});

test("a server that does not run is not taken for whole", async () => {
  await assert.rejects(installWith((_, args) => (args.includes("--version") ? { code: 1, stdout: "", stderr: "" } : done)), SetUpError);
  assert.equal(await standing(storage, WHEEL, process.platform), undefined);
});

test("a step that fails leaves nothing that looks complete, and says what to do", async () => {
  await assert.rejects(
    installWith((_, args) => (args.includes("--venv") ? { code: 1, stdout: "", stderr: "No space left on device" } : done)),
    (error) => error instanceof SetUpError && error.message.startsWith("The disk is full"),
  );
  assert.equal(await isComplete(environment), false);
});

test("a set-up that the user stops is no failure", async () => {
  await assert.rejects(installWith((_, args) => (args.includes("--venv") ? { ...done, code: null } : done)), SetUpStopped);
});

test("another wheel has another environment: none stands for it until it is made", async () => {
  await installWith(() => done);
  const upgraded = { ...WHEEL, sha256: "f".repeat(64) };
  assert.equal(await standing(storage, upgraded, process.platform), undefined);
  assert.notEqual((await site(storage, upgraded, process.platform)).directory, environment.directory);
});

test("an environment in use is kept however old it is", async () => {
  await installWith(() => done);
  await noteUse(environment, NOW);
  await removeUnused({ ...environment, directory: `${environment.directory}-1` }, new Date(NOW.getTime() + 13 * DAY));
  assert.equal(await isComplete(environment), true);
  await removeUnused({ ...environment, directory: `${environment.directory}-1` }, new Date(NOW.getTime() + 15 * DAY));
  assert.equal(await isComplete(environment), false);
});

test("environments unused for two weeks go, the one in use and the recent ones stay", async () => {
  const root = dirname(environment.directory);
  for (const [name, days] of [["old", 20], ["recent", 2]] as const) {
    await mkdir(join(root, name), { recursive: true });
    await writeFile(join(root, name, "linewise.json"), "{}");
    const used = new Date(NOW.getTime() - days * DAY);
    await utimes(join(root, name, "linewise.json"), used, used);
  }
  await mkdir(environment.directory, { recursive: true });
  await removeUnused(environment, NOW);
  assert.deepEqual((await readdir(root)).sort(), [environment.directory.slice(root.length + 1), "recent"].sort());
});

test("two windows set up once: the second waits for the first", async () => {
  let made = 0;
  const make = async (): Promise<void> => {
    made += 1;
    await installWith(() => done);
  };
  const windows = ["one", "other"].map(() => exclusively(environment, new AbortController().signal, make));
  assert.deepEqual((await Promise.all(windows)).sort(), [false, true]);
  assert.equal(made, 1);
});

test("the lock of a window that is gone is void", async () => {
  await mkdir(dirname(environment.directory), { recursive: true });
  await writeFile(`${environment.directory}.lock`, "not a process");
  let ran = false;
  await exclusively(environment, new AbortController().signal, () => {
    ran = true;
    return Promise.resolve();
  });
  assert.equal(ran, true);
});

test("the first Python that is new enough and whole is taken", async () => {
  const answers: Readonly<Record<string, string>> = {
    "python3.13": '["/a/python3.13", [3, 13, 0], false]',
    "python3.12": '["/a/python3.12", [3, 12, 1], true]',
    python3: '["/a/python3", [3, 9, 2], true]',
  };
  const run: Run = (command) => {
    const stdout = answers[command];
    return stdout === undefined ? absent() : Promise.resolve({ ...done, stdout });
  };
  const found = await findPython(candidatesOnPath("linux"), run);
  assert.equal(found.python?.executable, "/a/python3.12");
});

test("where none will do, all that were found are named", async () => {
  const run: Run = (command) => (command === "python3" ? Promise.resolve({ ...done, stdout: '["/a/python3", [3, 9, 2], true]' }) : absent());
  const found = await findPython(candidatesOnPath("win32"), run);
  assert.deepEqual(found, { python: undefined, rejected: [{ executable: "/a/python3", version: [3, 9, 2], makesEnvironments: true }] });
});

for (const [line, message] of [
  ["  pip: 0:02, done", "Preparing the environment"],
  ["  llama.cpp, upstream's wheel for cpu: 0:05, without success", "Looking for a prebuilt engine"],
  ["  llama.cpp for cpu: 1:20 of about 5:00, 12/193 files", "Making the engine for this machine, once: 1:20 of about 5:00, 12/193 files"],
  ["  Linewise: 0:12", "Installing the server: 0:12"],
  ["Setting up /x, llama.cpp for cpu.", undefined],
] as const) {
  test(`the installer says: ${line.trim()}`, () => {
    assert.equal(stepOf(line), message);
  });
}

test("a command that is stopped takes its children with it", async () => {
  const stop = new AbortController();
  // The child holds the pipe open: as long as it lives the command has not ended.
  const { code } = await runIn(storage)("/bin/sh", ["-c", "echo started; sleep 600"], {
    signal: stop.signal,
    onLine: () => {
      stop.abort();
    },
  });
  assert.equal(code, null);
});

test("the user's Python variables stay with the user's programs", () => {
  assert.deepEqual(withoutPython({ PATH: "/bin", PYTHONPATH: "/x", VIRTUAL_ENV: "/y", HTTPS_PROXY: "p" }), { PATH: "/bin", HTTPS_PROXY: "p" });
});
