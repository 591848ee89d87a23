/** Quiet for a while: no completion is asked for until the time is over or the user resumes. */

import { commands, EventEmitter, window, type Disposable } from "vscode";
import type { Linewise } from "./session";

export class Snooze implements Disposable {
  private until = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly changes = new EventEmitter<void>();
  readonly onDidChange = this.changes.event;

  get active(): boolean {
    return this.timer !== undefined;
  }

  /** When it ends, as the user reads a time; undefined when it is not on. */
  get untilTime(): string | undefined {
    return this.active ? new Date(this.until).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : undefined;
  }

  start(minutes: number): void {
    clearTimeout(this.timer);
    this.until = Date.now() + minutes * 60_000;
    this.timer = setTimeout(() => {
      this.end();
    }, minutes * 60_000);
    this.changes.fire();
  }

  end(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.changes.fire();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.changes.dispose();
  }
}

const MINUTES = [5, 15, 30, 60, 240];

export function activate({ context }: Linewise, snooze: Snooze): void {
  context.subscriptions.push(
    snooze,
    snooze.onDidChange(() => commands.executeCommand("setContext", "linewise.snoozed", snooze.active)),
    commands.registerCommand("linewise.resume", () => {
      snooze.end();
    }),
    commands.registerCommand("linewise.snooze", async () => {
      const items = MINUTES.map((minutes) => ({ label: minutes < 60 ? `${minutes} minutes` : `${minutes / 60} hour${minutes > 60 ? "s" : ""}`, minutes }));
      const chosen = await window.showQuickPick(items, { title: "Snooze completions for" });
      if (chosen !== undefined) {
        snooze.start(chosen.minutes);
      }
    }),
  );
}
