/** What a command needs and may not find; then whoever ran it is told what to do. */

import { commands, window, type TextEditor } from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { SCHEMES, type Session } from "./session";

/** The server that runs; where none does, the menu behind the status item says why, and how to get one. */
export function serverAtHand({ server }: Session): LanguageClient | undefined {
  if (server === undefined) {
    void commands.executeCommand("linewise.showStatus");
  }
  return server;
}

/** The editor with the cursor, if what it shows is something that is written. */
export function editorAtHand(): TextEditor | undefined {
  const editor = window.activeTextEditor;
  if (editor !== undefined && SCHEMES.includes(editor.document.uri.scheme)) {
    return editor;
  }
  const what = editor === undefined ? "Put the cursor into a file first." : "Linewise leaves what only shows something alone. Put the cursor into a file first.";
  void window.showInformationMessage(what);
  return undefined;
}
