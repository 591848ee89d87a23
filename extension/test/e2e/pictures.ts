/**
 * The pictures of the READMEs and the walkthrough, taken in a real VS Code with the real server and model, and those
 * of a real collector's dashboard.
 *
 * Run by `make pictures`, or `npm run pictures -- NAME…` for some; those of the editor are written to media/pictures,
 * those of the dashboard to telemetry/media, and what is only to be looked at in the dark to .test-output/e2e. Each
 * wants to be looked at before it is committed.
 */

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { closeAll, Editor, EXTENSION, eventually, logIn, PICTURES, PYTHON, visit } from "./editor";
import { firstLines, Loop } from "./loop";
import { openReal } from "./real";

const FOLDER = join(EXTENSION, "media", "pictures");
const REPOSITORY = join(EXTENSION, "..");
const DASHBOARD = join(REPOSITORY, "telemetry", "media");
const LOOKS = { size: { width: 860, height: 420 }, scale: 2 } as const;
const SETTINGS = {
  "linewise.latency.automatic": 10_000,
  "editor.fontSize": 15,
  "workbench.activityBar.location": "hidden",
  "breadcrumbs.enabled": false,
  "window.title": "${activeEditorShort}",
};

const SPREAD = `"""How far values lie apart."""

import statistics


def spread(values: list[float]) -> float:
    """Return the difference between the largest and the smallest value."""
`;

/** Nothing is sent to it: the picture is of the question. */
const COLLECTOR = { LINEWISE_COLLECTOR: "https://linewise.example#key", CI: "", DO_NOT_TRACK: "" };

const CLICK = `
id: click
title: Click
maker: {name: Click Makers}
package: click
release: 1
`;

const DOCS = `import statistics


def typical(values: list[float]) -> float:
    return statistics.fmean(values)
`;

/** Takes a picture in which nothing is under way. */
async function take(editor: Editor, name: string, folder = FOLDER): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const busy = async (): Promise<boolean> => (await editor.page.$(".codicon-modifier-spin, .monaco-progress-container.active")) !== null;
  await eventually(`${name} with nothing under way`, async () => {
    if (await busy()) {
      return false;
    }
    const picture = await editor.page.screenshot({ animations: "disabled" });
    if (await busy()) {
      return false;
    }
    writeFileSync(join(folder, `${name}.png`), picture);
    return true;
  });
}

/** Takes the same in the dark, and goes back to the light. */
async function takeDark(editor: Editor, name: string, folder = PICTURES): Promise<void> {
  editor.set({ "workbench.colorTheme": "Default Dark Modern" });
  await editor.page.waitForSelector(".monaco-workbench.vs-dark");
  await take(editor, `${name}-dark`, folder);
  editor.set({ "workbench.colorTheme": "Default Light Modern" });
  await editor.page.waitForSelector(".monaco-workbench.vs");
}

async function ghostText(): Promise<void> {
  const editor = await openReal({ name: "pictures", files: { "spread.py": SPREAD, "typical.py": DOCS }, settings: { ...SETTINGS, "linewise.docs.hover": "whole" }, environment: COLLECTOR, ...LOOKS });
  await hideSideBar(editor);
  await editor.openFile("spread.py");
  await editor.type("    return max(values) ");
  await editor.waitForGhost("min(values)", 60_000);
  await take(editor, "ghost-text");
  await takeDark(editor, "ghost-text", FOLDER);
  await editor.press("Tab");

  await editor.openFile("typical.py");
  for (const key of ["ArrowUp", "End", ...Array<string>("(values)".length + 2).fill("ArrowLeft")]) {
    await editor.press(key);
  }
  // The first time it comes in two parts, as on any cold start; the picture is of the second.
  for (const time of ["first", "second"]) {
    await eventually(`the ${time} hover`, async () => {
      await editor.press("Escape");
      await editor.press("Control+K");
      await editor.press("Control+I");
      const hover = editor.page.locator('.monaco-hover:visible:has(a[data-href*="docs.python.org"])');
      await hover.filter({ hasText: "compute the arithmetic mean" }).waitFor({ timeout: 10_000 });
      return true;
    });
  }
  await take(editor, "docs");
  await takeDark(editor, "docs");

  await editor.press("Escape");
  // High enough for the document to show above the question.
  await editor.page.setViewportSize({ ...LOOKS.size, height: 680 });
  await editor.run("Linewise: Send Feedback…");
  await editor.choose("An idea");
  await editor.choose("Linewise itself");
  await editor.question("Your words");
  await editor.type("Complete doctests from the function above them.", 0);
  await editor.press("Enter");
  await editor.choose("No rating");
  await editor.expectEntries(/Versions/);
  await editor.press("Enter");
  await editor.question("An address");
  await editor.press("Enter");
  await editor.page.waitForSelector(".monaco-dialog-box");
  await take(editor, "feedback");
  await takeDark(editor, "feedback");
  await editor.close();
}

