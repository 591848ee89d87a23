/** Which model completes: the picker, the download with its progress, and the offer when there is none. */

import { commands, ProgressLocation, QuickPickItemKind, window, type QuickPickItem } from "vscode";
import { WorkDoneProgress, type LanguageClient, type WorkDoneProgressBegin, type WorkDoneProgressEnd, type WorkDoneProgressReport } from "vscode-languageclient/node";
import { modelsRequest, selectModelRequest, type Model } from "./protocol";
import type { Linewise } from "./session";
import { AGREED_MODEL } from "./setup";
import { bytes } from "./text";

interface Entry extends QuickPickItem {
  readonly model?: Model;
}

export function activate(linewise: Linewise): void {
  const { context, session } = linewise;
  let offering = false;
  context.subscriptions.push(
    commands.registerCommand("linewise.selectModel", () => selectModel(linewise)),
    session.onDidChangePhase((phase) => {
      if (phase.kind === "serving" && phase.status?.state === "noModel" && !offering) {
        offering = true;
        void offer(linewise).finally(() => {
          offering = context.globalState.get(AGREED_MODEL) === undefined;
        });
      }
    }),
  );
}

/** Fetches the model that the user agreed to with the set-up; else asks, once in a window. */
async function offer(linewise: Linewise): Promise<void> {
  const { context, session } = linewise;
  const { server } = session;
  if (server === undefined) {
    return;
  }
  const models = await server.sendRequest(modelsRequest, {});
  const agreed = context.globalState.get<string>(AGREED_MODEL);
  if (agreed !== undefined) {
    await context.globalState.update(AGREED_MODEL, undefined);
    await use(linewise, server, agreed, models.find(({ name }) => name === agreed));
    return;
  }
  const model = models.find(({ active }) => active) ?? models.find(({ fits }) => fits);
  if (model === undefined) {
    return;
  }
  const [download, choose] = ["Download", "Choose Another…"];
  const answer = await window.showInformationMessage(`Linewise has no model yet. ${model.title} is ${bytes(model.size)} (${model.licence}) and runs on this machine.`, download, choose);
  if (answer === download) {
    await use(linewise, server, model.name, model);
  } else if (answer === choose) {
    await selectModel(linewise);
  }
}

async function selectModel(linewise: Linewise): Promise<void> {
  const { server } = linewise.session;
  if (server === undefined) {
    await commands.executeCommand("linewise.showStatus");
    return;
  }
  const chosen = await window.showQuickPick<Entry>(
    server.sendRequest(modelsRequest, {}).then((models) => entries(models)),
    { title: "Select the model that completes your code", matchOnDescription: true, matchOnDetail: true },
  );
  if (chosen?.model !== undefined) {
    await use(linewise, server, chosen.model.name, chosen.model);
  }
}

function entries(models: readonly Model[]): Entry[] {
  const installed = models.filter((model) => model.installed);
  const others = models.filter((model) => !model.installed);
  const group = (label: string, members: readonly Model[]): Entry[] => (members.length === 0 ? [] : [{ label, kind: QuickPickItemKind.Separator }, ...members.map(entry)]);
  return [...group("On this machine", installed), ...group("Download", others)];
}

function entry(model: Model): Entry {
  const icon = model.active ? "$(check) " : model.fits ? "" : "$(warning) ";
  return {
    model,
    label: `${icon}${model.title}`,
    description: [bytes(model.size), model.licence, model.active ? "in use" : undefined].filter((part) => part !== undefined).join(", "),
    detail: model.note,
  };
}

async function use(linewise: Linewise, server: LanguageClient, name: string, model: Model | undefined): Promise<void> {
  const title = model?.title ?? name;
  try {
    await window.withProgress(
      { location: ProgressLocation.Notification, title: model?.installed === true ? `Loading ${title}` : `Downloading ${title}`, cancellable: true },
      async (progress, token) => {
        const workDoneToken = `linewise-model-${name}-${Date.now()}`;
        let done = 0;
        const subscription = server.onProgress(WorkDoneProgress.type, workDoneToken, (value: WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd) => {
          const percentage = "percentage" in value ? value.percentage : undefined;
          progress.report({ ...(value.message === undefined ? {} : { message: value.message }), ...(percentage === undefined ? {} : { increment: percentage - done }) });
          done = percentage ?? done;
        });
        try {
          await server.sendRequest(selectModelRequest, { name, workDoneToken }, token);
        } finally {
          subscription.dispose();
        }
      },
    );
  } catch (error) {
    await explain(linewise, server, name, model, error);
  }
}

async function explain(linewise: Linewise, server: LanguageClient, name: string, model: Model | undefined, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  if (/cancel/i.test(message)) {
    return;
  }
  linewise.log.error(`${name}: ${message}`);
  const [retry, choose, log] = ["Retry", "Choose Another…", "Show Log"];
  const answer = await window.showErrorMessage(`${model?.title ?? name} cannot be used: ${message}`, retry, choose, log);
  if (answer === retry) {
    await use(linewise, server, name, model);
  } else if (answer === choose) {
    await selectModel(linewise);
  } else if (answer === log) {
    linewise.log.show();
  }
}
