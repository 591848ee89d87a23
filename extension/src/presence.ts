/**
 * What the status item says.
 *
 * In: the state of the extension, the server's last status, whether completion is on here. Out: text, tooltip, label
 * for screen readers, severity. Never imports `vscode`.
 */

import type { DocumentStatus, Status } from "./protocol";

/** Where the session is; `serving` alone has a status of the server. */
export type Phase =
  | { readonly kind: "needsSetUp" }
  | { readonly kind: "settingUp"; readonly message: string }
  | { readonly kind: "starting" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "serving"; readonly status: Status | undefined };

export interface Here {
  /** Why the document of the active editor is not completed, by the server's word. */
  readonly silence: NonNullable<DocumentStatus["silence"]> | undefined;
  /** What its language is called. */
  readonly language: string;
  /** Until when completion is snoozed, as the user reads a time. */
  readonly snoozedUntil: string | undefined;
  /** Whether VS Code asks anybody for inline suggestions here. */
  readonly asksInEditor: boolean;
  /** Whether completions come only when the user asks. */
  readonly byHand: boolean;
}

export interface Presence {
  readonly icon: string;
  readonly text: string;
  /** One sentence. */
  readonly summary: string;
  readonly severity: "none" | "warning" | "error";
}

export function presence(phase: Phase, here: Here): Presence {
  switch (phase.kind) {
    case "needsSetUp":
      return { icon: "desktop-download", text: "Linewise: Set Up", summary: "Linewise is not set up yet.", severity: "warning" };
    case "settingUp":
      return { icon: "loading~spin", text: "Linewise", summary: phase.message, severity: "none" };
    case "starting":
      return { icon: "loading~spin", text: "Linewise", summary: "The server is starting.", severity: "none" };
    case "failed":
      return { icon: "error", text: "Linewise", summary: phase.message, severity: "error" };
    case "serving":
      return serving(phase.status, here);
  }
}

/** Why nothing comes in the document at hand, in a sentence; undefined where it does. */
export function silenceOf({ asksInEditor, language, silence }: Here): string | undefined {
  switch (silence) {
    case "disabled":
      return "Off: completions are switched off in the settings.";
    case "language":
      return `Off for ${language}.`;
    case "excluded":
      return "Off here: the settings exclude this file.";
    case "ignored":
      return "Off here: git ignores this file.";
    case "secrets":
      return "Off here: this file may hold secrets. Such files are never read.";
    case undefined:
      return asksInEditor ? undefined : "Off: VS Code's inline suggestions are switched off.";
  }
}

function serving(status: Status | undefined, here: Here): Presence {
  const { byHand, snoozedUntil } = here;
  const off = silenceOf(here);
  if (snoozedUntil !== undefined) {
    return { icon: "bell-slash", text: "Linewise", summary: `Snoozed until ${snoozedUntil}.`, severity: "none" };
  }
  if (off !== undefined) {
    return { icon: "circle-slash", text: "Linewise", summary: off, severity: "none" };
  }
  if (status === undefined) {
    return { icon: "loading~spin", text: "Linewise", summary: "The server is starting.", severity: "none" };
  }
  // What runs, where and how fast stands among the facts.
  return { ...looks(status), summary: status.state !== "ready" ? status.message : byHand ? "Ready; completes when you ask." : "Ready." };
}

function looks({ state, progress }: Status): Omit<Presence, "summary"> {
  switch (state) {
    case "loading": {
      const percent = progress === null ? "" : ` ${Math.round(progress * 100)} %`;
      return { icon: "loading~spin", text: `Linewise${percent}`, severity: "none" };
    }
    case "ready":
      return { icon: "list-selection", text: "Linewise", severity: "none" };
    case "thinking":
      return { icon: "ellipsis", text: "Linewise", severity: "none" };
    case "noModel":
      return { icon: "cloud-download", text: "Linewise: Get a Model", severity: "warning" };
    case "tooSlow":
      return { icon: "watch", text: "Linewise", severity: "warning" };
    case "error":
      return { icon: "error", text: "Linewise", severity: "error" };
  }
}

const BACKENDS: Readonly<Record<string, string>> = { cpu: "the processor", cuda: "the GPU, by CUDA", metal: "the GPU, by Metal", vulkan: "the GPU, by Vulkan" };

/** The facts behind the status, label and value, as the tooltip and the status menu list them. */
export function facts(status: Status): readonly (readonly [string, string])[] {
  const speeds = [
    status.promptSpeed === null ? undefined : `reads ${Math.round(status.promptSpeed)} tokens a second`,
    status.generationSpeed === null ? undefined : `writes ${Math.round(status.generationSpeed)}`,
  ].filter((part) => part !== undefined);
  return [
    ["Model", status.model],
    ["Does well", status.doesWell],
    ["Does badly", status.doesBadly],
    ["Runs on", BACKENDS[status.backend ?? ""] ?? status.backend],
    ["Speed", speeds.length === 0 ? null : speeds.join(", ")],
    ["Keys saved today", String(status.keysSavedToday)],
    ["Advice", status.advice],
  ].filter((fact): fact is [string, string] => typeof fact[1] === "string" && fact[1] !== "");
}
