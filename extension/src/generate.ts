/**
 * Generation: from a signature, a comment or an instruction to code in the editor, to a document, or to an answer.
 *
 * The server decides what is written where and checks it; this asks for what a way needs, streams what comes, lets it be
 * cancelled by Escape or in its notification, and shows what the checks found. Nothing is written over text that the
 * user changed meanwhile.
 */

import {
  CancellationTokenSource,
  commands,
  languages,
  ProgressLocation,
  Range,
  Uri,
  ViewColumn,
  window,
  workspace,
  type CodeAction,
  type Diagnostic,
  type TextDocument,
  type TextEditor,
} from "vscode";
import { ProgressType, type LanguageClient, type Middleware } from "vscode-languageclient/node";
import type { Decisions } from "./decision";
import { Draft } from "./draft";
import { showApis } from "./docs";
import { languageName } from "./languages";
import { isCancelled, useModel } from "./models";
import { editorAtHand, serverAtHand } from "./needs";
import { names } from "./news";
import { showOnce } from "./notices";
import type { Preview } from "./preview";
import { generateCommand, generateRequest, generationComingNotification, modelsRequest, type Generate, type Generation, type GenerationProgress } from "./protocol";
import type { Linewise } from "./session";
import { SECTION } from "./settings";
import { bytes } from "./text";

type Kind = Generate["kind"];
type Ask = Pick<Generate, "kind" | "detail"> & { readonly range: Range };

const GENERATING = "linewise.generating";
const SAMPLES = "refactor.linewise.sample";
/** Languages that the server writes, by their identifiers. */
const TRANSLATIONS = ["python", "javascript", "typescript", "go", "rust", "java", "c", "cpp"];
const progressed = new ProgressType<GenerationProgress>();

/** The palette's commands, each with its kind and the title of its progress. */
const WAYS: readonly (readonly [command: string, kind: Kind, title: string])[] = [
  ["linewise.generate", "instruction", "Generate"],
  ["linewise.implement", "implement", "Implement This Function"],
  ["linewise.generateFromComment", "comment", "Generate from Comment"],
  ["linewise.writeDocstring", "docstring", "Write Docstring"],
  ["linewise.writeTests", "tests", "Write Tests"],
  ["linewise.explain", "explain", "Explain"],
  ["linewise.fixDiagnostic", "fix", "Fix This Diagnostic"],
  ["linewise.translate", "translate", "Translate"],
  ["linewise.useSample", "sample", "Use the Sample"],
];

export class Generator {
  private running: CancellationTokenSource | undefined;
  private count = 0;

  constructor(
    private readonly linewise: () => Linewise,
    private readonly preview: Preview,
    private readonly decisions: Decisions,
  ) {}

  activate(): void {
    const { context } = this.linewise();
    context.subscriptions.push(
      ...WAYS.map(([command, kind]) => commands.registerCommand(command, () => this.fromPalette(kind))),
      commands.registerCommand("linewise.cancelGeneration", () => this.running?.cancel()),
    );
  }

  /** Runs the command of a code action here, where its answer can be streamed. */
  middleware(others: Middleware): Middleware {
    return {
      ...others,
      executeCommand: (command, args: unknown[], next) => {
        if (command === generateCommand && isGenerate(args[0])) {
          return this.fromAction(args[0]);
        }
        return others.executeCommand === undefined ? (next(command, args) as unknown) : (others.executeCommand(command, args, next) as unknown);
      },
    };
  }

  private async fromPalette(kind: Kind): Promise<void> {
    const server = serverAtHand(this.linewise().session);
    const editor = server === undefined ? undefined : editorAtHand();
    if (editor === undefined || server === undefined) {
      return;
    }
    if (kind === "sample") {
      const chosen = await chooseSample(editor);
      await (chosen === undefined ? undefined : this.run(chosen));
    } else {
      await this.ask(server, editor.document, kind, editor.selection);
    }
  }

