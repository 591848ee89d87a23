/** Whether code is completed in the active editor, and what keeps it from being: the server's word and the editor's. */

import { EventEmitter, window, workspace, type Disposable, type TextDocument } from "vscode";
import { languageName } from "./languages";
import type { Here } from "./presence";
import { documentStatusNotification, type DocumentStatus } from "./protocol";
import type { Session } from "./session";
import { asksWhileTyping, inlineSuggestionsAreOn } from "./settings";
import type { Snooze } from "./snooze";

export class Places implements Disposable {
  private readonly statuses = new Map<string, DocumentStatus>();
  private readonly changes = new EventEmitter<void>();
  private readonly subscriptions: Disposable;
  /** Fires when the answer of `here` may have changed. */
  readonly onDidChange = this.changes.event;

  constructor(
    private readonly session: Session,
    private readonly snooze: Snooze,
  ) {
    this.subscriptions = session.onWillStart((client) => {
      this.statuses.clear();
      client.onNotification(documentStatusNotification, (status) => {
        this.statuses.set(status.uri, status);
        this.changes.fire();
      });
    });
  }

  /** What holds in the active editor. */
  here(): Here {
    const document = window.activeTextEditor?.document;
    return {
      silence: this.statusOf(document)?.silence ?? undefined,
      language: document === undefined ? "" : languageName(document.languageId),
      snoozedUntil: this.snooze.untilTime,
      asksInEditor: document === undefined || inlineSuggestionsAreOn(document.languageId, document.uri),
      byHand: document !== undefined && !asksWhileTyping(document.languageId, document.uri),
    };
  }

  /** What the server said of a document. */
  statusOf(document: TextDocument | undefined): DocumentStatus | undefined {
    const { server } = this.session;
    return document === undefined || server === undefined ? undefined : this.statuses.get(server.code2ProtocolConverter.asUri(document.uri));
  }

  /** Calls `listener` whenever what holds here may have changed, also because another editor is active. */
  watch(listener: () => void): Disposable[] {
    return [
      this.onDidChange(listener),
      this.snooze.onDidChange(listener),
      window.onDidChangeActiveTextEditor(listener),
      workspace.onDidChangeConfiguration(listener),
    ];
  }

  dispose(): void {
    this.subscriptions.dispose();
    this.changes.dispose();
  }
}
