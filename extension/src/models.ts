/** Which model completes: the picker, the download with its progress, and the offer when there is none. */

import {
  CancellationError,
  commands,
  ConfigurationTarget,
  ProgressLocation,
  QuickPickItemKind,
  ThemeIcon,
  window,
  workspace,
  type QuickInputButton,
  type QuickPickItem,
} from "vscode";
import {
  LSPErrorCodes,
  ResponseError,
  WorkDoneProgress,
  type LanguageClient,
} from "vscode-languageclient/node";
import { showOnce } from "./notices";
import { stepsOf } from "./progress";
import { modelsRequest, selectModelRequest, type Model } from "./protocol";
import type { Linewise } from "./session";
import { SECTION } from "./settings";
import { AGREED_MODEL } from "./setup";
import { bytes, first } from "./text";

export const SELECT_MODEL = "Select Model…";

const ABOUT: QuickInputButton = { iconPath: new ThemeIcon("info"), tooltip: "What it does well and badly" };

interface Entry extends QuickPickItem {
  readonly model?: Model;
}

export function activate(linewise: Linewise): void {
  const { context, session } = linewise;
  let offered = "";
  context.subscriptions.push(
    commands.registerCommand("linewise.selectModel", () => selectModel(linewise)),
    session.onDidChangePhase((phase) => {
      const agreed = context.globalState.get<string>(AGREED_MODEL);
      if (phase.kind === "serving" && session.server !== undefined && agreed !== undefined) {
        // What it says of a missing model until then is being seen to.
        offered = phase.status?.message ?? offered;
        void fetchAgreed(linewise, session.server, agreed);
      } else if (phase.kind === "serving" && phase.status?.state === "noModel" && phase.status.message !== offered) {
        offered = phase.status.message;
        void offer(linewise, offered);
      }
    }),
  );
}

/** The user agreed to this model with the set-up, before there was a server to fetch it. */
async function fetchAgreed(linewise: Linewise, server: LanguageClient, name: string): Promise<void> {
  await linewise.context.globalState.update(AGREED_MODEL, undefined);
  const model = (await server.sendRequest(modelsRequest, {})).find((one) => one.name === name);
  if (model?.installed === false) {
    await use(linewise, server, model);
  }
}

/**
 * Offers the model that the settings name: once and never again, and the status item goes on saying that there is none.
 * Where they name none that is known, says so each time, with the way to one that is.
 */
async function offer(linewise: Linewise, problem: string): Promise<void> {
  const { server } = linewise.session;
  if (server === undefined) {
    return;
  }
  const model = (await server.sendRequest(modelsRequest, {})).find(({ active }) => active);
  if (model === undefined) {
    if ((await window.showErrorMessage(problem, SELECT_MODEL)) === SELECT_MODEL) {
      await selectModel(linewise);
    }
    return;
  }
  const [download, choose] = ["Download", "Choose Another…"];
  const message = `Linewise has no model yet. ${model.title} is ${bytes(model.size)} (${model.licence}) and runs on this machine.`;
  const answer = await showOnce(linewise.context, "model", message, download, choose);
  if (answer === download) {
    await use(linewise, server, model);
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
  const chosen = await choose(server.sendRequest(modelsRequest, {}));
  if (chosen?.about === true) {
    await window.showInformationMessage(chosen.model.title, { modal: true, detail: chosen.model.note });
    await selectModel(linewise);
  } else if (chosen !== undefined) {
    await use(linewise, server, chosen.model);
  }
}

interface Choice {
  readonly model: Model;
  /** Only to read about it. */
  readonly about: boolean;
}

/** Lists models; undefined where the user went away. */
async function choose(models: Promise<readonly Model[]>): Promise<Choice | undefined> {
  const list = window.createQuickPick<Entry>();
  list.title = "Select the model that completes your code";
  list.matchOnDescription = true;
  list.matchOnDetail = true;
  list.busy = true;
  const chosen = new Promise<Choice | undefined>((resolve) => {
    const settle = (model: Model | undefined, about: boolean): void => {
      resolve(model === undefined ? undefined : { model, about });
    };
    list.onDidAccept(() => {
      settle(list.selectedItems[0]?.model, false);
    });
    list.onDidTriggerItemButton(({ item }) => {
      settle(item.model, true);
    });
    list.onDidHide(() => {
      settle(undefined, false);
    });
  });
  list.show();
  try {
    list.items = entries(await models);
    list.busy = false;
    return await chosen;
  } finally {
    list.dispose();
  }
}

/** Fetches a model of the index if need be, and serves it from now on. */
export async function useModel(linewise: Linewise, server: LanguageClient, name: string): Promise<void> {
  const model = (await server.sendRequest(modelsRequest, {})).find((one) => one.name === name);
  if (model !== undefined) {
    await use(linewise, server, model);
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
    // A line of the list holds a sentence; the button shows the rest.
    detail: first(model.note),
    buttons: first(model.note) === model.note ? [] : [ABOUT],
  };
}

async function use(linewise: Linewise, server: LanguageClient, model: Model): Promise<void> {
  const title = `${model.installed ? "Loading" : "Downloading"} ${model.title}`;
  try {
    await window.withProgress({ location: ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
      const workDoneToken = `linewise-model-${model.name}-${Date.now()}`;
      const subscription = server.onProgress(WorkDoneProgress.type, workDoneToken, stepsOf(progress));
      try {
        await server.sendRequest(selectModelRequest, { name: model.name, workDoneToken }, token);
      } finally {
        subscription.dispose();
      }
    });
    await workspace.getConfiguration(SECTION).update("model", model.name, ConfigurationTarget.Global);
  } catch (error) {
    if (!(error instanceof CancellationError) && !isCancelled(error)) {
      await explain(linewise, server, model, error);
    }
  }
}

/** Whether a request ended because its answer was no longer wanted. */
export function isCancelled(error: unknown): boolean {
  return error instanceof ResponseError && (error.code === LSPErrorCodes.RequestCancelled || error.code === LSPErrorCodes.ServerCancelled);
}

async function explain(linewise: Linewise, server: LanguageClient, model: Model, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  linewise.log.error(`${model.name}: ${message}`);
  const [retry, choose, log] = ["Retry", "Choose Another…", "Show Log"];
  const answer = await window.showErrorMessage(`${model.title} cannot be used: ${message}`, retry, choose, log);
  if (answer === retry) {
    await use(linewise, server, model);
  } else if (answer === choose) {
    await selectModel(linewise);
  } else if (answer === log) {
    linewise.log.show();
  }
}
