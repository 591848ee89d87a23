/**
 * The user's settings, as the extension itself needs them; the server gets the whole section and reads the rest.
 *
 * What names a command or a host is read through `trusted`, which gives an untrusted workspace the defaults, whoever
 * set the value: there, the bundled server runs as it came.
 */

import { ConfigurationTarget, workspace, type Uri } from "vscode";

export const SECTION = "linewise";

export interface ServerSettings {
  /** Command of the server; empty for the managed environment. */
  readonly path: string;
  /** Interpreter that makes the managed environment; empty to look for one. */
  readonly python: string;
}

export function serverSettings(): ServerSettings {
  return { path: trusted("server.path", ""), python: trusted("server.python", "") };
}

/** Back end for which the engine is installed: automatic, cpu, cuda, metal or vulkan. */
export function backend(): string {
  return workspace.getConfiguration(SECTION).get<string>("engine.backend", "automatic");
}

/** Whether completion is on for a language: its own entry, else that of "*". */
export function isOnFor(languageId: string, uri: Uri): boolean {
  const languages = workspace.getConfiguration(SECTION, uri).get<Readonly<Record<string, boolean>>>("languages", {});
  return languages[languageId] ?? languages["*"] ?? true;
}

/** Whether VS Code asks anybody for completions of a language. */
export function inlineSuggestionsAreOn(languageId: string, uri: Uri): boolean {
  return workspace.getConfiguration("editor", { uri, languageId }).get<boolean>("inlineSuggest.enabled", true);
}

/** Changes a setting where it is set, so that the change holds: the innermost place that names it, else the user's. */
export function change(key: string, value: unknown, uri: Uri | undefined): Thenable<void> {
  const configuration = workspace.getConfiguration(SECTION, uri);
  const found = configuration.inspect(key);
  const target =
    found?.workspaceFolderValue !== undefined
      ? ConfigurationTarget.WorkspaceFolder
      : found?.workspaceValue !== undefined
        ? ConfigurationTarget.Workspace
        : ConfigurationTarget.Global;
  return configuration.update(key, value, target);
}

/** Whether the editor asks for completions of a language while the user types, and the server may answer then. */
export function asksWhileTyping(languageId: string, uri: Uri): boolean {
  return workspace.getConfiguration(SECTION, uri).get<string>("trigger", "automatic") === "automatic" && inlineSuggestionsAreOn(languageId, uri);
}

/** The section as the server reads it, without the methods that VS Code puts on it. */
export function sectionForServer(): unknown {
  return JSON.parse(JSON.stringify(workspace.getConfiguration(SECTION)));
}

function trusted(key: string, fallback: string): string {
  return workspace.isTrusted ? workspace.getConfiguration(SECTION).get<string>(key, fallback) : fallback;
}
