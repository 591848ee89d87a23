/**
 * From a key to visible ghost text in a real VS Code, beside what the server says it took, over 50 keys.
 *
 * What VS Code takes by itself, its own wait of 50 ms before it asks included, is measured with a provider that
 * answers at once in the extension host. What is left of Linewise's time when that and the server's figure are taken
 * away is what the extension, its client and the pipe add. Run by `npm run bench` on a machine with nothing else to do.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { closeAll, Editor, EXTENSION, eventually, OUTPUT } from "../e2e/editor";
import { openReal, traces } from "../e2e/real";

const KEYS = 50;
const SHOWS_WITHIN_MS = 4000;

/** Beginnings of lines that the default model has something to say to; the last character is the key measured. */
const BEGINNINGS = [
  "    return sum(xs) / ",
  "    for x in ",
  "    if len(xs) == ",
  "    return sorted(",
  "    total = sum(",
  "    return max(",
  "    raise ValueError(",
  "    return [x for x in ",
  "    print(",
  "    n = len(",
];
const FILE = 'def mean(xs: list[float]) -> float:\n    """Return the arithmetic mean of xs."""\n';

interface Sample {
  readonly visibleMs: number;
  /** The server's own figure; absent for the provider that has no server. */
  readonly serverMs: number | undefined;
}

declare global {
  interface Window {
    linewiseBench: { key: number; ghost: number };
  }
}

async function measure(editor: Editor, serverMs: () => number | undefined): Promise<Sample[]> {
  await watch(editor.page);
  const samples: Sample[] = [];
  for (let trial = 0; samples.length < KEYS && trial < 4 * KEYS; trial++) {
    const beginning = BEGINNINGS[trial % BEGINNINGS.length] ?? "";
    await editor.press("Control+A");
    await editor.press("Delete");
    await editor.page.keyboard.insertText(`${FILE}${"\n".repeat(trial % 5)}${beginning.slice(0, -1)}`);
    await editor.press("Escape");
    await eventually("an empty line end", async () => (await editor.ghost()) === "");
    await editor.press(beginning.endsWith(" ") ? "Space" : beginning.slice(-1));
    const visibleMs = await shown(editor.page);
    if (visibleMs !== undefined) {
      samples.push({ visibleMs, serverMs: serverMs() });
    }
  }
  return samples;
}

/** Notes in the page when a key went down and when the first frame with ghost text after it was drawn. */
async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.linewiseBench = { key: 0, ghost: 0 };
    const bench = window.linewiseBench;
    const note = (event: KeyboardEvent): void => {
      bench.key = event.timeStamp;
      bench.ghost = 0;
    };
    window.addEventListener("keydown", note, true);
    const look = (): void => {
      if (bench.ghost === 0 && document.querySelector(".ghost-text-decoration, .suggest-preview-text .view-line") !== null) {
        requestAnimationFrame(() => (bench.ghost ||= performance.now()));
      }
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
  });
}

async function shown(page: Page): Promise<number | undefined> {
  try {
    await page.waitForFunction(() => window.linewiseBench.ghost > 0, undefined, { timeout: SHOWS_WITHIN_MS });
    return await page.evaluate(() => window.linewiseBench.ghost - window.linewiseBench.key);
  } catch {
    return undefined; // the server had nothing to say: not what is measured here
  }
}

async function bare(): Promise<Sample[]> {
  const vsix = join(OUTPUT, "bare.vsix");
  mkdirSync(OUTPUT, { recursive: true });
  const vsce = join(EXTENSION, "node_modules", ".bin", "vsce");
  execFileSync(vsce, ["package", "--no-dependencies", "--allow-missing-repository", "--skip-license", "--out", vsix], { cwd: join(EXTENSION, "test", "bench", "bare"), stdio: "ignore" });
  const editor = await Editor.open({ name: "bench-bare", files: { "a.py": FILE }, vsix });
  await editor.openFile("a.py");
  await eventually("the provider", async () => {
    await editor.type("x");
    return (await editor.waitForGhost(undefined, 1000)) !== "";
  });
  const samples = await measure(editor, () => undefined);
  await editor.close();
  return samples;
}

async function linewise(): Promise<Sample[]> {
  const editor = await openReal({ name: "bench-linewise", files: { "a.py": FILE } });
  await editor.openFile("a.py");
  await editor.type("    return sum(xs) / ");
  await editor.waitForStatus("Ready.", 120_000);
  const samples = await measure(editor, () => traces(editor).at(-1)?.totalMs);
  await editor.close();
  return samples;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

function row(title: string, values: readonly number[]): string {
  const cell = (share: number): string => quantile(values, share).toFixed(0).padStart(7);
  return `${title.padEnd(64)}${cell(0.5)}${cell(0.95)}${String(values.length).padStart(7)}`;
}

async function main(): Promise<void> {
  const own = (await bare()).map(({ visibleMs }) => visibleMs);
  const ours = await linewise();
  const server = ours.map(({ serverMs }) => serverMs ?? NaN);
  const rest = ours.map(({ visibleMs, serverMs }) => visibleMs - (serverMs ?? NaN) - quantile(own, 0.5));
  console.log(`key to visible ghost text, ms; ${cpus().length} cores, ${cpus()[0]?.model ?? ""}`);
  console.log(`${"".padEnd(64)}    p50    p95   keys`);
  console.log(row("VS Code alone, a provider that answers at once", own));
  console.log(row("Linewise, the default model", ours.map(({ visibleMs }) => visibleMs)));
  console.log(row("  of which the server, by its own figure", server));
  console.log(row("  of which extension, client and pipe: the rest", rest));
}

void main().finally(closeAll);
