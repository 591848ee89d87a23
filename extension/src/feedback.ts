/**
 * Feedback: asked for step by step, shown word for word, sent when the user says so, and its answers.
 *
 * Nothing is attached that was not chosen; Escape at any step sends nothing and keeps nothing.
 */

import { commands, env, extensions, version, window, type QuickPickItem } from "vscode";
import { serverAtHand } from "./needs";
import { myFeedbackRequest, previewFeedbackRequest, sendFeedbackRequest, type Feedback, type FeedbackStatus } from "./protocol";
import type { Preview } from "./preview";
import type { Linewise } from "./session";

/** The collector refuses longer texts; they are never cut. */
const LONGEST = 4096;
const TITLE = "Send Feedback";

export function activate(linewise: Linewise, preview: Preview): void {
  const { context, session } = linewise;
  context.subscriptions.push(
    commands.registerCommand("linewise.sendFeedback", async () => {
      const feedback = serverAtHand(session) === undefined ? undefined : await ask();
      if (feedback !== undefined) {
        await send(linewise, preview, feedback);
      }
    }),
    commands.registerCommand("linewise.myFeedback", async () => {
      const server = serverAtHand(session);
      if (server === undefined) {
        return;
      }
      const chosen = await window.showQuickPick<Entry>(server.sendRequest(myFeedbackRequest, {}).then(entries), { title: "My Feedback", matchOnDetail: true });
      if (chosen?.status !== undefined) {
        await preview.show(`Feedback ${chosen.status.receipt}.md`, story(chosen.status));
      }
    }),
  );
}

async function ask(): Promise<Feedback | undefined> {
  const kind = await pick<Feedback["kind"]>("What is it?", [
    ["problem", "$(bug) A problem"],
    ["idea", "$(lightbulb) An idea"],
    ["question", "$(question) A question"],
    ["praise", "$(heart) Praise"],
  ]);
  if (kind === undefined) {
    return undefined;
  }
  const about = await pick<Feedback["about"]>("What is it about?", [
    ["completion", "The last completion"],
    ["symbol", "An API or its documentation"],
    ["catalogue", "A catalogue"],
    ["product", "Linewise itself"],
  ]);
  if (about === undefined) {
    return undefined;
  }
  const subject = about === "symbol" || about === "catalogue" ? await askText("Its full name", wordAtCursor(), required) : null;
  if (subject === undefined) {
    return undefined;
  }
  const text = await askText("Your words", "", (value) => required(value) ?? fits(value));
  if (text === undefined) {
    return undefined;
  }
  const rating = await pick<string>("How content are you with it?", [
    ["", "No rating"],
    ["5", "$(star-full)$(star-full)$(star-full)$(star-full)$(star-full) Very"],
    ["4", "$(star-full)$(star-full)$(star-full)$(star-full) Rather"],
    ["3", "$(star-full)$(star-full)$(star-full) So-so"],
    ["2", "$(star-full)$(star-full) Rather not"],
    ["1", "$(star-full) Not at all"],
  ]);
  if (rating === undefined) {
    return undefined;
  }
  const attachments = await window.showQuickPick(possibleAttachments(), { title: TITLE, placeHolder: "Attach nothing, or choose what to attach", canPickMany: true });
  if (attachments === undefined) {
    return undefined;
  }
  const contact = await askText("An address for an answer, if you want one (optional)", "", () => undefined);
  if (contact === undefined) {
    return undefined;
  }
  return { kind, about, subject, text, rating: rating === "" ? null : Number(rating), attachments: attachments.map(({ detail }) => detail), contact: contact === "" ? null : contact };
}

async function send(linewise: Linewise, preview: Preview, feedback: Feedback): Promise<void> {
  const { server } = linewise.session;
  if (server === undefined) {
    await window.showErrorMessage("The server is not running. Your feedback was not sent.");
    return;
  }
  try {
    const { recipient, body } = await server.sendRequest(previewFeedbackRequest, feedback);
    await preview.show("What will be sent.json", body);
    const yes = "Send";
    if ((await window.showInformationMessage(`Send this feedback to ${recipient}?`, { modal: true, detail: "The document behind this message is all that is sent." }, yes)) !== yes) {
      return;
    }
    const receipt = await server.sendRequest(sendFeedbackRequest, feedback);
    const mine = "My Feedback";
    if ((await window.showInformationMessage(`${receipt.message} Receipt ${receipt.receipt}.`, mine)) === mine) {
      await commands.executeCommand("linewise.myFeedback");
    }
  } catch (error) {
    linewise.log.error(`feedback: ${String(error)}`);
    const retry = "Retry";
    const message = error instanceof Error ? error.message : String(error);
    if ((await window.showErrorMessage(`Your feedback was not sent: ${message}`, retry)) === retry) {
      await send(linewise, preview, feedback);
    }
  }
}

async function pick<T extends string>(question: string, choices: readonly (readonly [T, string])[]): Promise<T | undefined> {
  const items = choices.map(([value, label]) => ({ value, label }));
  return (await window.showQuickPick(items, { title: TITLE, placeHolder: question }))?.value;
}

function askText(prompt: string, value: string, problem: (value: string) => string | undefined): Thenable<string | undefined> {
  return window.showInputBox({ title: TITLE, prompt, value, ignoreFocusOut: true, validateInput: (text) => problem(text.trim()) });
}

function required(value: string): string | undefined {
  return value === "" ? "A word, please" : undefined;
}

function fits(value: string): string | undefined {
  return value.length > LONGEST ? `${value.length} characters are ${value.length - LONGEST} too many` : undefined;
}

interface Attachment extends QuickPickItem {
  /** What is attached, word for word. */
  readonly detail: string;
}

function possibleAttachments(): readonly Attachment[] {
  const own = extensions.getExtension("linewise.linewise")?.packageJSON as { readonly version: string } | undefined;
  const editor = window.activeTextEditor;
  const selected = editor?.document.getText(editor.selection) ?? "";
  return [
    { label: "Versions", detail: `Linewise ${own?.version ?? ""}, ${env.appName} ${version}, ${process.platform} ${process.arch}` },
    ...(selected === "" ? [] : [{ label: "The selected code", detail: selected }]),
  ];
}

function wordAtCursor(): string {
  const editor = window.activeTextEditor;
  const range = editor?.document.getWordRangeAtPosition(editor.selection.active, /[\w.]+/);
  return editor === undefined || range === undefined ? "" : editor.document.getText(range);
}

interface Entry extends QuickPickItem {
  readonly status?: FeedbackStatus;
}

function entries(all: readonly FeedbackStatus[]): Entry[] {
  if (all.length === 0) {
    return [{ label: "You have not sent any feedback yet" }];
  }
  return all.map((status) => ({
    status,
    label: status.excerpt,
    description: status.status,
    detail: status.answer?.replaceAll("\n", " ") ?? `About ${status.about}; receipt ${status.receipt}`,
  }));
}

function story({ about, answer, excerpt, receipt, status }: FeedbackStatus): string {
  return [`# ${excerpt}`, "", `About: ${about}`, `Status: ${status}`, `Receipt: ${receipt}`, "", answer ?? "No answer yet.", ""].join("\n");
}
