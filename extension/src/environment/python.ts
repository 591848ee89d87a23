/**
 * Which Python makes the managed environment.
 *
 * In: candidates in the order of preference. Out: the first that is new enough, or what was found instead. Runs each
 * candidate isolated (`-I`), so that nothing of a workspace is imported by asking.
 */

import type { Run } from "./process";

export const OLDEST: readonly [number, number] = [3, 11];

export interface Candidate {
  readonly command: string;
  readonly args: readonly string[];
}

export interface Python {
  /** Absolute path of the interpreter. */
  readonly executable: string;
  readonly version: readonly [number, number, number];
  /** Whether `venv` and `ensurepip` are there; Debian ships them in a package of their own. */
  readonly makesEnvironments: boolean;
}

export type Found = { readonly python: Python } | { readonly python: undefined; readonly rejected: readonly Python[] };

/** The names under which Python is found on PATH, the newest that has all wheels first. */
export function candidatesOnPath(platform: NodeJS.Platform): readonly Candidate[] {
  const names = ["python3.13", "python3.12", "python3.11", "python3", "python"];
  const launcher: Candidate[] = platform === "win32" ? [{ command: "py", args: ["-3"] }] : [];
  return [...launcher, ...names.map((command) => ({ command, args: [] }))];
}

/** Returns the first candidate that can make the environment, else all that could not. */
export async function findPython(candidates: readonly Candidate[], run: Run): Promise<Found> {
  const rejected: Python[] = [];
  for (const candidate of candidates) {
    const python = await inspect(candidate, run);
    if (python === undefined) {
      continue;
    }
    if (isNewEnough(python) && python.makesEnvironments) {
      return { python };
    }
    rejected.push(python);
  }
  return { python: undefined, rejected };
}

export function isNewEnough({ version: [major, minor] }: Python): boolean {
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

const QUESTION = [
  "import importlib.util, json, sys",
  "has = lambda name: importlib.util.find_spec(name) is not None",
  "print(json.dumps([sys.executable, list(sys.version_info[:3]), has('venv') and has('ensurepip')]))",
].join("\n");

async function inspect({ command, args }: Candidate, run: Run): Promise<Python | undefined> {
  try {
    const { code, stdout } = await run(command, [...args, "-I", "-c", QUESTION]);
    return code === 0 ? parse(stdout) : undefined;
  } catch {
    return undefined; // no such command: the next candidate
  }
}

function parse(answer: string): Python | undefined {
  const value: unknown = JSON.parse(answer);
  if (!Array.isArray(value)) {
    return undefined;
  }
  const [executable, version, makesEnvironments] = value as unknown[];
  if (typeof executable !== "string" || !Array.isArray(version)) {
    return undefined;
  }
  const [major = 0, minor = 0, patch = 0] = version.map(Number);
  return { executable, version: [major, minor, patch], makesEnvironments: makesEnvironments === true };
}
