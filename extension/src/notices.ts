/** Messages that are shown once and never again, on this machine. */

import { window, type ExtensionContext } from "vscode";

/** Shows `message` with `actions` unless it was ever shown; resolves to the chosen action. */
export async function showOnce(
  context: ExtensionContext,
  name: string,
  message: string,
  ...actions: readonly string[]
): Promise<string | undefined> {
  const key = `notice.${name}`;
  if (context.globalState.get(key) === true) {
    return undefined;
  }
  await context.globalState.update(key, true);
  return window.showInformationMessage(message, ...actions);
}
