/**
 * The one owner of the language client: starts it, restarts it, tells the rest of the extension where it stands.
 *
 * Restarts are coalesced: one runs, at most one waits. A server that dies is started again quietly; one that keeps
 * dying is left alone, and the user is told once, with a button. Every request goes through `request`, which never
 * throws for a server that is away.
 */

import { commands, Disposable, EventEmitter, workspace, type ExtensionContext, type LogOutputChannel } from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  State,
  type CloseHandlerResult,
  type Executable,
  type LanguageClientOptions,
  type Middleware,
} from "vscode-languageclient/node";
import type { Phase } from "./presence";
import { statusChangedNotification, statusRequest, type Status } from "./protocol";
import { SECTION, sectionForServer } from "./settings";

/** What a feature module is given by `activate`. */
export interface Linewise {
  readonly context: ExtensionContext;
  readonly session: Session;
  readonly log: LogOutputChannel;
}

/** Of the texts that the server is told of. */
export const SCHEMES: readonly string[] = ["file", "untitled", "vscode-notebook-cell"];

/** Parts of the server that it says it has, in `capabilities.experimental.linewise`. */
export const ABILITIES = ["docs", "explanation", "feedback", "generation", "telemetry"] as const;
export type Ability = (typeof ABILITIES)[number];

export interface SessionParts {
  readonly log: LogOutputChannel;
  /** The command of the server; undefined where nothing is set up. */
  readonly findServer: () => Promise<Executable | undefined>;
  readonly initializationOptions: () => Record<string, unknown>;
  readonly middleware: Middleware;
}

const CRASHES_IN_A_ROW = 4;
const ROW_MS = 3 * 60_000;

export class Session implements Disposable {
  private client: LanguageClient | undefined;
  private running: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | undefined;
  private phase: Phase = { kind: "starting" };
  private crashes: readonly number[] = [];
  private readonly phases = new EventEmitter<Phase>();
  private readonly clients = new EventEmitter<LanguageClient>();
  private readonly failures = new EventEmitter<string>();

  /** Fires with each new phase, and with each status that the server sends. */
  readonly onDidChangePhase = this.phases.event;
  /** Fires with each new client before it starts, so that handlers see its first message. */
  readonly onWillStart = this.clients.event;
  /** Fires with what to tell the user when there is no server and none will be started. */
  readonly onDidFail = this.failures.event;

  constructor(private readonly parts: SessionParts) {}

  get current(): Phase {
    return this.phase;
  }

  /** The client of a running server. */
  get server(): LanguageClient | undefined {
    return this.client?.state === State.Running ? this.client : undefined;
  }

  /** Whether the running server says that it has this part. */
  can(ability: Ability): boolean {
    return abilitiesOf(this.server)[ability] === true;
  }

  /** Starts the server, or starts it anew with the settings as they are now. */
  restart(): Promise<void> {
    this.waiting ??= this.running.then(() => {
      this.waiting = undefined;
      this.running = this.replace();
      return this.running;
    });
    return this.waiting;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await setContextKeys(undefined);
    // A client that never came up has nothing to stop, and says so by rejecting.
    await client?.dispose().catch((error: unknown) => {
      this.parts.log.debug(`stopping: ${String(error)}`);
    });
  }

  /** Asks the server how it stands now, where there is one that answers. */
  async refresh(): Promise<void> {
    const { server } = this;
    if (server === undefined) {
      return;
    }
    try {
      const status = await server.sendRequest(statusRequest, {});
      if (this.phase.kind === "serving" && server === this.server) {
        this.serve(status);
      }
    } catch (error) {
      this.parts.log.error(`No status: ${String(error)}`);
    }
  }

  /** The extension itself is at something that the status should show, such as the set-up. */
  show(phase: Phase): void {
    this.phase = phase;
    this.phases.fire(phase);
  }

  dispose(): void {
    this.phases.dispose();
    this.clients.dispose();
    this.failures.dispose();
  }

  private async replace(): Promise<void> {
    await this.stop();
    const executable = await this.parts.findServer();
    if (executable === undefined) {
      this.show({ kind: "needsSetUp" });
      return;
    }
    this.show({ kind: "starting" });
    const client = new QuietClient(SECTION, "Linewise", executable, this.options());
    this.client = client;
    client.onNotification(statusChangedNotification, (status) => {
      this.serve(status);
    });
    client.onDidChangeState(({ newState }) => {
      if (this.client === client) {
        this.follow(client, newState);
      }
    });
    this.clients.fire(client);
    try {
      await client.start();
    } catch (error) {
      this.parts.log.error(`${executable.command}: ${String(error)}`);
      this.fail("The server did not start.", `The Linewise server did not start: ${executable.command}`);
    }
  }

  private follow(client: LanguageClient, state: State): void {
    if (state === State.Running) {
      void setContextKeys(client);
      this.serve(undefined);
      void this.refresh();
    } else if (state === State.Starting) {
      this.show({ kind: "starting" });
    }
  }

  private serve(status: Status | undefined): void {
    this.show({ kind: "serving", status });
  }

  private fail(summary: string, message: string): void {
    this.show({ kind: "failed", message: summary });
    this.failures.fire(message);
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: SCHEMES.map((scheme) => ({ scheme })),
      outputChannel: this.parts.log,
      initializationOptions: () => ({ settings: sectionForServer(), ...this.parts.initializationOptions() }),
      middleware: this.parts.middleware,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.closed(),
      },
    };
  }

  private closed(): CloseHandlerResult {
    const now = Date.now();
    this.crashes = [...this.crashes, now].slice(-CRASHES_IN_A_ROW);
    const [first = now] = this.crashes;
    if (this.crashes.length < CRASHES_IN_A_ROW || now - first > ROW_MS) {
      this.parts.log.warn("The server ended unexpectedly and is started again.");
      return { action: CloseAction.Restart, handled: true };
    }
    this.crashes = [];
    void setContextKeys(undefined);
    this.fail("The server keeps ending.", `The Linewise server ended ${CRASHES_IN_A_ROW} times within three minutes and was not started again.`);
    return { action: CloseAction.DoNotRestart, handled: true };
  }
}

/** Leaves every message to the user to us: the library's own have no button that mends anything. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown, _notify?: boolean | "force"): void {
    super.error(message, data, false);
  }
}

/** Commands whose part of the server is missing are hidden by these keys, not dead. */
async function setContextKeys(client: LanguageClient | undefined): Promise<void> {
  await commands.executeCommand("setContext", `${SECTION}.running`, client !== undefined);
  for (const ability of ABILITIES) {
    await commands.executeCommand("setContext", `${SECTION}.can.${ability}`, abilitiesOf(client)[ability] === true);
  }
}

function abilitiesOf(client: LanguageClient | undefined): Partial<Record<Ability, boolean>> {
  const experimental: unknown = client?.initializeResult?.capabilities.experimental;
  if (typeof experimental === "object" && experimental !== null && SECTION in experimental) {
    return experimental[SECTION] as Partial<Record<Ability, boolean>>;
  }
  return {};
}

/** Restarts the session when trust or a setting changes what is run. */
export function activate({ context, session }: Linewise): void {
  context.subscriptions.push(
    workspace.onDidGrantWorkspaceTrust(() => session.restart()),
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(`${SECTION}.server`)) {
        void session.restart();
      }
    }),
    commands.registerCommand("linewise.restart", async () => {
      await session.restart();
      if (session.current.kind === "needsSetUp") {
        await commands.executeCommand("linewise.setUp");
      }
    }),
  );
}
