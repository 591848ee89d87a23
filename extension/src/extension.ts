/** Puts the parts together, in the order in which they depend on each other. */

import { commands, env, window, workspace, type ExtensionContext } from "vscode";
import { Announcements } from "./announcements";
import * as completion from "./completion";
import { Decisions } from "./decision";
import * as docs from "./docs";
import * as explain from "./explain";
import { readWheel } from "./environment/wheel";
import * as feedback from "./feedback";
import { Generator } from "./generate";
import * as hover from "./hover";
import * as interpreter from "./interpreter";
import * as messages from "./messages";
import { Missed } from "./missed";
import * as models from "./models";
import { Preview } from "./preview";
import * as session from "./session";
import * as setup from "./setup";
import * as snooze from "./snooze";
import * as status from "./status";
import * as telemetry from "./telemetry";
import * as trace from "./trace";

let running: session.Session | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const log = window.createOutputChannel("Linewise", { log: true });
  const wheel = await readWheel(context.extensionPath);
  const quiet = new snooze.Snooze();
  const missed = new Missed();
  const preview = new Preview();
  const decisions = new Decisions(preview);
  const generator = new Generator(() => linewise, preview, decisions);
  const suggestions = completion.reportTo(() => owner);
  const owner = new session.Session({
    log,
    findServer: () => setup.findServer(context.globalStorageUri.fsPath, wheel),
    initializationOptions: () => ({
      announcements: true,
      asksForDetail: true,
      editorTelemetryEnabled: env.isTelemetryEnabled,
      pythonChosen: interpreter.chosenInterpreters(),
      pythonServer: docs.pythonIsServed(),
      tellsOfAnswers: true,
      trusted: workspace.isTrusted,
    }),
    middleware: generator.middleware(completion.completionMiddleware(suggestions, quiet, missed)),
  });
  running = owner;
  const announcements = new Announcements(owner);
  const linewise: session.Linewise = { context, session: owner, log };
  context.subscriptions.push(
    log,
    preview,
    announcements,
    decisions,
    owner,
    commands.registerCommand("linewise.showLog", () => {
      log.show();
    }),
    commands.registerCommand("linewise.openWalkthrough", () => commands.executeCommand("workbench.action.openWalkthrough", "linewise.linewise#start")),
  );
  session.activate(linewise);
  status.activate(linewise, quiet, announcements);
  snooze.activate(linewise, quiet);
  completion.activate(linewise, suggestions, quiet, missed);
  setup.activate(linewise, wheel);
  messages.activate(linewise);
  models.activate(linewise);
  trace.activate(linewise);
  docs.activate(linewise);
  hover.activate(linewise);
  interpreter.activate(linewise);
  generator.activate();
  explain.activate(linewise);
  feedback.activate(linewise, preview, () => suggestions.lastText);
  telemetry.activate(linewise, preview);
  void owner.restart();
}

export function deactivate(): Promise<void> | undefined {
  return running?.stop();
}
