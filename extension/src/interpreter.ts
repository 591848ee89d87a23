/**
 * The Python that the user chose for the workspace in the Python extension, told to the server.
 *
 * Docs are linked for what is installed there. Nothing is told in a workspace that is not trusted, and the extension is
 * asked only once it runs: it starts by itself where there is Python.
 */

import { extensions, workspace, type Disposable, type Event, type Extension, type Uri } from "vscode";
import { pythonChosenNotification } from "./protocol";
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

/** The interpreter, or folder of the environment, that is chosen now; empty where nobody says. */
export function chosenInterpreter(): string {
  const resource = workspace.workspaceFolders?.[0]?.uri;
  return workspace.isTrusted ? (running()?.exports.environments?.getActiveEnvironmentPath(resource).path ?? "") : "";
}

export function activate({ context, session }: Linewise): void {
  let said = chosenInterpreter();
  let follows: Disposable | undefined;
  const tell = (): void => {
    const interpreter = chosenInterpreter();
    if (interpreter !== said) {
      said = interpreter;
      void session.server?.sendNotification(pythonChosenNotification, { interpreter });
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
    session.onWillStart(() => {
      said = chosenInterpreter();
    }),
    extensions.onDidChange(follow),
    workspace.onDidGrantWorkspaceTrust(follow),
    { dispose: () => { clearInterval(looking); follows?.dispose(); } },
  );
}

function running(): Extension<PythonExtension> | undefined {
  const found = extensions.getExtension<PythonExtension>("ms-python.python");
  return found?.isActive === true ? found : undefined;
}