async function setUp(): Promise<void> {
  const editor = await Editor.open({ name: "pictures-set-up", files: { "spread.py": SPREAD }, settings: SETTINGS, ...LOOKS });
  await hideSideBar(editor);
  await eventually("the offer", async () => (await editor.notifications()).some((text) => text.includes("Set it up now?")));
  await take(editor, "set-up");
  await takeDark(editor, "set-up");
  await editor.close();
}

async function hideSideBar(editor: Editor): Promise<void> {
  await editor.press("Control+B");
  await editor.page.waitForSelector(".part.sidebar", { state: "hidden" });
}

/** The question for consent, as a user of a week sees it. */
async function consent(): Promise<void> {
  const loop = await Loop.open("pictures-loop", { id: "click", symbols: ["click", "click.echo"], yaml: CLICK });
  try {
    const { environment } = loop;
    const settings = { ...SETTINGS, ...loop.settings() };
    const editor = await Editor.open({ name: "pictures-consent", files: { "spread.py": SPREAD }, settings, environment, telemetry: true, ...LOOKS });
    await hideSideBar(editor);
    await editor.openFile("spread.py");
    await eventually("the question", async () => (await editor.notifications()).some((text) => text.includes("hear what helped you")));
    await take(editor, "consent");
    await takeDark(editor, "consent");
    await editor.close();
  } finally {
    loop.close();
  }
}

/** The dashboard, with figures of an API that does not exist. */
async function dashboard(): Promise<void> {
  const showcase = spawn(PYTHON, ["-m", "tests.bench.showcase"], { cwd: REPOSITORY, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line = ""] = await firstLines(showcase, 1);
    const [, address = "", password = ""] = line.split(" ");
    const page = await visit(`${address}login`, { width: 1000, height: 656 });
    await logIn(page, password);
    mkdirSync(DASHBOARD, { recursive: true });
    // Each as high as what it shows whole.
    for (const [name, path, height] of [["overview", "p/linewise/", 656], ["apis", "p/acme/apis", 748], ["feedback", "p/acme/feedback", 400]] as const) {
      await page.setViewportSize({ width: 1000, height });
      await page.goto(`${address}${path}`);
      await page.screenshot({ path: join(DASHBOARD, `${name}.png`) });
    }
  } finally {
    showcase.kill();
  }
}

/** The icon that VS Code wants as a bitmap. */
async function icon(): Promise<void> {
  const editor = await Editor.open({ name: "pictures-icon", files: {} });
  await editor.page.setViewportSize({ width: 256, height: 256 });
  const svg = readFileSync(join(EXTENSION, "media", "icon.svg"), "utf8");
  await editor.page.setContent(`<style>body{margin:0}svg{width:256px;height:256px;display:block}</style>${svg}`);
  await editor.page.screenshot({ path: join(EXTENSION, "media", "icon.png"), omitBackground: true });
  await editor.close();
}

const ALL = { setUp, ghostText, consent, dashboard, icon };

async function main(): Promise<void> {
  const names = process.argv.slice(2);
  for (const [name, makePictures] of Object.entries(ALL)) {
    if (names.length === 0 || names.includes(name)) {
      await makePictures();
    }
  }
}

void main().finally(closeAll);
