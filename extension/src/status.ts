/** The status item and the menu behind it. */

import {
  commands,
  MarkdownString,
  QuickPickItemKind,
  StatusBarAlignment,
  ThemeColor,
  Uri,
  window,
  workspace,
  type QuickPickItem,
  type StatusBarItem,
  type TextDocument,
} from "vscode";
import type { Announcements } from "./announcements";
import { Places } from "./here";
import { languageName } from "./languages";
import { headline } from "./news";
import { facts, presence, type Presence } from "./presence";
import type { Announced } from "./protocol";
import type { Linewise, Session } from "./session";
import { change, isOnFor, SECTION } from "./settings";
import type { Snooze } from "./snooze";

/** Thinking is shown when it lasts; an icon that flickers at each key says nothing. */
const THINKING_SHOWS_AFTER_MS = 300;

interface Entry extends QuickPickItem {
  readonly run?: () => unknown;
}

export function activate({ context, session }: Linewise, snooze: Snooze, announcements: Announcements): void {
  const item = window.createStatusBarItem("linewise.status", StatusBarAlignment.Right, 100);
  item.name = "Linewise";
  const places = new Places(session, snooze);
  let thinking: NodeJS.Timeout | undefined;
  const update = (): void => {
    clearTimeout(thinking);
    const phase = session.current;
    const draw = (): void => {
      show(item, presence(phase, places.here()), session, announcements.current);
    };
    if (phase.kind === "serving" && phase.status?.state === "thinking") {
      thinking = setTimeout(draw, THINKING_SHOWS_AFTER_MS);
    } else {
      draw();
    }
  };
  update();
  item.show();
  context.subscriptions.push(
    item,
    session.onDidChangePhase(update),
    announcements.onDidChange(update),
    places,
    ...places.watch(update),
    // Other windows save keys too, and days end.
    window.onDidChangeWindowState(({ focused }) => (focused ? session.refresh() : undefined)),
    commands.registerCommand("linewise.showStatus", () => showMenu(session, snooze, places, announcements)),
    { dispose: () => { clearTimeout(thinking); } },
  );
}

function show(item: StatusBarItem, { icon, text, summary, severity }: Presence, session: Session, announced: readonly Announced[]): void {
  item.text = announced.length === 0 ? `$(${icon}) ${text}` : `$(${icon}) ${text} $(megaphone)`;
  item.tooltip = tooltip(summary, session, announced);
  item.accessibilityInformation = { label: `Linewise: ${summary}`, role: "button" };
  item.backgroundColor = severity === "none" ? undefined : new ThemeColor(`statusBarItem.${severity}Background`);
  item.command = commandFor(session);
}

/** One click mends what can be mended with one; else it opens the menu. */
function commandFor({ current }: Session): string {
  if (current.kind === "needsSetUp") {
    return "linewise.setUp";
  }
  return current.kind === "serving" && current.status?.state === "noModel" ? "linewise.selectModel" : "linewise.showStatus";
}

function tooltip(summary: string, { current }: Session, announced: readonly Announced[]): MarkdownString {
  const text = new MarkdownString();
  text.appendText(summary);
  if (current.kind === "serving" && current.status !== undefined) {
    for (const [label, value] of facts(current.status)) {
      text.appendMarkdown("\n\n").appendText(`${label}: ${value}`);
    }
  }
  for (const each of announced) {
    text.appendMarkdown("\n\n").appendText(headline(each));
  }
  return text;
}

async function showMenu(session: Session, snooze: Snooze, places: Places, announcements: Announcements): Promise<void> {
  // The editor that it is about: the menu's own input takes the focus.
  const document = window.activeTextEditor?.document;
  const entries = async (): Promise<Entry[]> => {
    await session.refresh();
    const { current } = session;
    const { summary } = presence(current, places.here());
    const information = current.kind === "serving" && current.status !== undefined ? facts(current.status) : [];
    return [
      { label: summary },
      ...information.map(([label, value]) => ({ label: `${label}: ${value}` })),
      { label: "", kind: QuickPickItemKind.Separator },
      ...news(announcements),
      ...actions(session, snooze, places, document),
    ];
  };
  const chosen = await window.showQuickPick<Entry>(entries(), { title: "Linewise" });
  await chosen?.run?.();
}

function news(announcements: Announcements): readonly Entry[] {
  const [first, ...others] = announcements.current;
  if (first === undefined) {
    return [];
  }
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return [{ label: `$(megaphone) ${headline(first)}${more}`, run: () => { announcements.show(); } }];
}

function actions(session: Session, snooze: Snooze, places: Places, document: TextDocument | undefined): readonly Entry[] {
  const entries: (Entry | undefined)[] = [
    ...(document === undefined ? [] : switches(places, document)),
    snooze.active ? command("$(bell) Resume Completions", "linewise.resume") : command("$(bell-slash) Snooze…", "linewise.snooze"),
    session.server === undefined ? undefined : command("$(symbol-misc) Select Model…", "linewise.selectModel"),
    session.current.kind === "failed" || session.current.kind === "needsSetUp" ? command("$(desktop-download) Set Up…", "linewise.setUp") : undefined,
    command("$(gear) Settings", "workbench.action.openSettings", `@ext:linewise.linewise`),
    command("$(output) Show Log", "linewise.showLog"),
    command("$(debug-restart) Restart Server", "linewise.restart"),
  ];
  return entries.filter((entry) => entry !== undefined);
}

function command(label: string, name: string, ...args: readonly unknown[]): Entry {
  return { label, run: () => commands.executeCommand(name, ...args) };
}

/** What changes whether the document is completed: first of all what keeps it from being. */
function switches(places: Places, document: TextDocument): readonly Entry[] {
  const status = places.statusOf(document);
  switch (status?.silence) {
    case "disabled":
      return [{ label: "$(check) Turn Completions On", run: () => change("enable", true, document.uri) }];
    case "excluded":
      return [command("$(gear) Change What Is Excluded", "workbench.action.openSettings", `${SECTION}.exclude`)];
    case "ignored":
      return status.source === null ? [] : [ruleOf(Uri.parse(status.source))];
    case "secrets":
      return [];
    case "language":
    case null:
    case undefined:
      return places.here().asksInEditor || status?.silence === "language"
        ? [languageSwitch(document)]
        : [command("$(gear) Turn On Inline Suggestions", "workbench.action.openSettings", "editor.inlineSuggest.enabled")];
  }
}

function ruleOf(source: Uri): Entry {
  return { label: `$(go-to-file) Open ${source.path.split("/").pop() ?? ""}`, description: "whose rule it is", run: () => window.showTextDocument(source) };
}

function languageSwitch(document: TextDocument): Entry {
  const on = isOnFor(document.languageId, document.uri);
  const name = languageName(document.languageId);
  return {
    label: on ? `$(circle-slash) Turn Off for ${name}` : `$(check) Turn On for ${name}`,
    run: () => {
      const found = workspace.getConfiguration(SECTION, document.uri).inspect<Record<string, boolean>>("languages");
      const languages = found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue ?? {};
      return change("languages", { ...languages, [document.languageId]: !on }, document.uri);
    },
  };
}
