/**
 * The Python that the user chose for each workspace folder in the Python extension, told to the server.
 *
 * Docs are linked for what is installed there. Nothing is told in a workspace that is not trusted, and the extension is
 * asked only once it runs: it starts by itself where there is Python.
 */

import { extensions, workspace, type Disposable, type Event, type Extension, type Uri } from "vscode";
import { pythonChosenNotification, type PythonChosen } from "./protocol";
import type { Linewise } from "./session";

/** The part of the Python extension's interface that is used here. */
interface PythonExtension {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: Uri): { readonly path: string };
    readonly onDidChangeActiveEnvironmentPath: Event<unknown>;
  };
}

const LOOK_AGAIN_MS = 5_000;
const LOOKS = 24;

/** The interpreters, or folders of environments, that are chosen now; none where nobody says. */
export function chosenInterpreters(): readonly PythonChosen[] {
  const environments = workspace.isTrusted ? running()?.exports.environments : undefined;
  if (environments === undefined) {
    return [];
  }
  const folders = workspace.workspaceFolders?.map(({ uri }) => uri) ?? [undefined];
  return folders.map((uri) => ({ folder: uri?.toString() ?? "", interpreter: environments.getActiveEnvironmentPath(uri).path }));
}

export function activate({ context, session }: Linewise): void {
  let said = new Map<string, string>();
  let follows: Disposable | undefined;
  const note = (): readonly PythonChosen[] => {
    const chosen = chosenInterpreters();
    const news = chosen.filter(({ folder, interpreter }) => said.get(folder) !== interpreter);
    said = new Map(chosen.map(({ folder, interpreter }) => [folder, interpreter]));
    return news;
  };
  const tell = (): void => {
    for (const each of note()) {
      void session.server?.sendNotification(pythonChosenNotification, each);
    }
  };
  const follow = (): boolean => {
    follows ??= running()?.exports.environments?.onDidChangeActiveEnvironmentPath(tell);
    tell();
    return follows !== undefined;
  };
  // VS Code tells of extensions that come and go, and not of those that start.
  let looks = 0;
  const looking = setInterval(() => {
    looks += 1;
    if (follow() || looks === LOOKS) {
      clearInterval(looking);
    }
  }, LOOK_AGAIN_MS);
  context.subscriptions.push(
    session.onWillStart(note),
    extensions.onDidChange(follow),
    workspace.onDidChangeWorkspaceFolders(tell),
    workspace.onDidGrantWorkspaceTrust(follow),
    { dispose: () => { clearInterval(looking); follows?.dispose(); } },
  );
}

function running(): Extension<PythonExtension> | undefined {
  const found = extensions.getExtension<PythonExtension>("ms-python.python");
  return found?.isActive === true ? found : undefined;
}
