/**
 * Explain Completion: why the model says what it says at the cursor, as a picture beside the code.
 *
 * The server finds out and writes the page; this shows how far it is, lets it be cancelled, and opens the page in a
 * view that runs no script and loads nothing.
 */

import { CancellationError, commands, ProgressLocation, ViewColumn, window, type TextEditor, type WebviewOptions, type WebviewPanel } from "vscode";
import { WorkDoneProgress, type LanguageClient } from "vscode-languageclient/node";
import { isCancelled } from "./models";
import { editorAtHand, serverAtHand } from "./needs";
import { stepsOf } from "./progress";
import { explainCompletionRequest, type ExplainedCompletion } from "./protocol";
import type { Linewise } from "./session";

const TITLE = "Explain Completion";
const SEALED: WebviewOptions = { enableScripts: false, enableForms: false, enableCommandUris: false, localResourceRoots: [] };

export function activate({ context, session, log }: Linewise): void {
  let panel: WebviewPanel | undefined;
  const show = (html: string): void => {
    if (panel === undefined) {
      panel = window.createWebviewPanel("linewise.explanation", TITLE, { viewColumn: ViewColumn.Beside, preserveFocus: true }, { ...SEALED, enableFindWidget: true });
      panel.onDidDispose(() => {
        panel = undefined;
      });
    }
    panel.webview.html = html;
    panel.reveal(undefined, true);
  };
  context.subscriptions.push(
    commands.registerCommand("linewise.explainCompletion", async () => {
      const server = serverAtHand(session);
      const editor = server === undefined ? undefined : editorAtHand();
      if (editor === undefined || server === undefined) {
        return;
      }
      try {
        const { html, summary } = await ask(server, editor);
        if (html === null) {
          void window.showInformationMessage(summary);
        } else {
          show(html);
        }
      } catch (error) {
        if (!(error instanceof CancellationError) && !isCancelled(error)) {
          const message = error instanceof Error ? error.message : String(error);
          log.error(`explain: ${message}`);
          void window.showErrorMessage(message);
        }
      }
    }),
    {
      dispose: () => {
        panel?.dispose();
      },
    },
  );
}

function ask(server: LanguageClient, editor: TextEditor): Thenable<ExplainedCompletion> {
  const { document, selection } = editor;
  const { line, character } = selection.active;
  return window.withProgress({ location: ProgressLocation.Notification, title: TITLE, cancellable: true }, async (progress, token) => {
    const workDoneToken = `linewise-explain-${Date.now()}`;
    const subscription = server.onProgress(WorkDoneProgress.type, workDoneToken, stepsOf(progress));
    try {
      const uri = server.code2ProtocolConverter.asUri(document.uri);
      return await server.sendRequest(explainCompletionRequest, { uri, version: document.version, line, character, workDoneToken }, token);
    } finally {
      subscription.dispose();
    }
  });
}
