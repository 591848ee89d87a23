/**
 * What became of the suggestion on the screen.
 *
 * In: what the editor tells its extensions: answers given, edits, cursor moves, accepted items. Out: reports
 * (shown, partially accepted, dismissed), each at most once where once is the truth. VS Code's stable API never says
 * that ghost text is visible, so "shown" is a conclusion, and carries the basis on which it was drawn. Never imports
 * `vscode`, never looks at a clock but the one it was given.
 */

import type { CompletionDismissed, CompletionShown } from "./protocol";

export type DismissReason = CompletionDismissed["reason"];
export type ShownBasis = CompletionShown["basis"];

/** A completion as it was handed to the editor. */
export interface Suggestion {
  readonly id: string;
  readonly uri: string;
  /** Offset in the document at which the item's text begins, in UTF-16 units. */
  readonly start: number;
  /** How much of the text stood before the cursor when the editor asked. */
  readonly typed: number;
  /** The whole text of the item, with line feeds only. */
  readonly text: string;
}

/** A document as it is now. */
export interface Text {
  readonly uri: string;
  /** What stands between two offsets, with line feeds only. */
  readonly between: (start: number, end: number) => string;
}

/** One edit. */
export interface Edit {
  readonly inserted: string;
  /** Where it ended: the cursor, if the user made it by typing. */
  readonly end: number;
}

export interface Reports {
  readonly shown: (report: CompletionShown) => void;
  readonly partiallyAccepted: (suggestion: Suggestion, acceptedLength: number) => void;
  readonly dismissed: (report: CompletionDismissed) => void;
}

interface OnScreen {
  readonly suggestion: Suggestion;
  /** The other candidates of the same answer, which the user may have paged to unseen by us. */
  readonly others: readonly Suggestion[];
  readonly since: number;
  /** How much of the text stands in the document already, typed or accepted. */
  taken: number;
}

const CLOSING = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
]);

export class Suggestions {
  private current: OnScreen | undefined;
  /** The whole text of what was on the screen last; empty where nothing ever was. */
  lastText = "";

  constructor(
    private readonly reports: Reports,
    private readonly now: () => number,
  ) {}

  /** The editor was given candidates while the document and cursor were still as when it asked; it shows the first. */
  offered([suggestion, ...others]: readonly Suggestion[], basis: ShownBasis): void {
    if (suggestion === undefined || this.current?.suggestion.id === suggestion.id) {
      return;
    }
    this.show(suggestion, others, basis);
  }

  edited(after: Text, edit: Edit): void {
    const shown = this.current;
    if (shown?.suggestion.uri !== after.uri) {
      return;
    }
    if (shown.taken === shown.suggestion.text.length) {
      this.leave("typedOver");
      return;
    }
    const autoClosed = edit.inserted.length === 2 && CLOSING.get(edit.inserted.charAt(0)) === edit.inserted.charAt(1);
    const end = autoClosed ? edit.end - 1 : edit.end;
    const taken = agreement(shown.suggestion, after, end);
    if (taken === undefined) {
      const paged = shown.others.find((other) => agreement(other, after, end) !== undefined);
      if (paged === undefined) {
        this.leave("typedOver");
      } else {
        this.show(paged, shown.others, "requested");
        this.edited(after, edit);
      }
      return;
    }
    const grown = taken - shown.taken;
    shown.taken = taken;
    // A key adds one character; a word or a line accepted adds more, unless the word is one character long.
    // The last part says nothing by itself: an acceptance is told by `accepted`, typing by the edit that follows.
    if (grown > 1 && taken < shown.suggestion.text.length) {
      this.reports.partiallyAccepted(shown.suggestion, taken);
    }
  }

  /** The cursor came to stand at `offset`, by an edit or without one. */
  moved(now: Text, offset: number): void {
    const shown = this.current;
    if (shown === undefined || shown.taken === shown.suggestion.text.length) {
      return;
    }
    const { uri, start } = shown.suggestion;
    if (now.uri !== uri || offset < start || now.between(start, offset).length !== shown.taken) {
      this.leave("expired");
    }
  }

  /** The editor ran the item's command, which it does on full acceptance alone. */
  accepted(id: string): void {
    const shown = this.current;
    if (shown === undefined) {
      return;
    }
    if (shown.suggestion.id !== id) {
      this.leave("superseded");
    }
    this.current = undefined;
  }

  /** The suggestion on the screen goes for `reason`. */
  leave(reason: DismissReason): void {
    const shown = this.current;
    if (shown === undefined) {
      return;
    }
    this.current = undefined;
    this.reports.dismissed({ id: shown.suggestion.id, reason, shownMs: this.now() - shown.since });
  }

  private show(suggestion: Suggestion, others: readonly Suggestion[], basis: ShownBasis): void {
    this.leave("superseded");
    this.lastText = suggestion.text;
    this.current = { suggestion, others, since: this.now(), taken: suggestion.typed };
    this.reports.shown({ id: suggestion.id, basis, shownMs: 0 });
  }
}

/** How many characters of the suggestion stand in the document up to `end`; undefined if something else stands there. */
function agreement(suggestion: Suggestion, text: Text, end: number): number | undefined {
  if (end < suggestion.start) {
    return undefined;
  }
  const standing = text.between(suggestion.start, end);
  return suggestion.text.startsWith(standing) ? standing.length : undefined;
}
