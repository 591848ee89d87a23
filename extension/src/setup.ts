/**
 * Set-up without a terminal: where the server is found, and how it comes to be there.
 *
 * The setting names it, or it is the managed environment, which is made after the user has been told what is
 * downloaded. An untrusted workspace gets the managed environment alone. Failures end in a message whose buttons mend
 * them.
 */

import { mkdir } from "node:fs/promises";
import { commands, extensions, ProgressLocation, window, workspace, type Uri } from "vscode";
import type { Executable } from "vscode-languageclient/node";
import { exclusively, install, noteUse, removeUnused, site, standing, type Environment } from "./environment/environment";
import { noPython, SetUpError, SetUpStopped } from "./environment/failures";
import { runIn, withoutPython } from "./environment/process";
import { candidatesOnPath, findPython, type Candidate } from "./environment/python";
import type { Wheel } from "./environment/wheel";
import { showOnce } from "./notices";
import type { Phase } from "./presence";
import { mend } from "./remedies";
import type { Linewise } from "./session";
import { backend, SECTION, serverSettings } from "./settings";
import { bytes } from "./text";

/** Key in the global state: the user agreed to this model's download and it has not begun. */
export const AGREED_MODEL = "agreedModel";

/** Returns the server's command; undefined where there is neither a setting nor a complete environment. */
export async function findServer(storage: string, wheel: Wheel | undefined): Promise<Executable | undefined> {
  const { path } = serverSettings();
  await mkdir(storage, { recursive: true });
  const options = { cwd: storage, env: withoutPython(process.env) };
  if (path !== "") {
    return { command: path, args: ["serve"], options };
  }
  if (wheel === undefined) {
    return undefined;
  }
  const environment = await standing(storage, wheel, process.platform);
  if (environment === undefined) {
    return undefined;
  }
  await noteUse(environment, new Date());
  return { command: environment.linewise, args: ["serve"], options };
}

export function activate(linewise: Linewise, wheel: Wheel | undefined): void {
  const { context, session } = linewise;
  let offered = false; // once a window: who stops the set-up does not want it begun again at once
  context.subscriptions.push(
    commands.registerCommand("linewise.setUp", () => askAndSetUp(linewise, wheel)),
    session.onDidChangePhase((phase) => {
      if (phase.kind === "needsSetUp" && !offered) {
        offered = true;
        void offer(linewise, wheel);
      }
    }),
  );
}

/** The first time on a machine, asks; after an upgrade, which the user has agreed to before, goes ahead. */
async function offer(linewise: Linewise, wheel: Wheel | undefined): Promise<void> {
  if (wheel === undefined) {
    return;
  }
  if (linewise.context.globalState.get(SET_UP_BEFORE) === true) {
    await setUp(linewise, wheel);
    return;
  }
  if ((await showOnce(linewise.context, "setUp", `${whatItDoes(wheel)} Set it up now?`, SET_UP, "Not Now")) === SET_UP) {
    await agreedSetUp(linewise, wheel);
  }
}

const SET_UP = "Set Up";
const SET_UP_BEFORE = "setUpBefore";

function whatItDoes({ model }: Wheel): string {
  return (
    "Linewise completes code with a model that runs on this machine. " +
    `It needs a Python environment of its own and ${model.title} (${bytes(model.size)}, ${model.licence}).`
  );
}

async function askAndSetUp(linewise: Linewise, wheel: Wheel | undefined): Promise<void> {
  if (wheel === undefined) {
    const settings = "Open Settings";
    const message = "This build of Linewise carries no server. Name the server's command in the settings.";
    if ((await window.showErrorMessage(message, settings)) === settings) {
      await commands.executeCommand("workbench.action.openSettings", `${SECTION}.server.path`);
    }
    return;
  }
  if (linewise.session.current.kind === "settingUp") {
    await commands.executeCommand("notifications.showList");
    return;
  }
  if (linewise.session.server !== undefined) {
    await askAndSetUpAgain(linewise, wheel);
    return;
  }
  const detail =
    "Python 3.11 or newer makes an environment in the extension's own storage, and packages are fetched from the package index. " +
    "Where no prebuilt engine fits this machine it is compiled, which takes a few minutes, once. Your code never leaves the machine.";
  if ((await window.showInformationMessage(whatItDoes(wheel), { modal: true, detail }, SET_UP)) === SET_UP) {
    await agreedSetUp(linewise, wheel);
  }
}