  /** Runs what an action says, once the user has said what it lacks. */
  private async fromAction(action: Generate): Promise<void> {
    const { server } = this.linewise().session;
    const document = server === undefined ? undefined : documentOf(server, action);
    const lacks = action.detail === null && (action.kind === "instruction" || action.kind === "translate");
    if (server === undefined || document === undefined || !lacks) {
      await this.run(action);
    } else {
      await this.ask(server, document, action.kind, new Range(action.startLine, action.startCharacter, action.endLine, action.endCharacter));
    }
  }

  private async ask(server: LanguageClient, document: TextDocument, kind: Kind, range: Range): Promise<void> {
    if (kind === "instruction") {
      // The model reads the code while the user still writes what to do with it.
      void server.sendNotification(generationComingNotification, wanted(server, document, { kind, detail: null, range }));
    }
    const ask = await complete(document, kind, range);
    await (ask === undefined ? undefined : this.run(wanted(server, document, ask)));
  }

  private async run(wanted: Generate): Promise<void> {
    const { session } = this.linewise();
    const { server } = session;
    const document = server === undefined ? undefined : documentOf(server, wanted);
    if (server === undefined || document === undefined) {
      return;
    }
    this.running?.cancel();
    const source = new CancellationTokenSource();
    this.running = source;
    await commands.executeCommand("setContext", GENERATING, true);
    const draft = new Draft(document);
    try {
      const answer = await this.request(server, wanted, draft, document, source);
      // There is nothing left to cancel.
      await this.settled(source);
      await this.place(server, answer, draft, document);
    } catch (error) {
      await draft.restore();
      if (!source.token.isCancellationRequested && !isCancelled(error)) {
        await this.explain(error);
      }
    } finally {
      draft.dispose();
      await this.settled(source);
      source.dispose();
    }
  }

  private async settled(source: CancellationTokenSource): Promise<void> {
    if (this.running === source) {
      this.running = undefined;
      await commands.executeCommand("setContext", GENERATING, false);
    }
  }

  private async request(server: LanguageClient, wanted: Generate, draft: Draft, document: TextDocument, source: CancellationTokenSource): Promise<Generation> {
    const title = titleOf(wanted.kind);
    const streams = !shownFirst(document);
    return window.withProgress({ location: ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
      const partialResultToken = `linewise-generate-${++this.count}-${Date.now()}`;
      const cancelled = token.onCancellationRequested(() => {
        source.cancel();
      });
      const subscription = server.onProgress(progressed, partialResultToken, ({ edit, text }) => {
        progress.report({ message: lines(text) });
        if (edit !== null && streams && !source.token.isCancellationRequested) {
          draft.stream(edit);
        }
      });
      try {
        return await server.sendRequest(generateRequest, { ...wanted, partialResultToken }, source.token);
      } finally {
        subscription.dispose();
        cancelled.dispose();
      }
    });
  }

  /** Puts an answer where it belongs, and says what there is to say of it. */
  private async place(server: LanguageClient, answer: Generation, draft: Draft, document: TextDocument): Promise<void> {
    if (answer.language === "markdown") {
      await this.preview.show(answer.file, answer.text);
    } else if (answer.file !== "" && answer.text.trim() !== "") {
      await openBeside(document, answer);
    } else if (answer.edits.length === 0 || !shownFirst(document)) {
      if (!(await draft.finish(answer.edits)) && !(await this.taken(answer, document))) {
        return;
      }
    } else if (!(await this.agreed(answer, draft, document))) {
      return;
    }
    await this.tell(server, answer);
  }

  /** Shows the edits as a diff; they are made once the user says so. */
  private async agreed(answer: Generation, draft: Draft, document: TextDocument): Promise<boolean> {
    const title = `${titleOf(answer.kind)}: ${lines(answer.text)} by ${answer.model}`;
    if (!(await this.decisions.ask(document, draft.preview(answer.edits), title))) {
      return false;
    }
    return (await draft.finish(answer.edits)) || this.taken(answer, document);
  }

