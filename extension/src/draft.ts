/**
 * Text that streams into an editor as one step for undo, and leaves no trace when it is given up.
 *
 * Each `workspace.applyEdit` is an undo step of its own, so a streamed answer would take as many undos as it had edits;
 * decorations cannot show several lines. `TextEditor.edit` can leave the undo stops out: the first edit sets the one
 * before, the last the one after, and all between are one step. It refuses when the text is no longer the one that the
 * edit was made for, so that a key never gets lost; then the place is found again and the edit is made anew.
 *
 * In: the text as it would be if nothing more came, again and again. Out: edits. A change by anybody else that touches
 * the place ends the writing for good: what stands there is theirs.
 */

import { Range, window, workspace, WorkspaceEdit, type Disposable, type TextDocument, type TextDocumentContentChangeEvent, type TextEditor } from "vscode";
import { Drift, moved, offsetIn, tail, type Stretch } from "./drift";
import type { GeneratedEdit } from "./protocol";

const ATTEMPTS = 3;

interface Written {
  readonly at: Stretch;
  readonly text: string;
}

export class Draft implements Disposable {
  private readonly original: string;
  private readonly drift = new Drift();
  private readonly watch: Disposable;
  /** Where the text stands now, once some of it is written. */
  private live: Stretch | undefined;
  private written = "";
  /** What stood at the place before. */
  private replaced = "";
  /** The edit under way: how much of what is written stays before it, and what stood there at first. */
  private streaming: { readonly kept: number; readonly replaced: string } | undefined;
  private wanted: GeneratedEdit | undefined;
  private writing: Promise<void> | undefined;
  /** Texts of the changes that we are making just now. */
  private expected: readonly string[] = [];
  private touched = false;

  constructor(private readonly document: TextDocument) {
    this.original = document.getText();
    this.watch = workspace.onDidChangeTextDocument((event) => {
      if (event.document === document) {
        this.follow(event.contentChanges);
      }
    });
  }

  /** Whether somebody else changed the text at the place. */
  get taken(): boolean {
    return this.touched;
  }

  /** Writes an edit as it is so far; of several that come while one is written only the last is. */
  stream(edit: GeneratedEdit): void {
    this.wanted = edit;
    this.writing ??= this.pump().finally(() => {
      this.writing = undefined;
    });
  }

  /** Writes the edits as they are in the end, the first of them the one that was streamed; says whether it could. */
  async finish(edits: readonly GeneratedEdit[]): Promise<boolean> {
    this.wanted = undefined;
    await this.writing;
    const [main, ...others] = edits;
    if (main === undefined) {
      await this.restore();
      return true;
    }
    for (let attempt = 0; attempt < ATTEMPTS && !this.touched; attempt++) {
      const place = this.place(main);
      if (place === undefined) {
        break;
      }
      const changes = others.flatMap((edit) => {
        const at = this.beside(edit);
        return at === undefined ? [] : [{ at, text: edit.text }];
      });
      if (await this.apply([...changes, { at: place, text: main.text }], this.live === undefined, true)) {
        return true;
      }
    }
    this.touched = true;
    return false;
  }

  /** Puts back what stood there before; leaves alone what somebody else changed. */
  async restore(): Promise<void> {
    this.wanted = undefined;
    await this.writing;
    for (let attempt = 0; attempt < ATTEMPTS && !this.touched && this.live !== undefined; attempt++) {
      if (await this.apply([{ at: this.live, text: this.replaced }], false, true)) {
        this.live = undefined;
      }
    }
  }

  /** The document as it would be with these edits. */
  preview(edits: readonly GeneratedEdit[]): string {
    const placed = edits.map((edit, order) => ({ ...this.stretchOf(edit), text: edit.text, order }));
    placed.sort((one, other) => other.start - one.start || one.order - other.order);
    return placed.reduce((text, { start, end, text: fresh }) => text.slice(0, start) + fresh + text.slice(end), this.original);
  }

  dispose(): void {
    this.watch.dispose();
  }

  private async pump(): Promise<void> {
    for (let refused = 0; this.wanted !== undefined && !this.touched && refused < ATTEMPTS; ) {
      const { wanted } = this;
      const place = this.place(wanted);
      if (place === undefined || this.editor() === undefined) {
        return;
      }
      const { kept, text } = this.live === undefined ? { kept: 0, text: wanted.text } : tail(this.written, wanted.text);
      const first = this.live === undefined;
      this.streaming = { kept, replaced: first ? this.document.getText(this.range(place)) : this.replaced };
      const done = await this.apply([{ at: { start: place.start + kept, end: place.end }, text }], first, false);
      this.streaming = undefined;
      if (done) {
        this.written = wanted.text;
        this.wanted = this.wanted === wanted ? undefined : this.wanted;
        refused = 0;
      } else {
        refused++;
      }
    }
  }

  /** Where the text goes now. */
  private place(edit: GeneratedEdit): Stretch | undefined {
    return this.live ?? this.drift.moved(this.stretchOf(edit));
  }

  private stretchOf(edit: GeneratedEdit): Stretch {
    return {
      start: offsetIn(this.original, edit.startLine, edit.startCharacter),
      end: offsetIn(this.original, edit.endLine, edit.endCharacter),
    };
  }

  /** Where an edit beside the streamed one goes now: what we wrote shifts what is below it. */
  private beside(edit: GeneratedEdit): Stretch | undefined {
    const at = this.drift.moved(this.stretchOf(edit));
    const by = at !== undefined && this.live !== undefined && at.start > this.live.start ? this.growth : 0;
    return at === undefined ? undefined : { start: at.start + by, end: at.end + by };
  }

  private get growth(): number {
    return this.live === undefined ? 0 : this.live.end - this.live.start - this.replaced.length;
  }

  private async apply(changes: readonly Written[], first: boolean, last: boolean): Promise<boolean> {
    this.expected = changes.map(({ text }) => lineFeeds(text));
    try {
      const editor = this.editor();
      if (editor === undefined) {
        // The tab was left; what is written now is a step of its own.
        const edit = new WorkspaceEdit();
        for (const { at, text } of changes) {
          edit.replace(this.document.uri, this.range(at), text);
        }
        return await workspace.applyEdit(edit);
      }
      return await editor.edit(
        (builder) => {
          for (const { at, text } of changes) {
            builder.replace(this.range(at), text);
          }
        },
        { undoStopBefore: first, undoStopAfter: last },
      );
    } finally {
      this.expected = [];
    }
  }

  private follow(changes: readonly TextDocumentContentChangeEvent[]): void {
    for (const change of changes) {
      const { rangeOffset, rangeLength, text } = change;
      if (this.expected.includes(lineFeeds(text))) {
        // Set here and not where the edit was asked for: by the time that promise is kept, others may have typed.
        if (this.streaming !== undefined) {
          this.replaced = this.streaming.replaced;
          this.live = { start: rangeOffset - this.streaming.kept, end: rangeOffset + text.length };
        }
        continue;
      }
      const below = this.live !== undefined && rangeOffset > this.live.end;
      this.drift.follow([{ rangeOffset: rangeOffset - (below ? this.growth : 0), rangeLength, text }]);
      if (this.live !== undefined) {
        const now = moved(this.live, change);
        this.touched ||= now === undefined;
        this.live = now ?? this.live;
      }
    }
  }

  private editor(): TextEditor | undefined {
    return window.visibleTextEditors.find(({ document }) => document === this.document);
  }

  private range({ start, end }: Stretch): Range {
    return new Range(this.document.positionAt(start), this.document.positionAt(end));
  }
}

function lineFeeds(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
