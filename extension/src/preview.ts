/** Read-only documents that show what a thing is before it is done: what would be sent, word for word. */

import { EventEmitter, Uri, window, workspace, type Disposable } from "vscode";

const SCHEME = "linewise-preview";

export class Preview implements Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changes = new EventEmitter<Uri>();
  private readonly registration = workspace.registerTextDocumentContentProvider(SCHEME, {
    onDidChange: this.changes.event,
    provideTextDocumentContent: (uri) => this.texts.get(uri.path) ?? "",
  });

  /** Opens `text` under `title`, in place of what that title showed before. */
  async show(title: string, text: string): Promise<void> {
    const uri = this.put(title, text);
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true, preserveFocus: false });
  }

  /** Keeps `text` under `title` for whoever opens it, and returns where it is. */
  put(title: string, text: string): Uri {
    const uri = Uri.from({ scheme: SCHEME, path: `/${title}` });
    this.texts.set(uri.path, text);
    this.changes.fire(uri);
    return uri;
  }

  dispose(): void {
    this.registration.dispose();
    this.changes.dispose();
  }
}
