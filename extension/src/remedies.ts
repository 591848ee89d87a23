/** The buttons under a failure, and what each of them does. */

import { commands, ConfigurationTarget, env, Uri, window, workspace, type LogOutputChannel } from "vscode";
import type { Remedy, SetUpError } from "./environment/failures";
import { SECTION } from "./settings";

/** Shows what failed with its remedies; resolves to whether the set-up is worth another try now. */
export async function mend(failure: SetUpError, log: LogOutputChannel): Promise<boolean> {
  const byTitle = new Map(failure.remedies.map((remedy) => [titleOf(remedy), remedy]));
  const chosen = await window.showErrorMessage(failure.message, ...byTitle.keys());
  const remedy = chosen === undefined ? undefined : byTitle.get(chosen);
  switch (remedy?.kind) {
    case "retry":
      return true;
    case "choosePython":
      return choosePython();
    case "log":
      log.show();
      return false;
    case "settings":
      await commands.executeCommand("workbench.action.openSettings", remedy.setting);
      return false;
    case "open":
      await env.openExternal(Uri.parse(remedy.url));
      return false;
    case "copy":
      await env.clipboard.writeText(remedy.command);
      return false;
    case undefined:
      return false;
  }
}

function titleOf(remedy: Remedy): string {
  switch (remedy.kind) {
    case "retry":
      return "Retry";
    case "log":
      return "Show Log";
    case "choosePython":
      return "Choose Python…";
    case "settings":
    case "open":
    case "copy":
      return remedy.title;
  }
}

async function choosePython(): Promise<boolean> {
  const [chosen] = (await window.showOpenDialog({ title: "Python 3.11 or newer", openLabel: "Use This Python" })) ?? [];
  if (chosen === undefined) {
    return false;
  }
  await workspace.getConfiguration(SECTION).update("server.python", chosen.fsPath, ConfigurationTarget.Global);
  return true;
}
