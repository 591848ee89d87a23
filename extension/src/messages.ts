/** Messages of the server, and about it, each with the button that helps. */

import { commands, window } from "vscode";
import { MessageType, ShowMessageNotification } from "vscode-languageclient/node";
import { SELECT_MODEL } from "./models";
import type { Linewise, Session } from "./session";
import { SECTION, serverSettings } from "./settings";

const SHOW_LOG = "Show Log";

export function activate({ context, session, log }: Linewise): void {
  context.subscriptions.push(
    session.onWillStart((client) => {
      client.onNotification(ShowMessageNotification.type, async ({ type, message }) => {
        if (isOfferedAnyway(session, message)) {
          return;
        }
        const chosen = await show(type, message, buttons(session, type, message));
        if (chosen === SELECT_MODEL) {
          await commands.executeCommand("linewise.selectModel");
        } else if (chosen === SHOW_LOG) {
          log.show();
        }
      });
    }),
    session.onDidFail((message) => void explain(message)),
  );
}

async function explain(message: string): Promise<void> {
  const mends: Readonly<Record<string, () => Thenable<unknown>>> = {
    "Restart Server": () => commands.executeCommand("linewise.restart"),
    ...(serverSettings().path === ""
      ? { "Set Up Again…": () => commands.executeCommand("linewise.setUp") }
      : { "Open Settings": () => commands.executeCommand("workbench.action.openSettings", `${SECTION}.server.path`) }),
    [SHOW_LOG]: () => commands.executeCommand("linewise.showLog"),
  };
  const chosen = await window.showErrorMessage(message, ...Object.keys(mends));
  await mends[chosen ?? ""]?.();
}

/** A missing model, or a wrong name of one, is told by `models`, with a button that mends it. */
function isOfferedAnyway({ current }: Session, message: string): boolean {
  return current.kind === "serving" && current.status?.state === "noModel" && current.status.message === message;
}

function buttons({ current }: Session, type: MessageType, message: string): readonly string[] {
  const status = current.kind === "serving" ? current.status : undefined;
  if (status?.state === "tooSlow" && message === status.advice) {
    return [SELECT_MODEL];
  }
  if (status?.state === "error" && message === status.message) {
    return [SELECT_MODEL, SHOW_LOG];
  }
  return type === MessageType.Error || type === MessageType.Warning ? [SHOW_LOG] : [];
}

function show(type: MessageType, message: string, actions: readonly string[]): Thenable<string | undefined> {
  switch (type) {
    case MessageType.Error:
      return window.showErrorMessage(message, ...actions);
    case MessageType.Warning:
      return window.showWarningMessage(message, ...actions);
    default:
      return window.showInformationMessage(message, ...actions);
  }
}
