// Written by `make protocol` from `linewise_server.protocol`: change it there.
import { NotificationType, RequestType } from "vscode-languageclient/node";

/**
 * How the engine is, for the status item; sent whenever it changes and on request.
 *
 * `model` is its title. `keys_saved_today` counts from local midnight, over all windows.
 * `does_well` and `does_badly` say what the model is good for, where the index knows it.
 */
export interface Status {
  readonly state: "loading" | "ready" | "thinking" | "noModel" | "tooSlow" | "error";
  readonly message: string;
  readonly model: string | null;
  readonly backend: string | null;
  readonly promptSpeed: number | null;
  readonly generationSpeed: number | null;
  readonly keysSavedToday: number;
  readonly progress: number | null;
  readonly advice: string | null;
  readonly doesWell: string | null;
  readonly doesBadly: string | null;
}

/**
 * Whether a document is completed; sent when it is opened, and when that changes.
 *
 * `silence` is why it is not, null where it is, and `message` says the same in words. `source` is
 * the URI of the file whose rule says so, where it is a file.
 */
export interface DocumentStatus {
  readonly uri: string;
  readonly silence: "disabled" | "language" | "excluded" | "ignored" | "secrets" | null;
  readonly message: string;
  readonly source: string | null;
}

/** One completion request as it was answered; sent only when `linewise.trace` is on. */
export interface Trace {
  readonly uri: string;
  readonly version: number;
  readonly text: string;
  readonly origin: "model" | "typedThrough" | "cache" | "joined" | "speculation" | "prefetch" | "none";
  readonly finish: string;
  readonly promptTokens: number;
  readonly evaluatedTokens: number;
  readonly reusedTokens: number;
  readonly generatedTokens: number;
  readonly ttftMs: number;
  readonly totalMs: number;
  readonly filters: readonly string[];
}

/** A suggestion became visible; `basis` says how the client knows. */
export interface CompletionShown {
  readonly id: string;
  readonly basis: "rendered" | "requested" | "inferred";
  readonly shownMs: number;
}

/** A suggestion left the screen without being accepted. */
export interface CompletionDismissed {
  readonly id: string;
  readonly reason: "rejected" | "typedOver" | "superseded" | "expired";
  readonly shownMs: number;
}

/** What is read of a completion's command: its argument, by which the server knows the item. */
export interface ItemCommand {
  readonly arguments: readonly string[];
}

/** What is read of a completion that a client says back; it may say all of it. */
export interface TakenItem {
  readonly command: ItemCommand;
}

/** So many characters of a suggestion, from its beginning, are in the text now. */
export interface PartlyAccepted {
  readonly item: TakenItem;
  readonly acceptedLength: number;
}

/** A client that draws suggestions itself has drawn this one. */
export interface ItemShown {
  readonly item: TakenItem;
}

/** One entry of the model index as the model picker shows it; sizes in bytes. */
export interface Model {
  readonly name: string;
  readonly title: string;
  readonly size: number;
  readonly licence: string;
  readonly task: string;
  readonly installed: boolean;
  readonly active: boolean;
  readonly fits: boolean;
  readonly note: string;
}

/** Pull the model if need be and serve it from now on; progress under the token. */
export interface SelectModel {
  readonly name: string;
  readonly workDoneToken: string | null;
}

/** Asks, beside a hover at the same place, for what that could not say in time. */
export interface HoverAt {
  readonly uri: string;
  readonly line: number;
  readonly character: number;
}

/**
 * What inference found after the hover was answered, as Markdown; null where nothing is left.
 *
 * It comes once inference has answered, seconds later on a cold start.
 */
export interface HoverRest {
  readonly markdown: string | null;
}

/** Asks which APIs stand at the cursor and in the last accepted completion. */
export interface ApisAt {
  readonly uri: string;
  readonly line: number;
  readonly character: number;
}

/**
 * One API and where it is documented; `url` is null where no page is known.
 *
 * `maker` is who would hear of a rating of its docs, null where nobody would.
 */
export interface ApiLink {
  readonly name: string;
  readonly kind: string;
  readonly url: string | null;
  readonly caption: string;
  readonly source: "cursor" | "completion";
  readonly maker: string | null;
}

/**
 * The APIs of the completion that was accepted last, those with a page; sent unasked.
 *
 * Sent again, for the same document, once types were inferred.
 */
export interface CompletionApis {
  readonly uri: string;
  readonly apis: readonly ApiLink[];
}

