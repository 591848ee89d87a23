/**
 * A maker and a user with all that stands between them, on this machine: a collector with its dashboard, a catalogue
 * that is built, signed, served and subscribed to, and a user who has used Linewise for a week.
 *
 * Everything is done with the product's own commands; each has folders of its own below the test's.
 */

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { EXTENSION, OUTPUT, PYTHON } from "./editor";

const LINEWISE = join(dirname(PYTHON), "linewise");
const REPOSITORY = join(EXTENSION, "..");
const WEEK_AND_A_DAY_MS = 8 * 24 * 3600_000;

export interface Catalogue {
  readonly id: string;
  /** Names and kinds of what it lists; the package must be installed beside the server. */
  readonly symbols: readonly string[];
  /** What its YAML says beside names. */
  readonly yaml: string;
}

/** Made by `Loop.open`, ended by `close`. */
export class Loop {
  /** The user's own home. */
  readonly home: string;
  /** What the user's programs are started with. */
  readonly environment: Readonly<Record<string, string>>;

  private constructor(
    private readonly folder: string,
    private readonly catalogue: Catalogue,
    readonly origin: string,
    /** Of `admin`. */
    readonly password: string,
    private readonly productKey: string,
    private readonly catalogueKey: string,
    private readonly collector: ChildProcess,
    private readonly site: Server,
  ) {
    this.home = join(folder, "home");
    // CI and DO_NOT_TRACK of whoever runs the tests would each decide what is tested here.
    this.environment = { LINEWISE_HOME: this.home, LINEWISE_COLLECTOR: `${origin}#${productKey}`, CI: "", DO_NOT_TRACK: "" };
  }

  static async open(name: string, catalogue: Catalogue): Promise<Loop> {
    const folder = join(OUTPUT, name);
    rmSync(folder, { recursive: true, force: true });
    const served = join(folder, "served");
    mkdirSync(served, { recursive: true });

    // Figures of the running week: nobody waits for Monday here.
    const collector = spawn(LINEWISE, ["collector", "serve", "--port", "0", "--open-week"], {
      env: { ...process.env, LINEWISE_HOME: join(folder, "collector"), PYTHONUNBUFFERED: "1" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [dashboard, login, project] = await firstLines(collector, 3);
    const origin = /http:\/\/\S+?(?=\/$)/.exec(dashboard ?? "")?.[0] ?? "";
    const password = / password (\S+)/.exec(login ?? "")?.[1] ?? "";
    const productKey = /#(\S+)$/.exec(project ?? "")?.[1] ?? "";

    const names = join(folder, "names");
    writeFileSync(names, catalogue.symbols.join("\n"));
    const told = run(["collector", "project", catalogue.id, "--symbols", names], { LINEWISE_HOME: join(folder, "collector") });
    const catalogueKey = /key (\w+),/.exec(told)?.[1] ?? "";

    const source = join(served, `${catalogue.id}.yaml`);
    writeFileSync(source, `${catalogue.yaml}\ntelemetry: {origin: "${origin}", project: "${catalogueKey}"}\n`);
    const inventory = join(folder, "objects.inv");
    execFileSync(PYTHON, ["-c", INVENTORY, inventory, ...catalogue.symbols]);
    run(["catalogue", "build", source, "--inventory", inventory, "--base", `https://${catalogue.id}.example/`]);
    run(["catalogue", "sign", join(served, `${catalogue.id}.json`), "--key", join(folder, "key.pem"), "--new-key"]);

    const site = createServer((request, response) => {
      response.end(readFileSync(join(served, (request.url ?? "/").slice(1))));
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    const loop = new Loop(folder, catalogue, origin, password, productKey, catalogueKey, collector, site);
    await loop.subscribe();
    return loop;
  }

  /** Lets eight other installs work and send; returns what the collector then holds. */
  populate(): { readonly accepted: number; readonly read: number; readonly lookups: Readonly<Record<string, number>>; readonly unanswered: Readonly<Record<string, number>> } {
    const { id, symbols } = this.catalogue;
    const told = execFileSync(PYTHON, ["-m", "tests.bench.population", this.origin, this.productKey, id, this.catalogueKey, ...symbols], {
      cwd: REPOSITORY,
      encoding: "utf8",
      env: { ...process.env, CI: "", DO_NOT_TRACK: "" },
    });
    return JSON.parse(told) as ReturnType<Loop["populate"]>;
  }

  /** Settings of an editor on the repository's own server, whose engine says `text` after a text that ends in `after`. */
  settings(...rules: readonly { readonly after: string; readonly text: string }[]): Readonly<Record<string, unknown>> {
    const model = join(this.home, "model.script.json");
    writeFileSync(model, JSON.stringify({ rules }));
    // What is said is tested, not how fast on a busy machine.
    const patient = { "linewise.latency.automatic": 10_000 };
    return { "linewise.server.path": LINEWISE, "linewise.model": model, "linewise.docs.fetch": "never", ...patient };
  }

  /** Runs a command as the user does in a terminal, and returns what it says. */
  linewise(...words: readonly string[]): string {
    return run(words, this.environment);
  }

  close(): void {
    this.collector.kill();
    this.site.close();
  }

  /** Subscribes the user, who began to use Linewise eight days ago. */
  private async subscribe(): Promise<void> {
    const { port } = this.site.address() as AddressInfo;
    // The command runs beside this process, which serves the file.
    const added = spawn(LINEWISE, ["catalogue", "add", `http://127.0.0.1:${port}/${this.catalogue.id}.catalogue`], { env: { ...process.env, ...this.environment }, stdio: "inherit" });
    const code = await new Promise((resolve) => added.once("exit", resolve));
    if (code !== 0) {
      throw new Error(`the catalogue in ${this.folder} was not taken`);
    }
    const first_used = new Date(Date.now() - WEEK_AND_A_DAY_MS).toISOString();
    mkdirSync(join(this.home, "telemetry"), { recursive: true });
    writeFileSync(join(this.home, "telemetry", "consent.json"), JSON.stringify({ level: null, since: null, notice: 0, first_used, asked: [] }));
  }
}

/** What Sphinx would write beside a maker's docs. */
const INVENTORY = `
import sys
from pathlib import Path
from linewise_server.apidocs.inventory import Inventory, Symbol, write_inventory
symbols = tuple(Symbol(name, "py:function", "api/#$") for name in sys.argv[2:])
Path(sys.argv[1]).write_bytes(write_inventory(Inventory("Docs", "1.0", symbols)))
`;

function run(words: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  return execFileSync(LINEWISE, words, { encoding: "utf8", env: { ...process.env, ...environment } });
}

/** The first lines that a process writes; what follows is read and forgotten. */
export async function firstLines(process: ChildProcess, count: number): Promise<readonly string[]> {
  const lines: string[] = [];
  if (process.stdout !== null) {
    for await (const line of createInterface({ input: process.stdout })) {
      lines.push(line);
      if (lines.length === count) {
        break;
      }
    }
  }
  process.stdout?.resume();
  return lines;
}
