/**
 * A real VS Code with Linewise in it, as a person uses it: keys, palette, what the screen shows.
 *
 * In: a workspace's files, settings, which server. Out: the screen, the files on disk, screenshots. Every editor has
 * its own folders and its own port; nothing of the user's is touched. Pictures lie in .test-output/e2e.
 *
 * One long file, as it is one object: all that a test may do to an editor is found in one list.
 */

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

export const EXTENSION = join(__dirname, "..", "..");
const REPOSITORY = join(EXTENSION, "..");
/** Outside of the repository, whose git ignores its own test output: ignored files are not completed. */
export const OUTPUT = join(tmpdir(), "linewise-e2e");
export const PICTURES = join(REPOSITORY, ".test-output", "e2e");
export const PYTHON = join(REPOSITORY, ".venv", process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
/** How long a thing may take on a machine with much else to do; nothing waits longer than it must. */
const PATIENCE_MS = 60_000;
const VSIX = join(EXTENSION, "linewise.vsix");

export interface Options {
  /** Names the folders; two editors with one name share the profile if the second keeps it. */
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Settings of the workspace itself, such as a hostile one brings. */
  readonly workspaceSettings?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Start from the profile that an earlier editor of this name left. */
  readonly keepProfile?: boolean;
  readonly trusted?: boolean;
  readonly size?: { readonly width: number; readonly height: number };
  /** Device pixels for each pixel: more for pictures that are shown large. */
  readonly scale?: number;
  /** Leave VS Code's own telemetry switch on; what VS Code itself would send has nowhere to go. */
  readonly telemetry?: boolean;
  /** Another extension in the place of Linewise. */
  readonly vsix?: string;
}

/** Settings that keep VS Code's own guests off the screen. */
const QUIET = {
  "workbench.startupEditor": "none",
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "workbench.tips.enabled": false,
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "chat.commandCenter.enabled": false,
  "extensions.ignoreRecommendations": true,
  "security.workspace.trust.startupPrompt": "never",
  "security.workspace.trust.banner": "never",
  "workbench.reduceMotion": "on",
  "git.enabled": false,
  "editor.minimap.enabled": false,
  "editor.stickyScroll.enabled": false,
  "window.commandCenter": false,
  "workbench.colorTheme": "Default Light Modern",
};

export class Editor {
  private constructor(
    readonly page: Page,
    readonly workspace: string,
    /** Where VS Code keeps the user's data. */
    readonly profile: string,
    private readonly context: BrowserContext,
    private readonly server: ChildProcess,
  ) {}

  static async open(options: Options): Promise<Editor> {
    const folder = join(OUTPUT, options.name);
    const profile = join(folder, "profile");
    const workspace = join(folder, "workspace");
    rmSync(options.keepProfile === true ? workspace : folder, { recursive: true, force: true });
    const silent = options.telemetry !== true;
    const settings = JSON.stringify({ ...QUIET, "telemetry.telemetryLevel": silent ? "off" : "all", ...options.settings }, null, 2);
    // In a remote window, and this is one, settings of machine scope come from the machine's own file.
    write(join(profile, "User", "settings.json"), settings);
    write(join(profile, "Machine", "settings.json"), settings);
    if (options.workspaceSettings !== undefined) {
      write(join(workspace, ".vscode", "settings.json"), JSON.stringify(options.workspaceSettings));
    }
    for (const [name, text] of Object.entries(options.files)) {
      write(join(workspace, name), text);
    }
    const { entry, node } = installation();
    const port = await freePort();
    const log = openSync(join(folder, "code-server.log"), "a");
    const server = spawn(
      node,
      [
        entry,
        ...["--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--user-data-dir", profile, "--extensions-dir", extensions(options.vsix ?? VSIX)],
        ...["--disable-update-check", "--disable-getting-started-override"],
        ...(silent ? ["--disable-telemetry"] : []),
        ...(options.trusted === false ? [] : ["--disable-workspace-trust"]),
        workspace,
      ],
      { env: { ...process.env, CS_TELEMETRY_URL: "http://127.0.0.1:9/", ...options.environment }, stdio: ["ignore", log, log], detached: true },
    );
    const context = await (await browser()).newContext({ viewport: options.size ?? { width: 1180, height: 720 }, deviceScaleFactor: options.scale ?? 1 });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const editor = new Editor(page, workspace, profile, context, server);
    open.add(editor);
    await eventually(`the workbench of ${options.name}`, async () => {
      await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(workspace)}`);
      await page.waitForSelector(".monaco-workbench .part.statusbar", { timeout: 20_000 });
      return true;
    }, 90_000);
    return editor;
  }

  async close(): Promise<void> {
    open.delete(this);
    await this.context.close();
    if (this.server.pid !== undefined && this.server.exitCode === null) {
      process.kill(-this.server.pid, "SIGTERM");
    }
  }

  /** Opens a file of the workspace and puts the cursor at its end. */
  async openFile(name: string): Promise<void> {
    await this.quickInput("Control+P", name);
    await this.choose(name.split("/").pop() ?? name);
    await this.page.waitForSelector(`.tab.active[aria-label^="${name.split("/").pop() ?? name}"]`);
    await this.focusText();
    await this.page.keyboard.press("Control+End");
  }

  async focusText(): Promise<void> {
    await this.page.click(".editor-instance .view-lines");
  }

  /** Runs a command of the palette by its title. */
  async run(title: string): Promise<void> {
    await this.quickInput("F1", title);
    await this.page.waitForSelector(`.quick-input-list .monaco-list-row[aria-label^="${title}"]`);
    await this.page.click(`.quick-input-list .monaco-list-row[aria-label^="${title}"]`);
  }

  /** Chooses a code action at the cursor or for the selection by its title. */
  async act(title: string): Promise<void> {
    const row = `.action-widget .monaco-list-row.action:has-text("${title}")`;
    await eventually(`the code action ${title}`, async () => {
      // Asked the moment that a file opens, VS Code says that there are none.
      await this.page.keyboard.press("Control+.");
      await this.page.waitForSelector(row, { timeout: 3_000 });
      return true;
    });
    // A pane lies before the list that takes clicks; keys reach it.
    const focused = async (): Promise<string | null> => this.page.locator(".action-widget .monaco-list-row.focused").getAttribute("data-index");
    const wanted = await this.page.locator(row).getAttribute("data-index");
    for (let at = await focused(); at !== wanted; at = await focused()) {
      const before = at;
      await this.page.keyboard.press("ArrowDown");
      await eventually("the next code action", async () => (await focused()) !== before);
    }
    await this.page.keyboard.press("Enter");
  }

  /** The commands that the palette offers for `text`. */
  async palette(text: string): Promise<readonly string[]> {
    await this.quickInput("F1", text);
    await this.page.waitForSelector(`.quick-input-list .monaco-list-row[aria-label^="${text}"]`);
    const offered = (await this.entries()).filter((label) => label.startsWith(text));
    await this.page.keyboard.press("Escape");
    return offered;
  }

  /** Chooses an action of the open light bulb menu. */
  async action(title: string): Promise<void> {
    await this.page.waitForSelector(`.action-widget .monaco-list-row.action:has-text("${title}")`);
    await eventually(`the action ${title} being the one in focus`, async () => {
      if ((await this.page.$(`.action-widget .monaco-list-row.focused:has-text("${title}")`)) !== null) {
        return true;
      }
      await this.press("ArrowDown");
      return false;
    });
    await this.press("Enter");
  }

  /** The text of the active editor, as far as it is in view. */
  async shown(): Promise<string> {
    const lines = await this.page.$$eval(".editor-instance .view-lines .view-line", (all) => all.map((line) => line.textContent));
    return lines.join("\n").replaceAll("\u00a0", " ");
  }

  /** The text of all frames, such as views that show a page of their own. */
  async framed(): Promise<string> {
    // A frame that is being loaded has no text yet.
    const texts = await Promise.all(this.page.frames().map((frame) => frame.evaluate(() => document.body.innerText).catch(() => "")));
    return texts.join("\n");
  }

  /** The entries of the open quick pick. */
  async entries(): Promise<readonly string[]> {
    return this.page.$$eval(".quick-input-list .monaco-list-row", (rows) => rows.map((row) => row.getAttribute("aria-label") ?? ""));
  }

  /** Waits until the open quick pick has an entry for each of `expected`. */
  async expectEntries(...expected: readonly RegExp[]): Promise<void> {
    let seen: readonly string[] = [];
    await eventually(() => `entries like ${expected.map(String).join(", ")} among ${JSON.stringify(seen)}`, async () => {
      seen = await this.entries();
      return expected.every((pattern) => seen.some((entry) => pattern.test(entry)));
    });
  }

  /** Chooses the entry of the open quick pick whose label begins so. */
  async choose(label: string): Promise<void> {
    const row = `.quick-input-list .monaco-list-row[aria-label*="${label}"]`;
    await this.page.waitForSelector(row);
    await this.page.click(row);
  }

  /** Presses a button of the entry of the open quick pick that names `label`. */
  async pressEntryButton(label: string, button: string): Promise<void> {
    const row = this.page.locator(`.quick-input-list .monaco-list-row[aria-label*="${label}"]`).first();
    await row.hover();
    await row.locator(`.action-label[aria-label^="${button}"]`).click();
  }

  /** Waits until the open input box asks so. */
  async question(text: string): Promise<void> {
    await this.page.waitForSelector(`.quick-input-widget .quick-input-message:has-text("${text}")`);
  }

  async type(text: string, delay = 30): Promise<void> {
    await this.page.keyboard.type(text, { delay });
  }

  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }

  /** The ghost text on the screen, its lines joined by line feeds; empty where there is none. */
  async ghost(): Promise<string> {
    return this.page.evaluate(() => {
      const textOf = (selector: string): string[] => [...document.querySelectorAll(selector)].map((part) => part.textContent.replaceAll("\u00a0", " "));
      return [textOf(".ghost-text-decoration").join(""), ...textOf(".suggest-preview-text .view-line")].join("\n").trimEnd();
    });
  }

  async waitForGhost(text?: string, timeout = PATIENCE_MS): Promise<string> {
    let seen = "";
    await eventually(() => `ghost text "${text ?? ""}" (last seen: "${seen}")`, async () => {
      seen = await this.ghost();
      return text === undefined ? seen !== "" : seen.includes(text);
    }, timeout);
    return seen;
  }

  /** Saves and waits until the file on disk reads so. */
  async expectFile(name: string, pattern: RegExp): Promise<void> {
    let text = "";
    await this.page.keyboard.press("Control+S");
    await eventually(() => `${name} to match ${String(pattern)}; it reads ${JSON.stringify(text)}`, () => {
      text = readFileSync(join(this.workspace, name), "utf8");
      return pattern.test(text);
    });
  }

  /** The status item as a screen reader reads it. */
  async status(): Promise<string> {
    const item = await this.page.$('.statusbar-item[id="linewise.linewise.linewise.status"] a, .statusbar-item[id*="linewise.status"] a');
    return (await item?.getAttribute("aria-label")) ?? "";
  }

  async waitForStatus(text: string, timeout = PATIENCE_MS): Promise<void> {
    let seen = "";
    await eventually(() => `the status "${text}" (last seen: "${seen}")`, async () => {
      seen = await this.status();
      return seen.includes(text);
    }, timeout);
  }

  async clickStatus(): Promise<void> {
    await this.page.click('.statusbar-item[id*="linewise.status"] a');
  }

  /** Presses the button of a notification or dialog. */
  async button(label: string, timeout = PATIENCE_MS): Promise<void> {
    await this.page.click(`.notifications-toasts .monaco-button:has-text("${label}"), .monaco-dialog-box .monaco-button:has-text("${label}")`, { timeout });
  }

  /** Text of the notifications that stand on the screen. */
  async notifications(): Promise<readonly string[]> {
    return this.page.$$eval(".notifications-toasts .notification-list-item-message", (items) => items.map((item) => item.textContent));
  }

  /** Waits until a notification or the status bar says so. */
  async told(pattern: RegExp): Promise<void> {
    await eventually(async () => `being told ${String(pattern)} (seen: ${JSON.stringify(await this.says())})`, () => this.tells(pattern));
  }

  /** Waits until a notification or the status bar says so, and returns each text that the editor showed until then. */
  async shownUntil(pattern: RegExp): Promise<readonly string[]> {
    const seen = [await this.shown()];
    const watch = async (): Promise<boolean> => {
      const now = await this.shown();
      if (now !== seen.at(-1)) {
        seen.push(now);
      }
      return this.tells(pattern);
    };
    await eventually(`being told ${String(pattern)}`, watch);
    return seen;
  }

  /** Whether a notification or the status bar says so now. */
  async tells(pattern: RegExp): Promise<boolean> {
    return (await this.says()).some((one) => pattern.test(one));
  }

  /** What status bar and notifications say. */
  private async says(): Promise<readonly string[]> {
    const bar = await this.page.$$eval(".statusbar-item", (items) => items.map((item) => item.textContent));
    return [...bar, ...(await this.notifications())].map((one) => one.replaceAll("\u00a0", " "));
  }

  /** Waits until nothing is at work any more that a notification shows. */
  async noProgress(): Promise<void> {
    await this.page.waitForSelector(".notifications-toasts .monaco-progress-container.active", { state: "hidden" });
  }

  /** Closes all tabs, and loses what is not saved. */
  async closeAll(): Promise<void> {
    while ((await this.tabs()).length > 0) {
      await this.run("View: Revert and Close Editor");
    }
  }

  /** The names of the open tabs. */
  async tabs(): Promise<readonly string[]> {
    return this.page.$$eval(".tab", (tabs) => tabs.map((tab) => tab.getAttribute("data-resource-name") ?? ""));
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(PICTURES, { recursive: true });
    await this.page.mouse.move(400, 5); // where nothing answers to a pointer
    await this.page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }

  /** Changes the user's settings as an editor of the file would. */
  set(settings: Readonly<Record<string, unknown>>): void {
    for (const place of ["User", "Machine"]) {
      const path = join(this.profile, place, "settings.json");
      const before = JSON.parse(readFileSync(path, "utf8")) as object;
      writeFileSync(path, JSON.stringify({ ...before, ...settings }, null, 2));
    }
  }

  private async quickInput(key: string, text: string): Promise<void> {
    await this.page.keyboard.press(key);
    const input = ".quick-input-widget input.input";
    await this.page.waitForSelector(input, { state: "visible" });
    await this.page.keyboard.type(text, { delay: 5 });
  }
}

/** Another page of the same browser, that of somebody else. */
export async function visit(url: string, size: Options["size"] = { width: 1180, height: 900 }): Promise<Page> {
  const context = await (await browser()).newContext({ viewport: size });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(url);
  return page;
}

/** Logs `admin` in to a collector's dashboard. */
export async function logIn(page: Page, password: string): Promise<void> {
  await page.fill('input[name="name"]', "admin");
  await page.fill('input[name="password"]', password);
  await page.click("button");
  await page.waitForSelector("text=Log out");
}

/** Waits until `condition` holds; fails saying what was awaited. */
export async function eventually(what: string | (() => string | Promise<string>), condition: () => Promise<boolean> | boolean, timeout = PATIENCE_MS): Promise<void> {
  const end = Date.now() + timeout;
  let problem = "";
  while (Date.now() < end) {
    try {
      if (await condition()) {
        return;
      }
    } catch (error) {
      problem = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const description = typeof what === "string" ? what : await what();
  throw new Error(`waited ${timeout} ms in vain for ${description}${problem === "" ? "" : `: ${problem}`}`);
}

const open = new Set<Editor>();
let launched: Promise<Browser> | undefined;

function browser(): Promise<Browser> {
  launched ??= chromium.launch({
    executablePath: installation().browser,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  return launched;
}

/** Ends what a test file has started, whatever became of its tests. */
export async function closeAll(): Promise<void> {
  await Promise.all([...open].map((editor) => editor.close()));
  await (await launched)?.close();
}

interface Installation {
  readonly browser: string;
  readonly node: string;
  readonly entry: string;
}

let installed: Installation | undefined;

function installation(): Installation {
  if (installed === undefined) {
    const home = execFileSync(join(EXTENSION, "test", "e2e", "vscode.sh"), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
    installed = { browser: realpathSync(join(home, "browser")), node: join(home, "node"), entry: join(home, "node_modules", "code-server", "out", "node", "entry.js") };
  }
  return installed;
}

/** The folder with the packaged extension installed, made anew when the package is. */
function extensions(vsix: string): string {
  if (!existsSync(vsix)) {
    throw new Error(`There is no ${vsix}; \`make vsix\` builds it.`);
  }
  const folder = join(OUTPUT, "extensions", basename(vsix, ".vsix"));
  const copy = join(folder, "installed.vsix");
  if (!existsSync(copy) || !readFileSync(copy).equals(readFileSync(vsix))) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const { entry, node } = installation();
    execFileSync(node, [entry, "--extensions-dir", folder, "--user-data-dir", join(OUTPUT, "install"), "--install-extension", vsix], { stdio: ["ignore", "ignore", "inherit"] });
    cpSync(vsix, copy);
  }
  return folder;
}

function write(path: string, text: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => {
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  });
}
