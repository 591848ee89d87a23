/**
 * What was typed while no server could answer, so that the editor can be made to ask for it once one can.
 *
 * In: edits, requests and the session's phases. Out: the place to ask at, once. Whether the user still stands there is
 * for the caller to see. Never imports `vscode`.
 */

import type { Phase } from "./presence";

/** What the user typed last: the cursor stood in it or at its end. */
export interface Place {
  readonly uri: string;
  readonly version: number;
  /** Offsets in the document, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

export class Missed {
  private place: Place | undefined;
  private served = false;
  private underWay = 0;
  private anew = false;

  /** Whether the request that comes now was made by `ask`: the user typed for it and pressed nothing. */
  get asksAnew(): boolean {
    return this.anew;
  }

  /** The user typed; the editor asks for a completion, if there is anybody to ask. */
  typed(place: Place): void {
    this.place = this.served ? undefined : place;
  }

  /** Watches a request until it is answered; one that waits for the model to load has missed nothing. */
  async watch<T>(request: () => PromiseLike<T>, holdsItems: (answer: T) => boolean): Promise<T> {
    this.underWay++;
    try {
      const answer = await request();
      if (holdsItems(answer)) {
        this.place = undefined;
      }
      return answer;
    } finally {
      this.underWay--;
    }
  }

  /** Returns the place to ask at where the session has just become able to answer. */
  follow(phase: Phase): Place | undefined {
    const before = this.served;
    this.served = serves(phase);
    if (before || !this.served) {
      return undefined;
    }
    const { place } = this;
    this.place = undefined;
    return this.underWay === 0 ? place : undefined;
  }

  /** Makes the editor ask; `trigger` ends once the editor has asked. */
  async ask(trigger: () => PromiseLike<unknown>): Promise<void> {
    this.anew = true;
    try {
      await trigger();
    } finally {
      this.anew = false;
    }
  }
}

function serves(phase: Phase): boolean {
  return phase.kind === "serving" && phase.status !== undefined && ["ready", "thinking", "tooSlow"].includes(phase.status.state);
}