/** What runs goes on until the new environment is whole. */
async function askAndSetUpAgain(linewise: Linewise, wheel: Wheel): Promise<void> {
  const again = "Set Up Again";
  const detail = "A new environment is made beside the one in use, which serves until the new one is complete. Then the server is restarted.";
  const own = serverSettings().path === "" ? "" : " The server that your settings name goes on being used.";
  if ((await window.showInformationMessage("Linewise is set up and running. Make its environment anew?", { modal: true, detail: detail + own }, again)) === again) {
    await setUp(linewise, wheel);
  }
}

async function agreedSetUp(linewise: Linewise, wheel: Wheel): Promise<void> {
  await linewise.context.globalState.update(AGREED_MODEL, wheel.model.name);
  await setUp(linewise, wheel);
}

async function setUp(linewise: Linewise, wheel: Wheel): Promise<void> {
  const { context, log, session } = linewise;
  const environment = await site(context.globalStorageUri.fsPath, wheel, process.platform);
  /** A server that runs meanwhile says for itself how it is. */
  const show = (phase: Phase): void => {
    if (session.server === undefined) {
      session.show(phase);
    }
  };
  try {
    await window.withProgress({ location: ProgressLocation.Notification, title: "Setting up Linewise", cancellable: true }, async (progress, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => {
        stop.abort();
      });
      const say = (message: string): void => {
        progress.report({ message });
        show({ kind: "settingUp", message: `Setting up: ${message}` });
      };
      say("Looking for Python");
      await exclusively(environment, stop.signal, () => make(linewise, wheel, environment, stop.signal, say));
    });
    await context.globalState.update(SET_UP_BEFORE, true);
    await session.restart();
    await removeUnused(environment, new Date());
  } catch (error) {
    if (error instanceof SetUpStopped) {
      show({ kind: "needsSetUp" });
      return;
    }
    log.error(String(error));
    const failure = error instanceof SetUpError ? error : new SetUpError(`Linewise could not be set up: ${String(error)}`, [{ kind: "log" }, { kind: "retry" }]);
    show({ kind: "failed", message: failure.message });
    if (await mend(failure, log)) {
      await setUp(linewise, wheel);
    }
  }
}

async function make({ context, log }: Linewise, wheel: Wheel, environment: Environment, signal: AbortSignal, onStep: (message: string) => void): Promise<void> {
  const storage = context.globalStorageUri.fsPath;
  const found = await findPython(await candidates(), runIn(storage));
  if (found.python === undefined) {
    throw noPython(found.rejected, process.platform);
  }
  const { executable, version } = found.python;
  log.info(`Setting up ${wheel.version} with ${executable} (${version.join(".")}) in ${environment.directory}`);
  await install({
    environment,
    wheel,
    python: executable,
    run: runIn(storage, { ...proxyVariables(), ...backendVariables() }),
    platform: process.platform,
    signal,
    onStep,
    onLine: (line) => {
      log.info(line);
    },
  });
}

/** The back end that the user chose, under the installer's name for it. */
function backendVariables(): NodeJS.ProcessEnv {
  const chosen = backend();
  return chosen === "automatic" ? {} : { LINEWISE_BACKEND: chosen };
}

/** The setting's Python, then the Python extension's, then those on PATH; an untrusted workspace chooses none of them. */
async function candidates(): Promise<readonly Candidate[]> {
  const { python } = serverSettings();
  const named = [python, workspace.isTrusted ? await activePython() : undefined].filter((command) => command !== undefined && command !== "");
  return [...named.map((command) => ({ command, args: [] }) as Candidate), ...candidatesOnPath(process.platform)];
}

/** What ms-python.python 2024 and newer export, as far as it is used here. */
interface PythonExtension {
  readonly environments: {
    readonly getActiveEnvironmentPath: () => { readonly path: string };
    readonly resolveEnvironment: (path: { readonly path: string }) => Promise<{ readonly executable: { readonly uri: Uri | undefined } } | undefined>;
  };
}

async function activePython(): Promise<string | undefined> {
  try {
    const api = await extensions.getExtension<PythonExtension>("ms-python.python")?.activate();
    const environment = await api?.environments.resolveEnvironment(api.environments.getActiveEnvironmentPath());
    return environment?.executable.uri?.fsPath;
  } catch {
    return undefined; // another extension's failure: PATH is next
  }
}

/** The proxy that the user gave VS Code, for pip, unless the environment names one. */
function proxyVariables(): NodeJS.ProcessEnv {
  const proxy = workspace.getConfiguration("http").get<string>("proxy", "");
  const named = process.env.HTTPS_PROXY ?? process.env.https_proxy;
  return proxy === "" || named !== undefined ? {} : { HTTPS_PROXY: proxy };
}
