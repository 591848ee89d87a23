/** An editor whose server answers by a script, and the journal of what the server was told. */

import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Editor, EXTENSION, eventually, PYTHON, type Options } from "./editor";

export interface Script {
  /** Text before the cursor, trimmed -> candidates. */
  readonly completions?: Readonly<Record<string, readonly string[]>>;
  readonly abilities?: readonly string[];
  /** Whether consent may be asked for, until it was. */
  readonly mayAsk?: boolean;
  /** A file without which the server does not answer `initialize`. */
  readonly gate?: string;
  /** Name of a file -> why it is not completed, and the file beside it whose rule says so. */
  readonly silences?: Readonly<Record<string, readonly [silence: string, source: string | null]>>;
  /** The settings name a model that nobody knows. */
  readonly modelUnknown?: boolean;
  /** Fields of the first status that differ from "ready". */
  readonly status?: Readonly<Record<string, unknown>>;
}

export interface Entry {
  readonly what: string;
  readonly [field: string]: unknown;
}

export class ScriptedEditor {
  private constructor(
    readonly editor: Editor,
    private readonly journalPath: string,
  ) {}

  static async open(options: Options & { readonly script: Script }): Promise<ScriptedEditor> {
    const folder = join(tmpdir(), `linewise-${options.name}-${process.pid}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const server = join(folder, "server");
    writeFileSync(server, `#!/bin/sh\nexec "${PYTHON}" "${join(EXTENSION, "test", "fixtures", "scripted_server.py")}"\n`);
    chmodSync(server, 0o755);
    const script = join(folder, "script.json");
    writeFileSync(script, JSON.stringify({ completions: {}, abilities: [], ...options.script }));
    const journal = join(folder, "journal.jsonl");
    const editor = await Editor.open({
      ...options,
      settings: { "linewise.server.path": server, ...options.settings },
      environment: { LINEWISE_SCRIPT: script, LINEWISE_JOURNAL: journal, ...options.environment },
    });
    return new ScriptedEditor(editor, journal);
  }

  /** Everything that the server was told, in order. */
  journal(what?: string): readonly Entry[] {
    if (!existsSync(this.journalPath)) {
      return [];
    }
    const lines = readFileSync(this.journalPath, "utf8").split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Entry).filter((entry) => what === undefined || entry.what === what);
  }

  /** Waits for an entry with these fields and returns it. */
  async told(what: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Entry> {
    const matches = (entry: Entry): boolean => Object.entries(fields).every(([name, value]) => JSON.stringify(entry[name]) === JSON.stringify(value));
    let found: Entry | undefined;
    await eventually(() => `the server being told ${what} ${JSON.stringify(fields)}; it was told ${JSON.stringify(this.journal().slice(-8))}`, () => {
      found = this.journal(what).find(matches);
      return found !== undefined;
    });
    if (found === undefined) {
      throw new Error("unreachable: eventually throws");
    }
    return found;
  }
}