  /** The user changed the text at the place: what stands there stays, and they decide whether to see the result. */
  private async taken(answer: Generation, document: TextDocument): Promise<boolean> {
    const [show, discard] = ["Show the Result", "Discard"];
    const message = `${titleOf(answer.kind)}: you changed the text at the place meanwhile, so nothing was written over it.`;
    if ((await window.showWarningMessage(message, show, discard)) !== show) {
      return false;
    }
    await openBeside(document, { ...answer, file: "", text: (answer.edits[0]?.text ?? answer.text).replace(/^[\r\n]+/, "") });
    return true;
  }

  private async tell(server: LanguageClient, answer: Generation): Promise<void> {
    const open = (chosen: string | undefined): unknown => (chosen === undefined ? undefined : showApis(server, Promise.resolve(answer.apis), "In what was generated"));
    const problems = [...answer.problems, ...(answer.unresolved.length === 0 ? [] : [`Defined nowhere: ${answer.unresolved.join(", ")}.`])];
    const pages = answer.apis.filter(({ url }) => url !== null);
    const used = pages.length === 0 ? "" : ` Uses ${names(pages)}.`;
    const unchecked = answer.namesChecked ? "" : " Names were not checked.";
    const summary = `${titleOf(answer.kind)}: ${lines(answer.text)}${answer.model === "" ? "" : ` by ${answer.model}`}.${unchecked}${used}`;
    const docs = pages.length === 0 ? [] : ["Docs…"];
    if (problems.length > 0) {
      void window.showWarningMessage(`${titleOf(answer.kind)}: check it. ${problems.join(" ")}${unchecked}${used}`, ...docs).then(open);
    } else if (docs.length > 0) {
      void window.showInformationMessage(summary, ...docs).then(open);
    } else {
      window.setStatusBarMessage(`$(check) ${summary}`, 8000);
    }
    await this.advise(server, answer);
  }

  /** Says once what to expect of a small model here, and offers the smallest that does it well. */
  private async advise(server: LanguageClient, { advice, betterModel, kind }: Generation): Promise<void> {
    const better = betterModel === null ? undefined : (await server.sendRequest(modelsRequest, {})).find(({ name }) => name === betterModel);
    if (advice === null || better === undefined) {
      return;
    }
    const get = better.installed ? `Use ${better.title}` : `Get ${better.title} (${bytes(better.size)})`;
    if ((await showOnce(this.linewise().context, `better.${kind}`, advice, get)) === get) {
      await useModel(this.linewise(), server, better.name);
    }
  }

  private async explain(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    this.linewise().log.error(`generate: ${message}`);
    // What is wrong with the place is mended there, and the message says how.
    const buttons: Readonly<Record<string, string>> = /\b(?:model|engine)\b/.test(message) ? { "Select Model…": "linewise.selectModel", "Show Log": "linewise.showLog" } : {};
    const chosen = await window.showErrorMessage(message, ...Object.keys(buttons));
    const command = buttons[chosen ?? ""];
    if (command !== undefined) {
      await commands.executeCommand(command);
    }
  }
}

function documentOf(server: LanguageClient, { uri }: Generate): TextDocument | undefined {
  return workspace.textDocuments.find((document) => server.code2ProtocolConverter.asUri(document.uri) === uri);
}

function wanted(server: LanguageClient, document: TextDocument, { kind, detail, range: { start, end } }: Ask): Generate {
  return {
    uri: server.code2ProtocolConverter.asUri(document.uri),
    version: document.version,
    kind,
    startLine: start.line,
    startCharacter: start.character,
    endLine: end.line,
    endCharacter: end.character,
    detail,
    partialResultToken: null,
  };
}

