/**
 * Runs one command and gives back what it said; the seam at which tests put answers of their own.
 *
 * Arguments are a list, never a shell line. The command does not see the user's PYTHON* variables, which belong to
 * the user's own programs, and its working directory is never a workspace.
 */

import { spawn } from "node:child_process";

export interface Outcome {
  /** Exit code; null when the command was stopped. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Watch {
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
}

/** Rejects when the command cannot be started at all. */
export type Run = (command: string, args: readonly string[], watch?: Watch) => Promise<Outcome>;

/** Returns a `Run` that works in `directory`, with `extra` variables on top of the user's. */
export function runIn(directory: string, extra: NodeJS.ProcessEnv = {}): Run {
  return (command, args, watch = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: directory,
        env: { ...withoutPython(process.env), ...extra },
        stdio: ["ignore", "pipe", "pipe"],
        windowsHide: true,
        // A group of its own, so that what the command started is stopped with it.
        detached: process.platform !== "win32",
      });
      const stop = (): void => {
        stopTree(child.pid);
      };
      watch.signal?.addEventListener("abort", stop, { once: true });
      const collect = (stream: NodeJS.ReadableStream): (() => string) => {
        let text = "";
        let rest = "";
        stream.setEncoding("utf8");
        stream.on("data", (chunk: string) => {
          text += chunk;
          const lines = (rest + chunk).split(/\r\n|\n|\r/);
          rest = lines.pop() ?? "";
          lines.forEach((line) => watch.onLine?.(line));
        });
        return () => text;
      };
      const stdout = collect(child.stdout);
      const stderr = collect(child.stderr);
      child.on("error", reject);
      child.on("close", (code) => {
        watch.signal?.removeEventListener("abort", stop);
        resolve({ code: watch.signal?.aborted === true ? null : code, stdout: stdout(), stderr: stderr() });
      });
    });
}

/** The environment without what would bend another Python's imports. */
export function withoutPython(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = new Set(["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "CONDA_PREFIX"]);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !foreign.has(name.toUpperCase())));
}

function stopTree(pid: number | undefined): void {
  if (pid === undefined) {
    return;
  }
  if (process.platform === "win32") {
    spawn("taskkill", ["/pid", String(pid), "/T", "/F"], { windowsHide: true });
  } else {
    process.kill(-pid, "SIGTERM"); // which the installer answers by ending pip and its compilers
  }
}
