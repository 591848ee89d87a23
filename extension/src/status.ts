/** The status item and the menu behind it. */

import {
  commands,
  MarkdownString,
  QuickPickItemKind,
  StatusBarAlignment,
  ThemeColor,
  window,
  workspace,
  ConfigurationTarget,
  type QuickPickItem,
  type StatusBarItem,
} from "vscode";
import type { Announcements } from "./announcements";
import { languageName } from "./languages";
import { headline } from "./news";
import { facts, presence, type Here, type Presence } from "./presence";
import type { Announced } from "./protocol";
import type { Linewise, Session } from "./session";
import { isOnFor, SECTION } from "./settings";
import type { Snooze } from "./snooze";

/** Thinking is shown when it lasts; an icon that flickers at each key says nothing. */
const THINKING_SHOWS_AFTER_MS = 300;

interface Entry extends QuickPickItem {
  readonly run?: () => unknown;
}

export function activate({ context, session }: Linewise, snooze: Snooze, announcements: Announcements): void {
  const item = window.createStatusBarItem("linewise.status", StatusBarAlignment.Right, 100);
  item.name = "Linewise";
  let thinking: NodeJS.Timeout | undefined;
  const update = (): void => {
    clearTimeout(thinking);
    const phase = session.current;
    const draw = (): void => {
      show(item, presence(phase, here(snooze)), session, announcements.current);
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
    snooze.onDidChange(update),
    announcements.onDidChange(update),
    window.onDidChangeActiveTextEditor(update),
    workspace.onDidChangeConfiguration(update),
    commands.registerCommand("linewise.showStatus", () => showMenu(session, snooze, announcements)),
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

function here(snooze: Snooze): Here {
  const document = window.activeTextEditor?.document;
  const off = document !== undefined && !isOnFor(document.languageId, document.uri);
  return { offFor: off ? languageName(document.languageId) : undefined, snoozedUntil: snooze.untilTime };
}

async function showMenu(session: Session, snooze: Snooze, announcements: Announcements): Promise<void> {
  const { current } = session;
  const { summary } = presence(current, here(snooze));
  const information: Entry[] =
    current.kind === "serving" && current.status !== undefined
      ? facts(current.status).map(([label, value]) => ({ label: `${label}: ${value}` }))
      : [];
  const chosen = await window.showQuickPick<Entry>(
    [{ label: summary }, ...information, { label: "", kind: QuickPickItemKind.Separator }, ...news(announcements), ...actions(session, snooze)],
    { title: "Linewise" },
  );
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

function actions(session: Session, snooze: Snooze): readonly Entry[] {
  const command = (label: string, name: string, ...args: readonly unknown[]): Entry => ({ label, run: () => commands.executeCommand(name, ...args) });
  const entries: (Entry | undefined)[] = [
    session.server === undefined ? undefined : command("$(symbol-misc) Select Model…", "linewise.selectModel"),
    session.current.kind === "failed" || session.current.kind === "needsSetUp" ? command("$(desktop-download) Set Up…", "linewise.setUp") : undefined,
    snooze.active ? command("$(bell) Resume Completions", "linewise.resume") : command("$(bell-slash) Snooze…", "linewise.snooze"),
    languageSwitch(),
    command("$(gear) Settings", "workbench.action.openSettings", `@ext:linewise.linewise`),
    command("$(output) Show Log", "linewise.showLog"),
    command("$(debug-restart) Restart Server", "linewise.restart"),
  ];
  return entries.filter((entry) => entry !== undefined);
}

function languageSwitch(): Entry | undefined {
  const document = window.activeTextEditor?.document;
  if (document === undefined) {
    return undefined;
  }
  const on = isOnFor(document.languageId, document.uri);
  const name = languageName(document.languageId);
  return {
    label: on ? `$(circle-slash) Turn Off for ${name}` : `$(check) Turn On for ${name}`,
    run: () => {
      const configuration = workspace.getConfiguration(SECTION);
      const languages = configuration.inspect<Record<string, boolean>>("languages")?.globalValue ?? {};
      return configuration.update("languages", { ...languages, [document.languageId]: !on }, ConfigurationTarget.Global);
    },
  };
}
