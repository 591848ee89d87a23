/**
 * The whole loop in a real VS Code, with the real server, a real collector and its dashboard: agreed to, used, counted,
 * told, answered, withdrawn, deleted.
 *
 * The engine says what a script says, so that what is counted is known; everything else is the product. Figures that
 * rest on fewer than five installs are not shown, and that rule is not softened here: eight other installs, through the
 * real client, have sent before the editor opens, and what is looked for on the dashboard is what the editor adds to
 * them. Counters of the collector would say that something came in, not that its maker sees it.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { closeAll, Editor, eventually, logIn, visit } from "./editor";
import { Loop } from "./loop";

const YAML = `
id: click
title: Click
maker: {name: Click Makers}
package: click
release: 1
`;
const CODE = "import click\n\nclick.echo(1)\n";

describe("from consent to deletion", () => {
  let loop: Loop;
  let editor: Editor;
  let dashboard: Page;
  let others: ReturnType<Loop["populate"]>;

  before(async () => {
    loop = await Loop.open("loop-services", { id: "click", symbols: ["click", "click.echo"], yaml: YAML });
    others = loop.populate();
    editor = await Editor.open({
      name: "loop",
      files: { "main.py": CODE },
      environment: loop.environment,
      settings: loop.settings({ after: "greeting = ", text: "click.echo(name)\n" }),
      telemetry: true,
    });
  });

  after(async () => {
    await closeAll();
    loop.close();
  });

  test("asked after a week, the user looks first and then agrees", async () => {
    const asked = async (): Promise<boolean> => (await editor.notifications()).some((text) => text.includes("May the makers of Linewise and Click Makers hear"));
    // Only the window that the user looks at asks.
    await editor.openFile("main.py");
    await editor.focusText();
    await eventually("the question", asked);
    await editor.screenshot("loop-consent");
    await editor.button("See What Is Sent");
    await eventually("what would be sent", async () => (await editor.shown()).includes("Telemetry is local"));
    await eventually("the question again", asked);
    await editor.screenshot("loop-consent-preview");
    await editor.button("Choose…");
    await editor.choose("Events");
    await eventually("consent", () => consent().level === "events");
    assert.equal(consent().asked.length, 1);
  });

  test("what is completed and looked up is counted on the dashboard", async () => {
    await editor.openFile("main.py");
    await editor.type("greeting = ");
    await editor.waitForGhost("click.echo(name)");
    await editor.press("Tab");
    await editor.expectFile("main.py", /greeting = click\.echo\(name\)/);
    await hover("click.echo");

    dashboard = await visit(`${loop.origin}/login`);
    await logIn(dashboard, loop.password);
    const taken = `${others.accepted + 1} of ${others.read + 1}`;
    await reads("/p/linewise/", taken);
    const unanswered = others.unanswered["click.echo"] ?? 0;
    const lookups = others.lookups["click.echo"] ?? 0;
    await reads("/p/click/apis/click.echo", `${unanswered} of ${lookups + 1}`);
  });

  test("feedback from the palette is answered at the desk, and the answer is seen in the editor", async () => {
    await editor.page.bringToFront();
    await editor.run("Linewise: Send Feedback…");
    await editor.choose("A problem");
    await editor.choose("An API or its documentation");
    await editor.question("Its full name");
    await editor.page.fill(".quick-input-widget input.input", "click.echo");
    await editor.press("Enter");
    await editor.question("Your words");
    await editor.type("Colours are lost in a pipe.");
    await editor.press("Enter");
    await editor.choose("No rating");
    await editor.expectEntries(/Versions/);
    await editor.press("Enter");
    await editor.question("An address");
    await editor.press("Enter");
    await eventually("whom it goes to", async () => (await editor.page.textContent(".monaco-dialog-box"))?.includes("Click Makers") === true);
    await editor.button("Send");
    await eventually("the receipt", async () => (await editor.notifications()).some((text) => text.includes("It was sent.")));

    await dashboard.bringToFront();
    await dashboard.goto(`${loop.origin}/p/click/feedback`);
    await dashboard.click("text=Colours are lost in a pipe.");
    await dashboard.selectOption('select[name="status"]', "fixed");
    await dashboard.fill('input[name="release"]', "8.4");
    await dashboard.fill('textarea[name="answer"]', "They stay with color=True.");
    await dashboard.click("text=Save");
    await dashboard.waitForSelector(".status:has-text('fixed')");

    // It comes by itself when a window opens, and every six hours.
    await editor.page.bringToFront();
    await editor.run("Notifications: Clear All Notifications");
    await editor.run("Linewise: Restart Server");
    const said = "Your feedback “Colours are lost in a pipe.” has an answer from Click Makers";
    await eventually("the answer", async () => (await editor.notifications()).some((text) => text.includes(said) && text.includes("They stay with color=True. In release 8.4.")));
    await editor.screenshot("loop-answer-comes");
    await editor.button("My Feedback");
    await editor.expectEntries(/Colours are lost in a pipe\..*fixed.*They stay with color=True\./);
    await editor.screenshot("loop-answer");
    await editor.press("Escape");
  });

  test("withdrawn, nothing is kept, and what was sent is deleted with a receipt", async () => {
    await editor.run("Linewise: Telemetry: Turn Off");
    await eventually("the withdrawal", () => consent().level === "off");
    const deleted = loop.linewise("telemetry", "delete");
    assert.match(deleted, /: [1-9]\d* events deleted, receipt [0-9a-f]{32}, confirmed/);
    await reads("/p/linewise/", `${others.accepted} of ${others.read}`);
    await dashboard.goto(`${loop.origin}/p/linewise/health`);
    assert.match((await dashboard.textContent("body")) ?? "", /requests carried out, [1-9]\d* events deleted/);
  });

  function consent(): { readonly level: string | null; readonly asked: readonly string[] } {
    return JSON.parse(readFileSync(join(loop.home, "telemetry", "consent.json"), "utf8")) as ReturnType<typeof consent>;
  }

  /** Puts the cursor on the last word of line 3 and shows its hover, until the link of its page is there. */
  async function hover(name: string): Promise<void> {
    await editor.run("Go to Line/Column");
    await editor.type(`3:${name.length}`);
    await editor.press("Enter");
    await eventually("the hover with its link", async () => {
      await editor.press("Control+K");
      await editor.press("Control+I");
      await editor.page.waitForSelector('.monaco-hover a[data-href*="click.example"]', { timeout: 5000 });
      return true;
    });
    await editor.press("Escape");
  }

  /** Sends what waits, as a user may, until a page of the dashboard says so. */
  async function reads(path: string, text: string): Promise<void> {
    let seen = "";
    await eventually(() => `"${text}" on ${path}; it says ${seen}`, async () => {
      loop.linewise("telemetry", "send");
      await dashboard.goto(`${loop.origin}${path}`);
      seen = (await dashboard.textContent("body")) ?? "";
      return seen.includes(text);
    });
  }
});
