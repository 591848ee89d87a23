/** Open API Docs: the APIs at the cursor and in the last accepted completion, with their pages. */

import {
  commands,
  env,
  extensions,
  MarkdownString,
  QuickPickItemKind,
  StatusBarAlignment,
  ThemeIcon,
  Uri,
  window,
  type QuickInputButton,
  type QuickPickItem,
} from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { editorAtHand, serverAtHand } from "./needs";
import { label, lines } from "./news";
import { apisAtRequest, completionApisNotification, docsOpenedNotification, docsRatedNotification, type ApiLink, type DocsRated } from "./protocol";
import type { Linewise, Session } from "./session";

interface Entry extends QuickPickItem {
  readonly api?: ApiLink;
}

/** As long as somebody may still look at what was completed. */
const LINKS_STAY_MS = 60_000;
const HELPED: QuickInputButton = { iconPath: new ThemeIcon("thumbsup"), tooltip: "The docs helped" };
const DID_NOT_HELP: QuickInputButton = { iconPath: new ThemeIcon("thumbsdown"), tooltip: "The docs did not help…" };

export function activate({ context, session, log }: Linewise): void {
  context.subscriptions.push(
    commands.registerCommand("linewise.openApiDocs", async () => {
      const server = serverAtHand(session);
      const editor = server === undefined ? undefined : editorAtHand();
      if (editor === undefined || server === undefined) {
        return;
      }
      const { line, character } = editor.selection.active;
      const uri = server.code2ProtocolConverter.asUri(editor.document.uri);
      try {
        await showApis(server, server.sendRequest(apisAtRequest, { uri, line, character }));
      } catch (error) {
        log.error(`docs: ${String(error)}`);
      }
    }),
    ...links(session),
  );
}

/** Shows the APIs of the last completion in the status bar, for a while, where they have a page. */
function links(session: Session): readonly { dispose(): unknown }[] {
  const item = window.createStatusBarItem("linewise.apis", StatusBarAlignment.Right, 99);
  item.name = "Linewise: APIs of the Completion";
  item.command = "linewise.openApiDocs";
  let over: NodeJS.Timeout | undefined;
  const hide = (): void => {
    clearTimeout(over);
    item.hide();
  };
  const starts = session.onWillStart((client) => {
    hide();
    client.onNotification(completionApisNotification, ({ apis }) => {
      hide();
      const text = label(apis);
      if (text !== undefined) {
        item.text = text;
        item.tooltip = new MarkdownString().appendText(["Docs of what the completion calls:", ...lines(apis)].join("\n"));
        item.accessibilityInformation = { label: `Open the docs of ${lines(apis).join(", ")}`, role: "button" };
        item.show();
        over = setTimeout(hide, LINKS_STAY_MS);
      }
    });
  });
  return [item, starts, window.onDidChangeActiveTextEditor(hide), { dispose: hide }];
}

/** Extensions whose hover shows the signatures and docstrings of Python. */
const PYTHON_SERVERS = ["ms-python.vscode-pylance", "ms-pyright.pyright", "detachhead.basedpyright", "astral-sh.ty", "meta.pyrefly", "ms-python.python"];

/** Whether another extension that is on here answers hovers in Python, so that ours need only add the link. */
export function pythonIsServed(): boolean {
  return PYTHON_SERVERS.some((id) => extensions.getExtension(id) !== undefined);
}

/**
 * Lists APIs, those of the last completion under `completion`; resolves once the list is up to date, and goes on until
 * the user closes it.
 */
export async function showApis(server: LanguageClient, links: Promise<readonly ApiLink[]>, completion = "In the last completion"): Promise<void> {
  const list = window.createQuickPick<Entry>();
  list.title = "Open API Docs";
  list.placeholder = "The API whose page to open";
  list.matchOnDescription = true;
  list.busy = true;
  list.onDidHide(() => {
    list.dispose();
  });
  list.onDidAccept(async () => {
    const api = list.selectedItems[0]?.api;
    list.hide();
    if (typeof api?.url === "string" && (await env.openExternal(Uri.parse(api.url)))) {
      await server.sendNotification(docsOpenedNotification, { name: api.name });
    }
  });
  list.onDidTriggerItemButton(async ({ item: { api }, button }) => {
    list.hide();
    if (api !== undefined) {
      await rate(server, api, button === HELPED);
    }
  });
  list.show();
  try {
    list.items = entries(await links, completion);
  } finally {
    list.busy = false;
  }
}

async function rate(server: LanguageClient, api: ApiLink, helped: boolean): Promise<void> {
  const reason = helped ? "none" : await askReason(api);
  if (reason !== undefined) {
    await server.sendNotification(docsRatedNotification, { name: api.name, helped, reason });
    window.setStatusBarMessage(`$(check) Your rating of ${api.name} was noted.`, 5000);
  }
}

async function askReason({ name, maker }: ApiLink): Promise<DocsRated["reason"] | undefined> {
  const reasons: readonly (QuickPickItem & { readonly reason: DocsRated["reason"] })[] = [
    { reason: "wrong", label: "They are wrong" },
    { reason: "outdated", label: "They are out of date" },
    { reason: "no_example", label: "There is no example" },
    { reason: "unclear", label: "They are hard to understand" },
    { reason: "none", label: "Something else" },
  ];
  const placeHolder = `Told to ${maker ?? "nobody"} only as far as telemetry is on. To write to them: Send Feedback…`;
  return (await window.showQuickPick(reasons, { title: `What is wrong with the docs of ${name}?`, placeHolder }))?.reason;
}

function entries(links: readonly ApiLink[], completion: string): Entry[] {
  const group = (label: string, source: ApiLink["source"]): Entry[] => {
    const members = links.filter((link) => link.source === source);
    return members.length === 0 ? [] : [{ label, kind: QuickPickItemKind.Separator }, ...members.map(entry)];
  };
  const found = [...group("At the cursor", "cursor"), ...group(completion, "completion")];
  return found.length === 0 ? [{ label: "No API here that Linewise knows a page for" }] : found;
}

function entry(api: ApiLink): Entry {
  const { name, kind, url, caption, maker } = api;
  return {
    api,
    label: url === null ? name : `$(book) ${name}`,
    description: kind,
    detail: url === null ? "No page is known" : caption,
    // Only where somebody would hear of it.
    buttons: maker === null ? [] : [HELPED, DID_NOT_HELP],
  };
}