/** Something that the maker of an API in use announces; `catalogue` and `id` name it. */
export interface Announced {
  readonly catalogue: string;
  readonly id: string;
  readonly maker: string;
  readonly title: string;
  readonly text: string;
  readonly url: string | null;
}

/** All that is announced to users of what the open documents import, and not yet met. */
export interface Announcements {
  readonly items: readonly Announced[];
}

/** The user opened an announcement or wants to see it no more; it is not told again. */
export interface AnnouncementMet {
  readonly catalogue: string;
  readonly id: string;
  readonly act: "opened" | "muted";
}

/**
 * The interpreter that the user chose for a workspace folder in another extension.
 *
 * Both are empty for none. Its packages are read; nothing of them or of the interpreter is run.
 */
export interface PythonChosen {
  readonly folder: string;
  readonly interpreter: string;
}

/** The user opened the page of an API that `linewise/apisAt` listed. */
export interface DocsOpened {
  readonly name: string;
}

/** The user said whether an API's docs helped, and picked what was wrong with them. */
export interface DocsRated {
  readonly name: string;
  readonly helped: boolean;
  readonly reason: "wrong" | "outdated" | "no_example" | "unclear" | "none";
}

/** What the user wrote and chose to attach; nothing else is sent with it. */
export interface Feedback {
  readonly kind: "problem" | "idea" | "praise" | "question";
  readonly about: "completion" | "symbol" | "product" | "catalogue";
  readonly subject: string | null;
  readonly text: string;
  readonly rating: number | null;
  readonly attachments: readonly string[];
  readonly contact: string | null;
}

/**
 * Where feedback would go, the exact body, byte for byte, and who is asked for the answer.
 *
 * `afterwards` is a sentence for the user, empty where there is nobody to send to.
 */
export interface FeedbackPreview {
  readonly recipient: string;
  readonly body: string;
  readonly afterwards: string;
}

/** Proof that feedback was kept and, once `sent`, that the maker has it. */
export interface FeedbackReceipt {
  readonly receipt: string;
  readonly recipient: string;
  readonly sent: boolean;
  readonly message: string;
}

/** One earlier feedback and what became of it. */
export interface FeedbackStatus {
  readonly receipt: string;
  readonly about: string;
  readonly excerpt: string;
  readonly status: string;
  readonly answer: string | null;
}

/**
 * Feedback has an answer, in a sentence to show once.
 *
 * Sent to clients that set `tellsOfAnswers` in their initialization options; others get a message.
 */
export interface FeedbackAnswered {
  readonly notice: string;
}

/**
 * Consent as it stands: what the user chose, what is in force, and why they differ.
 *
 * `may_ask` is true where the user may be asked for consent now, `recipients` says who would get
 * something, and `preview` shows what.
 */
export interface Telemetry {
  readonly chosen: "off" | "local" | "counts" | "events";
  readonly effective: "off" | "local" | "counts" | "events";
  readonly reason: string;
  readonly preview: string;
  readonly mayAsk: boolean;
  readonly recipients: readonly string[];
}

/**
 * The user's word, or the editor's switch as it is now; null leaves a thing as it is.
 *
 * `asked` says that the user is asked for consent now.
 */
export interface SetTelemetry {
  readonly level: "off" | "local" | "counts" | "events" | null;
  readonly editorEnabled: boolean | null;
  readonly asked: boolean | null;
}

/**
 * Asks for code, or for an answer about code, at a selection or the cursor.
 *
 * `detail` is what the kind needs: the instruction, the language id to translate to, the sample's
 * id, or the diagnostic's message. What comes is reported under `partial_result_token` as
 * `GenerationProgress`, each replacing the one before.
 */
export interface Generate {
  readonly uri: string;
  readonly version: number;
  readonly kind: "implement" | "comment" | "instruction" | "docstring" | "tests" | "explain" | "fix" | "translate" | "sample";
  readonly startLine: number;
  readonly startCharacter: number;
  readonly endLine: number;
  readonly endCharacter: number;
  readonly detail: string | null;
  readonly partialResultToken: string | null;
}

/** A stretch of the document as it was asked about, and what takes its place. */
export interface GeneratedEdit {
  readonly startLine: number;
  readonly startCharacter: number;
  readonly endLine: number;
  readonly endCharacter: number;
  readonly text: string;
}

