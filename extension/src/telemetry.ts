/**
 * The user's word on telemetry, and the editor's switch, passed on to the server; the gate itself is the server's.
 *
 * The extension sends no event of its own. The setting is where the user says it in VS Code, the commands write the
 * setting. At start the lower of setting and consent file holds: a choice made elsewhere is never raised from here.
 */

import { commands, ConfigurationTarget, env, window, workspace, type QuickPickItem } from "vscode";
import { serverAtHand } from "./needs";
import { askForConsent } from "./consent";
import { telemetryRequest, type SetTelemetry, type Telemetry } from "./protocol";
import type { Preview } from "./preview";
import type { Linewise } from "./session";
import { SECTION } from "./settings";

type Level = Telemetry["chosen"];
const LEVELS: readonly Level[] = ["off", "local", "counts", "events"];
const KEY = "telemetry.level";

export function activate(linewise: Linewise, preview: Preview): void {
  const { context, session } = linewise;
  context.subscriptions.push(
    session.onDidChangePhase((phase) => {
      if (phase.kind === "serving" && phase.status === undefined) {
        void agree(linewise, preview);
      }
    }),
    env.onDidChangeTelemetryEnabled(async (editorEnabled) => {
      await set(linewise, { editorEnabled });
      if (editorEnabled) {
        // What was not to be asked before may be now.
        await agree(linewise, preview);
      }
    }),
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(`${SECTION}.${KEY}`)) {
        void follow(linewise);
      }
    }),
    commands.registerCommand("linewise.showTelemetry", () => (serverAtHand(session) === undefined ? undefined : showPreview(linewise, preview))),
    commands.registerCommand("linewise.telemetryOn", () => turnOn(linewise, preview)),
    commands.registerCommand("linewise.telemetryOff", () => choose("off")),
  );
}

/** Passes on what the settings say now; without a word there the default holds, unless "off" was said elsewhere. */
async function follow(linewise: Linewise): Promise<void> {
  const level = settingOf() ?? ((await look(linewise))?.chosen === "off" ? "off" : "local");
  await set(linewise, { level, editorEnabled: env.isTelemetryEnabled });
}

async function agree(linewise: Linewise, preview: Preview): Promise<void> {
  const now = await look(linewise);
  const wished = settingOf();
  if (now !== undefined && wished !== undefined && LEVELS.indexOf(wished) < LEVELS.indexOf(now.chosen)) {
    await set(linewise, { level: wished });
  } else if (now?.mayAsk === true && wished === undefined) {
    await askOnce(linewise, preview);
  }
}

/** Asks for consent in the one window that the user looks at, which tells the server before the others are looked at. */
async function askOnce(linewise: Linewise, preview: Preview): Promise<void> {
  await focus(linewise);
  if ((await look(linewise))?.mayAsk !== true) {
    return;
  }
  const now = await set(linewise, { asked: true });
  if (now !== undefined) {
    await askForConsent(now.recipients, {
      ask: (question, ...answers) => window.showInformationMessage(question, ...answers),
      look: () => showPreview(linewise, preview),
      choose: () => chooseLevel(),
    });
  }
}

/** Resolves once the window has the focus. */
function focus({ context }: Linewise): Promise<void> {
  return new Promise((resolve) => {
    if (window.state.focused) {
      resolve();
      return;
    }
    const listening = window.onDidChangeWindowState(({ focused }) => {
      if (focused) {
        listening.dispose();
        resolve();
      }
    });
    context.subscriptions.push(listening);
  });
}

function look(linewise: Linewise): Promise<Telemetry | undefined> {
  return set(linewise, { editorEnabled: env.isTelemetryEnabled });
}

async function set({ session, log }: Linewise, word: Partial<SetTelemetry>): Promise<Telemetry | undefined> {
  const { server } = session;
  if (server === undefined || !session.can("telemetry")) {
    return undefined;
  }
  try {
    return await server.sendRequest(telemetryRequest, { level: null, editorEnabled: null, asked: null, ...word });
  } catch (error) {
    log.error(`Telemetry choice not passed on: ${String(error)}`);
    return undefined;
  }
}

async function showPreview(linewise: Linewise, preview: Preview): Promise<void> {
  const telemetry = await look(linewise);
  if (telemetry === undefined) {
    await window.showErrorMessage("The server is not running, so nothing is recorded or sent.");
    return;
  }
  await preview.show("What Linewise would send.txt", telemetry.preview);
}

interface Choice extends QuickPickItem {
  readonly level: Level | undefined;
}

const PREVIEW: Choice = { level: undefined, label: "$(eye) See Exactly What Would Be Sent", detail: "Opens the records as they stand now; nothing is switched on." };
const SENDING: readonly Choice[] = [
  { level: "counts", label: "Counts", detail: "Once a week, how often, under a random key. Nothing says when or who." },
  { level: "events", label: "Events", detail: "Each event with its closed fields. Never code, paths or text that you wrote." },
];

async function turnOn(linewise: Linewise, preview: Preview): Promise<void> {
  const chosen = await pick([PREVIEW, ...SENDING]);
  if (chosen === PREVIEW) {
    await showPreview(linewise, preview);
  } else if (chosen?.level !== undefined) {
    await choose(chosen.level);
  }
}

async function chooseLevel(): Promise<void> {
  const level = (await pick(SENDING))?.level;
  if (level !== undefined) {
    await choose(level);
  }
}

function pick(choices: readonly Choice[]): Thenable<Choice | undefined> {
  return window.showQuickPick(choices, { title: "What Linewise may send to its makers" });
}

async function choose(level: Level): Promise<void> {
  await workspace.getConfiguration(SECTION).update(KEY, level, ConfigurationTarget.Global);
}

/** What the user set; undefined where only the default stands. */
function settingOf(): Level | undefined {
  return workspace.getConfiguration(SECTION).inspect<Level>(KEY)?.globalValue;
}
