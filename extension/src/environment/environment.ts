/**
 * The managed environment: a virtual environment in the extension's storage with the wheel that the .vsix carries.
 *
 * The wheel brings its own installer, the same that `make run` uses; here are only the folders. One for each wheel,
 * named by its checksum: an upgraded extension makes a new one while windows with the old one go on. So does a set-up
 * that is asked for again: what runs is never touched. The installer writes its stamp last, so an interrupted
 * installation is recognised and goes on where it stopped. Never touches the user's own environments.
 */

import { mkdir, readFile, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { diagnose, SetUpStopped } from "./failures";
import type { Outcome, Run } from "./process";
import type { Wheel } from "./wheel";

export interface Environment {
  readonly directory: string;
  /** The server's command. */
  readonly linewise: string;
}

export interface Installation {
  readonly environment: Environment;
  readonly wheel: Wheel;
  /** The interpreter that makes it. */
  readonly python: string;
  readonly run: Run;
  readonly platform: NodeJS.Platform;
  readonly signal: AbortSignal;
  readonly onStep: (message: string) => void;
  readonly onLine: (line: string) => void;
}

const STAMP = "linewise.json";
const INSTALLER_LOG = "install.log";
const EXTRAS = "hub,remote";
const UNUSED_DAYS = 14;

/** Returns where the server of `wheel` runs from: of its environments the last complete one; undefined where none is. */
export async function standing(storage: string, wheel: Wheel, platform: NodeJS.Platform): Promise<Environment | undefined> {
  for (let at = await latest(storage, wheel); at >= 0; at--) {
    const environment = environmentOf(storage, wheel, platform, at);
    if (await isComplete(environment)) {
      return environment;
    }
  }
  return undefined;
}

/** Returns where the next environment of `wheel` is made: where the last one was left incomplete, else beside it. */
export async function site(storage: string, wheel: Wheel, platform: NodeJS.Platform): Promise<Environment> {
  const last = await latest(storage, wheel);
  const environment = environmentOf(storage, wheel, platform, Math.max(last, 0));
  return last >= 0 && (await isComplete(environment)) ? environmentOf(storage, wheel, platform, last + 1) : environment;
}

function environmentOf(storage: string, wheel: Wheel, platform: NodeJS.Platform, at: number): Environment {
  const directory = join(storage, "environments", nameOf(wheel, at));
  return { directory, linewise: platform === "win32" ? join(directory, "Scripts", "linewise.exe") : join(directory, "bin", "linewise") };
}

function nameOf({ sha256 }: Wheel, at: number): string {
  return `${sha256.slice(0, 16)}${at === 0 ? "" : `-${at}`}`;
}

/** The number of the last environment of a wheel that was begun; -1 where none was. */
async function latest(storage: string, wheel: Wheel): Promise<number> {
  const names = await readdir(join(storage, "environments")).catch(() => []);
  const first = nameOf(wheel, 0);
  return Math.max(-1, ...names.map((name) => (name === first ? 0 : name.startsWith(`${first}-`) && !name.endsWith(".lock") ? Number(name.slice(first.length + 1)) : -1)));
}

/** Whether the environment is complete. */
export async function isComplete(environment: Environment): Promise<boolean> {
  try {
    await stat(join(environment.directory, STAMP));
    await stat(environment.linewise);
    return true;
  } catch {
    return false;
  }
}

/** Notes that a complete environment is in use, so that it is kept. */
export async function noteUse(environment: Environment, now: Date): Promise<void> {
  await utimes(join(environment.directory, STAMP), now, now);
}

/** Makes the environment. Throws SetUpError or SetUpStopped, and then it is incomplete. */
export async function install(installation: Installation): Promise<void> {
  const { environment, python, wheel } = installation;
  await mkdir(environment.directory, { recursive: true });
  const options = ["--venv", environment.directory, "--wheel", wheel.file, "--extras", EXTRAS, "--pulse", "1"];
  await runStep(installation, python, ["-I", wheel.installer, ...options]);
  try {
    await runStep(installation, environment.linewise, ["--version"]);
  } catch (error) {
    // Else it would pass for whole.
    await rm(join(environment.directory, STAMP), { force: true });
    throw error;
  }
}

/** Removes other environments that no window has used for two weeks. */
export async function removeUnused(environment: Environment, now: Date): Promise<void> {
  const root = join(environment.directory, "..");
  for (const name of await readdir(root)) {
    const directory = join(root, name);
    if (directory === environment.directory || name.endsWith(".lock")) {
      continue;
    }
    const used = await stat(join(directory, STAMP)).catch(() => stat(directory));
    if (now.getTime() - used.mtimeMs > UNUSED_DAYS * 86_400_000) {
      await rm(directory, { recursive: true, force: true });
    }
  }
}

/**
 * Runs `work` while no other window does the same for this environment; returns whether it ran.
 *
 * Where another window is at it, waits for that one instead and returns false. A lock whose owner is gone is void.
 */
export async function exclusively(environment: Environment, signal: AbortSignal, work: () => Promise<void>): Promise<boolean> {
  const lock = `${environment.directory}.lock`;
  await mkdir(join(lock, ".."), { recursive: true });
  for (let first = true; ; first = false) {
    try {
      await writeFile(lock, String(process.pid), { flag: "wx" });
    } catch {
      if (!first && !(await isHeld(lock))) {
        await rm(lock, { force: true });
      }
      await pause(500, signal);
      if (await isComplete(environment)) {
        return false;
      }
      continue;
    }
    try {
      await work();
      return true;
    } finally {
      await rm(lock, { force: true });
    }
  }
}

const STEPS: readonly (readonly [RegExp, string])[] = [
  [/^pip$/, "Preparing the environment"],
  [/^llama\.cpp, upstream's wheel/, "Looking for a prebuilt engine"],
  [/^llama\.cpp for/, "Making the engine for this machine, once"],
  [/^Linewise$/, "Installing the server"],
];

/** What one line of the installer's progress says; undefined for other lines. */
export function stepOf(line: string): string | undefined {
  const [, title = "", clock = "", rest = ""] = /^ {2}(.+): (\d+:\d\d)(.*)$/.exec(line.trimEnd()) ?? [];
  const step = STEPS.find(([pattern]) => pattern.test(title))?.[1];
  if (step === undefined || /, (done|without success)$/.test(rest)) {
    return step;
  }
  return `${step}: ${clock}${rest}`;
}

async function runStep(installation: Installation, command: string, args: readonly string[]): Promise<void> {
  const { environment, onLine, onStep, platform, run, signal } = installation;
  const listen = (line: string): void => {
    onLine(line);
    const step = stepOf(line);
    if (step !== undefined) {
      onStep(step);
    }
  };
  let outcome: Outcome;
  try {
    outcome = await run(command, args, { signal, onLine: listen });
  } catch (error) {
    throw diagnose(String(error), platform);
  }
  if (outcome.code === null) {
    throw new SetUpStopped();
  }
  if (outcome.code !== 0) {
    const log = await readFile(join(environment.directory, INSTALLER_LOG), "utf8").catch(() => "");
    log.split("\n").forEach(onLine);
    throw diagnose(log + outcome.stdout + outcome.stderr, platform);
  }
}

async function isHeld(lock: string): Promise<boolean> {
  const owner = Number(await readFile(lock, "utf8").catch(() => "0"));
  if (!Number.isInteger(owner) || owner <= 0) {
    return false;
  }
  try {
    process.kill(owner, 0);
    return true;
  } catch {
    return false;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new SetUpStopped());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