/** Asks for what a way needs besides the place; undefined where the user went away. */
async function complete(document: TextDocument, kind: Kind, range: Range): Promise<Ask | undefined> {
  if (kind === "instruction") {
    const prompt = range.isEmpty ? "What to write at the cursor" : "What to do with the selection";
    const detail = await window.showInputBox({ title: "Generate", prompt, ignoreFocusOut: true, validateInput: (text) => (text.trim() === "" ? "Say what to generate." : undefined) });
    return detail === undefined ? undefined : { kind, detail, range };
  }
  if (kind === "translate") {
    const others = TRANSLATIONS.filter((id) => id !== document.languageId).map((id) => ({ id, label: languageName(id) }));
    const chosen = await window.showQuickPick(others, { title: "Translate to" });
    return chosen === undefined ? undefined : { kind, detail: chosen.id, range };
  }
  if (kind === "fix") {
    const here = diagnosticsAt(document, range);
    const [only] = here;
    if (only === undefined) {
      void window.showInformationMessage("There is no diagnostic on this line to fix.");
      return undefined;
    }
    const chosen = here.length === 1 ? only : (await window.showQuickPick(here.map((diagnostic) => ({ label: diagnostic.message, diagnostic })), { title: "Fix" }))?.diagnostic;
    return chosen === undefined ? undefined : { kind, detail: chosen.message, range: chosen.range };
  }
  return { kind, detail: null, range };
}

/** What is said to be wrong at a place; where nothing is, on its lines. */
function diagnosticsAt(document: TextDocument, range: Range): readonly Diagnostic[] {
  const all = languages.getDiagnostics(document.uri);
  const here = all.filter((diagnostic) => diagnostic.range.intersection(range) !== undefined);
  return here.length > 0 ? here : all.filter(({ range: { start, end } }) => start.line <= range.end.line && end.line >= range.start.line);
}

/** Offers the samples of the catalogues that the document has a use for. */
async function chooseSample(editor: TextEditor): Promise<Generate | undefined> {
  const actions = await commands.executeCommand<CodeAction[]>("vscode.executeCodeActionProvider", editor.document.uri, editor.selection, SAMPLES, 50);
  const entries = actions.flatMap(({ title, command }) => {
    const wanted: unknown = command?.arguments?.[0];
    return isGenerate(wanted) ? [{ label: title.replace(/ \(Linewise\)$/, ""), wanted }] : [];
  });
  if (entries.length === 0) {
    void window.showInformationMessage("No catalogue that you subscribe to has a sample for what this file uses.");
    return undefined;
  }
  return (await window.showQuickPick(entries, { title: "Use the Sample for…" }))?.wanted;
}

function isGenerate(value: unknown): value is Generate {
  return typeof value === "object" && value !== null && "kind" in value && "uri" in value && "startLine" in value;
}

function shownFirst(document: TextDocument): boolean {
  return workspace.getConfiguration(SECTION, document.uri).get<boolean>("generate.preview", false);
}

function titleOf(kind: Kind): string {
  return WAYS.find(([, one]) => one === kind)?.[2] ?? "Generate";
}

function lines(text: string): string {
  const count = text.trim() === "" ? 0 : text.trim().split("\n").length;
  return count === 1 ? "1 line" : `${count} lines`;
}

/** Opens a text beside the document; where it has a name that is free, saving puts it there. */
async function openBeside(document: TextDocument, { file, text, language }: Pick<Generation, "file" | "text" | "language">): Promise<void> {
  const place = file === "" || document.uri.scheme !== "file" ? undefined : Uri.joinPath(document.uri, "..", file);
  const free = place !== undefined && !(await exists(place));
  if (place === undefined || !free) {
    await window.showTextDocument(await workspace.openTextDocument({ language, content: text }), { viewColumn: ViewColumn.Beside });
    return;
  }
  const editor = await window.showTextDocument(await workspace.openTextDocument(place.with({ scheme: "untitled" })), { viewColumn: ViewColumn.Beside });
  await editor.edit((builder) => {
    builder.insert(editor.document.positionAt(0), text);
  });
}

function exists(uri: Uri): Thenable<boolean> {
  return workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}
