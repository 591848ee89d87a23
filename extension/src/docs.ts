/** Open API Docs: the APIs at the cursor and in the last accepted completion, with their pages. */

import { commands, env, extensions, QuickPickItemKind, Uri, window, type QuickPickItem } from "vscode";
import { apisAtRequest, type ApiLink } from "./protocol";
import type { Linewise } from "./session";

interface Entry extends QuickPickItem {
  readonly url?: string | null;
}

export function activate({ context, session }: Linewise): void {
  context.subscriptions.push(
    commands.registerCommand("linewise.openApiDocs", async () => {
      const editor = window.activeTextEditor;
      const { server } = session;
      if (editor === undefined || server === undefined) {
        return;
      }
      const { line, character } = editor.selection.active;
      const uri = server.code2ProtocolConverter.asUri(editor.document.uri);
      const chosen = await window.showQuickPick<Entry>(
        server.sendRequest(apisAtRequest, { uri, line, character }).then((links) => entries(links)),
        { title: "Open API Docs", placeHolder: "The API whose page to open", matchOnDescription: true },
      );
      if (typeof chosen?.url === "string") {
        await env.openExternal(Uri.parse(chosen.url));
      }
    }),
  );
}

/** Extensions whose hover shows the signatures and docstrings of Python. */
const PYTHON_SERVERS = ["ms-python.vscode-pylance", "ms-pyright.pyright", "detachhead.basedpyright", "astral-sh.ty", "meta.pyrefly", "ms-python.python"];

/** Whether another extension that is on here answers hovers in Python, so that ours need only add the link. */
export function pythonIsServed(): boolean {
  return PYTHON_SERVERS.some((id) => extensions.getExtension(id) !== undefined);
}

function entries(links: readonly ApiLink[]): Entry[] {
  const group = (label: string, source: ApiLink["source"]): Entry[] => {
    const members = links.filter((link) => link.source === source);
    return members.length === 0 ? [] : [{ label, kind: QuickPickItemKind.Separator }, ...members.map(entry)];
  };
  const found = [...group("At the cursor", "cursor"), ...group("In the last completion", "completion")];
  return found.length === 0 ? [{ label: "No API here that Linewise knows a page for" }] : found;
}

function entry({ name, kind, url, caption }: ApiLink): Entry {
  return { url, label: url === null ? name : `$(book) ${name}`, description: kind, detail: url === null ? "No page is known" : caption };
}
