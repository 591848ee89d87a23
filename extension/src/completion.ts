/**
 * Inline completion: what passes between editor and server, watched.
 *
 * The provider is the language client's own; this is its middleware, plus the events from which `Suggestions`
 * concludes what became of each item. The server decides whether and what to complete. What was typed before it
 * could is asked for once it can.
 */

import {
  commands,
  InlineCompletionTriggerKind,
  Range,
  window,
  workspace,
  type InlineCompletionItem,
  type InlineCompletionList,
  type Position,
  type TextDocument,
} from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import { acceptCommand, completionDismissedNotification, completionShownNotification, didPartiallyAcceptCompletionNotification } from "./protocol";
import type { Missed, Place } from "./missed";
import { editorAtHand, serverAtHand } from "./needs";
import type { Linewise, Session } from "./session";
import { asksWhileTyping } from "./settings";
import type { Snooze } from "./snooze";
import { Suggestions, type Suggestion, type Text } from "./suggestions";

/** Returns the tracker whose reports go to the session's server. */
export function reportTo(session: () => Session): Suggestions {
  const server = (): Session["server"] => session().server;
  return new Suggestions(
    {
      shown: (report) => void server()?.sendNotification(completionShownNotification, report),
      dismissed: (report) => void server()?.sendNotification(completionDismissedNotification, report),
      partiallyAccepted: ({ id }, acceptedLength) =>
        void server()?.sendNotification(didPartiallyAcceptCompletionNotification, { item: { command: { arguments: [id] } }, acceptedLength }),
    },
    () => performance.now(),
  );
}

export function completionMiddleware(suggestions: Suggestions, snooze: Snooze, missed: Missed): Middleware {
  return {
    provideInlineCompletionItems: async (document, position, asked, token, next) => {
      if (snooze.active) {
        return undefined;
      }
      const version = document.version;
      // Not every VS Code can be made to ask without its taking that for the user's wish.
      const context = missed.asksAnew ? { ...asked, triggerKind: InlineCompletionTriggerKind.Automatic } : asked;
      const result = await missed.watch(async () => next(document, position, context, token), (answer) => itemsOf(answer).length > 0);
      const items = itemsOf(result);
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

export function activate({ context, session }: Linewise, suggestions: Suggestions, snooze: Snooze, missed: Missed): void {
  context.subscriptions.push(
    workspace.onDidChangeTextDocument(({ document, contentChanges, reason }) => {
      const [change] = contentChanges;
      if (change !== undefined && contentChanges.length === 1 && change.text !== "" && reason === undefined) {
        const start = change.rangeOffset;
        missed.typed({ uri: document.uri.toString(), version: document.version, start, end: start + change.text.length });
      }
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
    session.onDidChangePhase((phase) => {
      const place = missed.follow(phase);
      if (place !== undefined && !snooze.active && isStill(place)) {
        void missed.ask(() => commands.executeCommand("editor.action.inlineSuggest.trigger", { explicit: false }));
      }
    }),
    commands.registerCommand("linewise.complete", () =>
      serverAtHand(session) === undefined || editorAtHand() === undefined ? undefined : commands.executeCommand("editor.action.inlineSuggest.trigger"),
    ),
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

/** Whether the user still looks at what was typed last, where completions come by themselves. */
function isStill({ uri, version, start, end }: Place): boolean {
  const document = window.activeTextEditor?.document;
  if (document?.uri.toString() !== uri || document.version !== version || !asksWhileTyping(document.languageId, document.uri)) {
    return false;
  }
  const cursor = window.activeTextEditor?.selection.active;
  return cursor !== undefined && isAt(document, cursor) && document.offsetAt(cursor) > start && document.offsetAt(cursor) <= end;
}

function itemsOf(answer: InlineCompletionItem[] | InlineCompletionList | null | undefined): readonly InlineCompletionItem[] {
  return Array.isArray(answer) ? answer : (answer?.items ?? []);
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
