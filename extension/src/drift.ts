/**
 * Where a stretch of a document is after edits elsewhere; pure.
 *
 * In: changes as the editor reports them, each in offsets of the text that it found. Out: offsets of the text as it is
 * now, or that somebody changed the stretch itself. `linewise_server/lsp/drift.py` does the same for other clients.
 */

export interface Stretch {
  readonly start: number;
  readonly end: number;
}

export interface Change {
  readonly rangeOffset: number;
  readonly rangeLength: number;
  readonly text: string;
}

/** Returns where `stretch` is after `change`; undefined where the change touched it, at its ends too. */
export function moved({ start, end }: Stretch, { rangeOffset, rangeLength, text }: Change): Stretch | undefined {
  if (rangeOffset + rangeLength < start) {
    const by = text.length - rangeLength;
    return { start: start + by, end: end + by };
  }
  return rangeOffset > end ? { start, end } : undefined;
}

/** The changes of one document since a moment. */
export class Drift {
  private readonly changes: Change[] = [];

  follow(changes: readonly Change[]): void {
    this.changes.push(...changes);
  }

  /** Where a stretch of the text as it was then is now. */
  moved(stretch: Stretch): Stretch | undefined {
    return this.changes.reduce<Stretch | undefined>((place, change) => (place === undefined ? undefined : moved(place, change)), stretch);
  }
}

/** Returns the offset of a position in a text, whose lines end as LSP has them. */
export function offsetIn(text: string, line: number, character: number): number {
  const endings = /\r\n|\r|\n/g;
  for (let left = line; left > 0; left--) {
    if (endings.exec(text) === null) {
      return text.length;
    }
  }
  return Math.min(text.length, endings.lastIndex + character);
}

/** The least that turns `before` into `after` at its end: how many characters stay, and what follows them. */
export function tail(before: string, after: string): { readonly kept: number; readonly text: string } {
  let kept = 0;
  while (kept < before.length && kept < after.length && before[kept] === after[kept]) {
    kept++;
  }
  return { kept, text: after.slice(kept) };
}