/** What has come so far: the edit as it would be if nothing more came, or null, and the text. */
export interface GenerationProgress {
  readonly edit: GeneratedEdit | null;
  readonly text: string;
}

/**
 * What was generated: edits of the document, the first the text itself, or a text of its own.
 *
 * `problems` are checks that it did not pass, `unresolved` names that nothing defines, if they
 * were checked, which `names_checked` says. `advice`
 * says what to expect of the model that wrote it, `better_model` is the smallest of the index that
 * does this well, where that is another one.
 */
export interface Generation {
  readonly kind: "implement" | "comment" | "instruction" | "docstring" | "tests" | "explain" | "fix" | "translate" | "sample";
  readonly version: number;
  readonly edits: readonly GeneratedEdit[];
  readonly text: string;
  readonly language: string;
  readonly file: string;
  readonly problems: readonly string[];
  readonly unresolved: readonly string[];
  readonly namesChecked: boolean;
  readonly apis: readonly ApiLink[];
  readonly model: string;
  readonly advice: string | null;
  readonly betterModel: string | null;
  readonly finish: string;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly ttftMs: number;
  readonly totalMs: number;
}

/** Asks why the model says what it says at a place; progress under the token, with its cost. */
export interface ExplainCompletion {
  readonly uri: string;
  readonly version: number;
  readonly line: number;
  readonly character: number;
  readonly workDoneToken: string | null;
}

/**
 * The explanation as a page that loads and runs nothing; null where nothing is suggested.
 *
 * `summary` says in sentences what matters most, or why there is no page.
 */
export interface ExplainedCompletion {
  readonly html: string | null;
  readonly summary: string;
}

export const statusRequest = new RequestType<Record<string, never>, Status, void>("linewise/status");

export const modelsRequest = new RequestType<Record<string, never>, readonly Model[], void>("linewise/models");

export const selectModelRequest = new RequestType<SelectModel, Status, void>("linewise/selectModel");

export const hoverRestRequest = new RequestType<HoverAt, HoverRest, void>("linewise/hoverRest");

export const apisAtRequest = new RequestType<ApisAt, readonly ApiLink[], void>("linewise/apisAt");

export const previewFeedbackRequest = new RequestType<Feedback, FeedbackPreview, void>("linewise/previewFeedback");

export const sendFeedbackRequest = new RequestType<Feedback, FeedbackReceipt, void>("linewise/sendFeedback");

export const myFeedbackRequest = new RequestType<Record<string, never>, readonly FeedbackStatus[], void>("linewise/myFeedback");

export const telemetryRequest = new RequestType<SetTelemetry, Telemetry, void>("linewise/telemetry");

export const generateRequest = new RequestType<Generate, Generation, void>("linewise/generate");

export const explainCompletionRequest = new RequestType<ExplainCompletion, ExplainedCompletion, void>("linewise/explainCompletion");

export const completionShownNotification = new NotificationType<CompletionShown>("linewise/completionShown");

export const completionDismissedNotification = new NotificationType<CompletionDismissed>("linewise/completionDismissed");

export const announcementMetNotification = new NotificationType<AnnouncementMet>("linewise/announcementMet");

export const pythonChosenNotification = new NotificationType<PythonChosen>("linewise/pythonChosen");

export const docsOpenedNotification = new NotificationType<DocsOpened>("linewise/docsOpened");

export const docsRatedNotification = new NotificationType<DocsRated>("linewise/docsRated");

export const generationComingNotification = new NotificationType<Generate>("linewise/generationComing");

export const didShowCompletionNotification = new NotificationType<ItemShown>("textDocument/didShowCompletion");

export const didPartiallyAcceptCompletionNotification = new NotificationType<PartlyAccepted>("textDocument/didPartiallyAcceptCompletion");

export const statusChangedNotification = new NotificationType<Status>("linewise/statusChanged");

export const documentStatusNotification = new NotificationType<DocumentStatus>("linewise/documentStatus");

export const traceNotification = new NotificationType<Trace>("linewise/trace");

export const completionApisNotification = new NotificationType<CompletionApis>("linewise/completionApis");

export const announcementsChangedNotification = new NotificationType<Announcements>("linewise/announcementsChanged");

export const feedbackAnsweredNotification = new NotificationType<FeedbackAnswered>("linewise/feedbackAnswered");

export const acceptCommand = "linewise.completion.accepted";
export const generateCommand = "linewise.generation.run";
