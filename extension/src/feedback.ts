/**
 * Feedback: asked for step by step, shown word for word, sent when the user says so, and its answers.
 *
 * Nothing is attached that was not chosen; Escape at any step sends nothing and keeps nothing.
 */

import { commands, env, extensions, version, window, type QuickPickItem } from "vscode";
import { serverAtHand } from "./needs";
import { feedbackAnsweredNotification, myFeedbackRequest, previewFeedbackRequest, sendFeedbackRequest, type Feedback, type FeedbackStatus } from "./protocol";
import type { Preview } from "./preview";
import type { Linewise } from "./session";

/** Characters that a collector takes; it refuses what is longer, and nothing is ever cut. */
const LONGEST = { text: 4096, subject: 160, contact: 254, attachment: 16_384 };
const TITLE = "Send Feedback";
const MINE = "My Feedback";

/** `lastCompletion` returns the text of the completion that was shown last, or nothing. */
export function activate(linewise: Linewise, preview: Preview, lastCompletion: () => string): void {
  const { context, session } = linewise;
  context.subscriptions.push(
    session.onWillStart((client) => {
      client.onNotification(feedbackAnsweredNotification, async ({ notice }) => {
        if ((await window.showInformationMessage(notice, MINE)) === MINE) {
          await commands.executeCommand("linewise.myFeedback");
        }
      });
    }),
    commands.registerCommand("linewise.sendFeedback", async () => {
      const feedback = serverAtHand(session) === undefined ? undefined : await ask(lastCompletion());
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

async function ask(completion: string): Promise<Feedback | undefined> {
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
  const subject = about === "symbol" || about === "catalogue" ? await askText("Its full name", wordAtCursor(), (value) => required(value) ?? fits(value, LONGEST.subject)) : null;
  if (subject === undefined) {
    return undefined;
  }
  const text = await askText("Your words", "", (value) => required(value) ?? fits(value, LONGEST.text));
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
  const possible = possibleAttachments(about === "completion" ? completion : "");
  const fitting = possible.filter(({ detail }) => detail.length <= LONGEST.attachment);
  const tooLong = possible.filter((one) => !fitting.includes(one)).map(({ label }) => `; too long to attach: ${label}`);
  const attachments = await window.showQuickPick(fitting, { title: TITLE, placeHolder: `Attach nothing, or choose what to attach${tooLong.join("")}`, canPickMany: true });
  if (attachments === undefined) {
    return undefined;
  }
  const contact = await askText("An address for an answer, if you want one (optional)", "", (value) => fits(value, LONGEST.contact));
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
    const { recipient, body, afterwards } = await server.sendRequest(previewFeedbackRequest, feedback);
    await preview.show("What will be sent.json", body);
    const yes = "Send";
    const detail = `The document behind this message is all that is sent. ${afterwards}`.trim();
    if ((await window.showInformationMessage(`Send this feedback to ${recipient}?`, { modal: true, detail }, yes)) !== yes) {
      return;
    }
    const receipt = await server.sendRequest(sendFeedbackRequest, feedback);
    if ((await window.showInformationMessage(`${receipt.message} Receipt ${receipt.receipt}.`, MINE)) === MINE) {
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

function fits(value: string, longest: number): string | undefined {
  return value.length > longest ? `${value.length} characters are ${value.length - longest} too many` : undefined;
}

interface Attachment extends QuickPickItem {
  /** What is attached, word for word. */
  readonly detail: string;
}

function possibleAttachments(completion: string): readonly Attachment[] {
  const own = extensions.getExtension("linewise.linewise")?.packageJSON as { readonly version: string } | undefined;
  const editor = window.activeTextEditor;
  const selected = editor?.document.getText(editor.selection) ?? "";
  return [
    { label: "Versions", detail: `Linewise ${own?.version ?? ""}, ${env.appName} ${version}, ${process.platform} ${process.arch}` },
    ...(completion === "" ? [] : [{ label: "The last completion", detail: completion }]),
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
