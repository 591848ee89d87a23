/**
 * Generated code that waits for the user's word: a diff whose title has Apply and Discard for as long as it is open.
 *
 * In: the document, and what it would become. Out: whether to write it. Closing the diff discards; so does another
 * proposal for the same document. Nothing that can vanish by itself is asked.
 */

import { commands, TabInputTextDiff, Uri, window, type Disposable, type Tab, type TextDocument } from "vscode";
import type { Preview } from "./preview";

export class Decisions implements Disposable {
  /** What waits, by the URI of the proposal. */
  private readonly waiting = new Map<string, (apply: boolean) => void>();
  private readonly subscriptions: readonly Disposable[];

  constructor(private readonly preview: Preview) {
    this.subscriptions = [
      commands.registerCommand("linewise.applyGenerated", (uri?: Uri) => {
        this.decide(uri, true);
      }),
      commands.registerCommand("linewise.discardGenerated", (uri?: Uri) => {
        this.decide(uri, false);
      }),
      window.tabGroups.onDidChangeTabs(({ closed }) => {
        closed.map(proposalOf).forEach((uri) => this.waiting.get(uri ?? "")?.(false));
      }),
    ];
  }

  /** Shows `text` beside `document` as it is, under `title`; resolves to whether it shall be written. */
  async ask(document: TextDocument, text: string, title: string): Promise<boolean> {
    const uri = this.preview.put(`Generated ${document.uri.path.split("/").pop() ?? ""}`, text);
    const key = uri.toString();
    this.waiting.get(key)?.(false);
    const decided = new Promise<boolean>((resolve) => {
      this.waiting.set(key, resolve);
    });
    await commands.executeCommand("vscode.diff", document.uri, uri, title, { preview: false });
    const apply = await decided;
    this.waiting.delete(key);
    await window.tabGroups.close(tabs().filter((tab) => proposalOf(tab) === key));
    await window.showTextDocument(document);
    return apply;
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => {
      subscription.dispose();
    });
  }

  private decide(uri: Uri | undefined, apply: boolean): void {
    const active = window.tabGroups.activeTabGroup.activeTab;
    const key = uri instanceof Uri && this.waiting.has(uri.toString()) ? uri.toString() : active === undefined ? undefined : proposalOf(active);
    this.waiting.get(key ?? "")?.(apply);
  }
}

function tabs(): readonly Tab[] {
  return window.tabGroups.all.flatMap((group) => group.tabs);
}

function proposalOf({ input }: Tab): string | undefined {
  return input instanceof TabInputTextDiff ? input.modified.toString() : undefined;
}
