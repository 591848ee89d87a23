/**
 * What the status bar says of APIs: those of the last completion, and what their makers announce.
 *
 * In: what the server tells. Out: texts. Never imports `vscode`.
 */

import type { Announced, ApiLink } from "./protocol";

/** The text of the item for the APIs of the last completion; undefined where none has a page. */
export function label(apis: readonly ApiLink[]): string | undefined {
  const [first, ...others] = apis;
  if (first === undefined) {
    return undefined;
  }
  const name = first.name.split(".").slice(-2).join(".");
  return others.length === 0 ? `$(book) ${name}` : `$(book) ${name} +${others.length}`;
}

/** One line for each API, for the tooltip and for screen readers. */
export function lines(apis: readonly ApiLink[]): readonly string[] {
  return apis.map(({ name, caption }) => `${name} (${caption})`);
}

/** APIs that a sentence names; a list has them all. */
const MOST_NAMES = 3;

/** The names of some APIs, as a sentence has them. */
export function names(apis: readonly ApiLink[]): string {
  const more = apis.length - MOST_NAMES;
  return `${apis.slice(0, MOST_NAMES).map(({ name }) => name).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** How an announcement is called in a list. */
export function headline({ maker, title }: Announced): string {
  return `${maker}: ${title}`;
}
