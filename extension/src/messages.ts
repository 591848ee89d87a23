/** Messages of the server, and about it, each with the button that helps. */

import { commands, window } from "vscode";
import { MessageType, ShowMessageNotification } from "vscode-languageclient/node";
import type { Linewise, Session } from "./session";
import { SECTION, serverSettings } from "./settings";

const SELECT_MODEL = "Select Model…";
const SHOW_LOG = "Show Log";

export function activate({ context, session, log }: Linewise): void {
  context.subscriptions.push(
    session.onWillStart((client) => {
      client.onNotification(ShowMessageNotification.type, async ({ type, message }) => {
        if (isOfferedAnyway(session, message)) {
          return;
        }
        const chosen = await show(type, message, buttons(session, type));
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

/** A missing model is offered by `models`, with its size and a button that fetches it. */
function isOfferedAnyway({ current }: Session, message: string): boolean {
  return current.kind === "serving" && current.status?.state === "noModel" && current.status.message === message;
}

function buttons({ current }: Session, type: MessageType): readonly string[] {
  if (current.kind === "serving" && current.status?.state === "tooSlow") {
    return [SELECT_MODEL];
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
