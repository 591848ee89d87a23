/**
 * The managed environment: a virtual environment in the extension's storage with the wheel that the .vsix carries.
 *
 * One folder for each wheel, named by its checksum, complete when its marker is there: an upgraded extension makes a
 * new one while windows with the old one go on, and an interrupted installation is started over. Never touches the
 * user's own environments.
 */

import { mkdir, readFile, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { diagnose, SetUpStopped } from "./failures";
import type { Outcome, Run, Watch } from "./process";
import type { Wheel } from "./wheel";

export interface Environment {
  readonly directory: string;
  readonly python: string;
  /** The server's command. */
  readonly linewise: string;
}

export interface Step {
  readonly message: string;
  /** What is usual for this step, where that is long. */
  readonly expectedMinutes?: number;
}

export interface Installation {
  readonly environment: Environment;
  readonly wheel: Wheel;
  /** The interpreter that makes it. */
  readonly python: string;
  /** Further arguments of `pip install`. */
  readonly pipArguments: readonly string[];
  readonly run: Run;
  readonly platform: NodeJS.Platform;
  readonly signal: AbortSignal;
  readonly onStep: (step: Step) => void;
  readonly onLine: (line: string) => void;
}

const MARKER = "complete.json";
const UNUSED_DAYS = 14;

/** Returns where the environment of `wheel` stands or will stand. */
export function environmentOf(storage: string, wheel: Wheel, platform: NodeJS.Platform): Environment {
  const directory = join(storage, "environments", wheel.sha256.slice(0, 16));
  const [scripts, suffix] = platform === "win32" ? ["Scripts", ".exe"] : ["bin", ""];
  return {
    directory,
    python: join(directory, scripts, `python${suffix}`),
    linewise: join(directory, scripts, `linewise${suffix}`),
  };
}

/** Whether the environment is complete; notes that it is in use. */
export async function isComplete(environment: Environment, now: Date): Promise<boolean> {
  try {
    await utimes(join(environment.directory, MARKER), now, now);
    await stat(environment.linewise);
    return true;
  } catch {
    return false;
  }
}

/** Makes the environment. Throws SetUpError or SetUpStopped; leaves no environment that looks complete then. */
export async function install(installation: Installation): Promise<void> {
  const { environment, wheel, onStep, pipArguments } = installation;
  await rm(environment.directory, { recursive: true, force: true });
  await mkdir(environment.directory, { recursive: true });
  onStep({ message: "Making an environment" });
  await runStep(installation, installation.python, ["-I", "-m", "venv", environment.directory]);
  onStep({ message: "Fetching packages" });
  const pip = ["-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--prefer-binary"];
  await runStep(installation, environment.python, [...pip, ...pipArguments, wheel.file]);
  onStep({ message: "Checking the server" });
  await runStep(installation, environment.linewise, ["--version"]);
  await writeFile(join(environment.directory, MARKER), JSON.stringify({ version: wheel.version, sha256: wheel.sha256 }));
}

/** Removes environments of other wheels that no window has used for two weeks. */
export async function removeUnused(environment: Environment, now: Date): Promise<void> {
  const root = join(environment.directory, "..");
  for (const name of await readdir(root)) {
    const directory = join(root, name);
    if (directory === environment.directory || name.endsWith(".lock")) {
      continue;
    }
    const used = await stat(join(directory, MARKER)).catch(() => stat(directory));
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
      if (await isComplete(environment, new Date())) {
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

/** What a line of pip's output says about where it is; undefined for most lines. */
export function stepOf(line: string): Step | undefined {
  if (/^\s*Building wheel for llama[-_]cpp[-_]python/.test(line)) {
    return { message: "Compiling the engine for this machine, once", expectedMinutes: 6 };
  }
  if (/^\s*Installing collected packages/.test(line)) {
    return { message: "Installing" };
  }
  const collecting = /^\s*Collecting ([A-Za-z0-9._-]+)/.exec(line);
  return collecting?.[1] === undefined ? undefined : { message: `Fetching ${collecting[1]}` };
}

async function runStep(installation: Installation, command: string, args: readonly string[]): Promise<void> {
  const { onLine, onStep, platform, run, signal } = installation;
  const watch: Watch = {
    signal,
    onLine: (line) => {
      onLine(line);
      const step = stepOf(line);
      if (step !== undefined) {
        onStep(step);
      }
    },
  };
  let outcome: Outcome;
  try {
    outcome = await run(command, args, watch);
  } catch (error) {
    throw diagnose(String(error), platform);
  }
  if (outcome.code === null) {
    throw new SetUpStopped();
  }
  if (outcome.code !== 0) {
    throw diagnose(outcome.stdout + outcome.stderr, platform);
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
