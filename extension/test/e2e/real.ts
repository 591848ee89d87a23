/** An editor on the repository's own server and the default model, for pictures and measurements. */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Trace } from "../../src/protocol";
import { Editor, OUTPUT, PYTHON, type Options } from "./editor";

const LINEWISE = join(dirname(PYTHON), "linewise");
const HOME = join(OUTPUT, "home");
const MODEL = "smollm2-135m";

export async function openReal(options: Options): Promise<Editor> {
  const environment = { ...options.environment, LINEWISE_HOME: HOME };
  execFileSync(LINEWISE, ["models", "pull", MODEL], { env: { ...process.env, ...environment }, stdio: ["ignore", "ignore", "inherit"] });
  return Editor.open({ ...options, environment, settings: { "linewise.server.path": LINEWISE, "linewise.trace": true, ...options.settings } });
}

/** What the server said of each completion, in order. */
export function traces(editor: Editor): readonly Trace[] {
  const logs = join(editor.profile, "logs");
  const files = readdirSync(logs).map((run) => join(logs, run, "exthost1", "linewise.linewise", "Linewise.log"));
  const lines = files.filter((file) => existsSync(file)).flatMap((file) => readFileSync(file, "utf8").split("\n"));
  return lines.flatMap((line) => {
    const [, json] = line.split("[info] trace ");
    return json === undefined ? [] : [JSON.parse(json) as Trace];
  });
}
