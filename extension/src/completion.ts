/**
 * Inline completion: what passes between editor and server, watched.
 *
 * The provider is the language client's own; this is its middleware, plus the events from which `Suggestions`
 * concludes what became of each item. The server decides whether and what to complete.
 */

import {
  commands,
  InlineCompletionTriggerKind,
  Range,
  window,
  workspace,
  type InlineCompletionItem,
  type Position,
  type TextDocument,
} from "vscode";
import { NotificationType, type Middleware } from "vscode-languageclient/node";
import { acceptCommand, completionDismissedNotification, completionShownNotification } from "./protocol";
import type { Linewise, Session } from "./session";
import type { Snooze } from "./snooze";
import { Suggestions, type Suggestion, type Text } from "./suggestions";

/** The Copilot language server's name and parameters, which other clients of ours use too. */
const partiallyAccepted = new NotificationType<{
  readonly item: { readonly insertText: string; readonly command: { readonly title: string; readonly command: string; readonly arguments: readonly [string] } };
  readonly acceptedLength: number;
}>("textDocument/didPartiallyAcceptCompletion");

/** Returns the tracker whose reports go to the session's server. */
export function reportTo(session: () => Session): Suggestions {
  const server = (): Session["server"] => session().server;
  return new Suggestions(
    {
      shown: (report) => void server()?.sendNotification(completionShownNotification, report),
      dismissed: (report) => void server()?.sendNotification(completionDismissedNotification, report),
      partiallyAccepted: ({ id, text }, acceptedLength) =>
        void server()?.sendNotification(partiallyAccepted, {
          item: { insertText: text, command: { title: "", command: acceptCommand, arguments: [id] } },
          acceptedLength,
        }),
    },
    () => performance.now(),
  );
}

export function completionMiddleware(suggestions: Suggestions, snooze: Snooze): Middleware {
  return {
    provideInlineCompletionItems: async (document, position, context, token, next) => {
      if (snooze.active) {
        return undefined;
      }
      const version = document.version;
      const result = await next(document, position, context, token);
      const items = Array.isArray(result) ? result : (result?.items ?? []);
      const invoked = context.triggerKind === InlineCompletionTriggerKind.Invoke;
      if (!token.isCancellationRequested && document.version === version && isAt(document, position)) {
        const candidates = items.map((item) => suggestionOf(item, document, position)).filter((item) => item !== undefined);
        suggestions.offered(candidates, invoked ? "requested" : "inferred");
      }
      return result;
    },
    executeCommand: (command, args: unknown[], next) => {
      if (command === acceptCommand && typeof args[0] === "string") {
        suggestions.accepted(args[0]);
        void commands.executeCommand("setContext", "linewise.accepted", true); // ticks a step of the walkthrough
      }
      return next(command, args) as unknown;
    },
  };
}

export function activate({ context }: Linewise, suggestions: Suggestions): void {
  context.subscriptions.push(
    workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      const [change] = contentChanges;
      if (change !== undefined && contentChanges.length === 1) {
        suggestions.edited(textOf(document), { inserted: change.text, end: change.rangeOffset + change.text.length });
      } else if (change !== undefined) {
        suggestions.leave("typedOver");
      }
    }),
    window.onDidChangeTextEditorSelection(({ textEditor, selections: [selection] }) => {
      if (selection !== undefined) {
        suggestions.moved(textOf(textEditor.document), textEditor.document.offsetAt(selection.active));
      }
    }),
    window.onDidChangeActiveTextEditor(() => {
      suggestions.leave("expired");
    }),
    commands.registerCommand("linewise.complete", () => commands.executeCommand("editor.action.inlineSuggest.trigger")),
    commands.registerCommand("linewise.dismiss", () => {
      suggestions.leave("rejected");
      return commands.executeCommand("editor.action.inlineSuggest.hide");
    }),
  );
}

/** Whether the user still looks at the place that was asked about. */
function isAt(document: TextDocument, position: Position): boolean {
  const editor = window.activeTextEditor;
  return window.state.focused && editor?.document === document && editor.selection.isEmpty && editor.selection.active.isEqual(position);
}

function suggestionOf(item: InlineCompletionItem, document: TextDocument, position: Position): Suggestion | undefined {
  const id: unknown = item.command?.arguments?.[0];
  if (typeof id !== "string") {
    return undefined;
  }
  const text = lineFeeds(typeof item.insertText === "string" ? item.insertText : item.insertText.value);
  const start = document.offsetAt(item.range?.start ?? position);
  return { id, uri: document.uri.toString(), start, typed: document.offsetAt(position) - start, text };
}

function textOf(document: TextDocument): Text {
  return {
    uri: document.uri.toString(),
    between: (start, end) => lineFeeds(document.getText(new Range(document.positionAt(start), document.positionAt(end)))),
  };
}

function lineFeeds(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
