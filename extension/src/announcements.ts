/** What makers of APIs in use announce: in the menu of the status item, until it was opened or muted. */

import { env, EventEmitter, ThemeIcon, Uri, window, type Disposable, type QuickInputButton, type QuickPickItem } from "vscode";
import { headline } from "./news";
import { announcementMetNotification, announcementsChangedNotification, type Announced, type AnnouncementMet } from "./protocol";
import type { Session } from "./session";

interface Entry extends QuickPickItem {
  readonly announced: Announced;
}

const MUTE: QuickInputButton = { iconPath: new ThemeIcon("bell-slash"), tooltip: "Do not show again" };

/** The announcements that the running server knows of. */
export class Announcements implements Disposable {
  private items: readonly Announced[] = [];
  private readonly changes = new EventEmitter<void>();
  private readonly subscription: Disposable;
  readonly onDidChange = this.changes.event;

  constructor(private readonly session: Session) {
    this.subscription = session.onWillStart((client) => {
      this.take([]);
      client.onNotification(announcementsChangedNotification, ({ items }) => {
        this.take(items);
      });
    });
  }

  get current(): readonly Announced[] {
    return this.items;
  }

  dispose(): void {
    this.subscription.dispose();
    this.changes.dispose();
  }

  /** Lists them; who takes one sees its page, or its text where it has none. */
  show(): void {
    const list = window.createQuickPick<Entry>();
    list.title = "From the Makers of Your APIs";
    list.items = this.items.map((announced) => ({ announced, label: headline(announced), detail: announced.text, buttons: [MUTE] }));
    list.onDidHide(() => {
      list.dispose();
    });
    list.onDidAccept(async () => {
      const announced = list.selectedItems[0]?.announced;
      list.hide();
      // Without a page the list has said it all.
      if (announced !== undefined && (announced.url === null || (await env.openExternal(Uri.parse(announced.url))))) {
        await this.met(announced, "opened");
      }
    });
    list.onDidTriggerItemButton(async ({ item }) => {
      list.items = list.items.filter((other) => other !== item);
      if (list.items.length === 0) {
        list.hide();
      }
      await this.met(item.announced, "muted");
    });
    list.show();
  }

  private async met({ catalogue, id }: Announced, act: AnnouncementMet["act"]): Promise<void> {
    await this.session.server?.sendNotification(announcementMetNotification, { catalogue, id, act });
  }

  private take(items: readonly Announced[]): void {
    this.items = items;
    this.changes.fire();
  }
}
