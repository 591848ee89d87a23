/** States of session and server -> what the status item says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { facts, presence, type Here, type Phase } from "../../src/presence";
import type { Status } from "../../src/protocol";
import { bytes } from "../../src/text";

const READY: Status = { state: "ready", message: "Ready.", model: "Small 1M", backend: "cpu", promptSpeed: 542.4, generationSpeed: 83.1, keysSavedToday: 128, progress: null, advice: null, doesWell: "lines", doesBadly: "instructions" };
const HERE: Here = { silence: undefined, language: "Markdown", snoozedUntil: undefined, asksInEditor: true, byHand: false };
const serving = (status: Partial<Status>): Phase => ({ kind: "serving", status: { ...READY, ...status } });

const check = (name: string, phase: Phase, here: Partial<Here>, expected: string): void => {
  test(name, () => {
    const { icon, text, summary, severity } = presence(phase, { ...HERE, ...here });
    assert.equal(`$(${icon}) ${text} | ${summary} | ${severity}`, expected);
  });
};

check("not set up", { kind: "needsSetUp" }, {}, "$(desktop-download) Linewise: Set Up | Linewise is not set up yet. | warning");
check("being set up", { kind: "settingUp", message: "Setting up: Fetching attrs" }, {}, "$(loading~spin) Linewise | Setting up: Fetching attrs | none");
check("starting", { kind: "starting" }, {}, "$(loading~spin) Linewise | The server is starting. | none");
check("failed", { kind: "failed", message: "The disk is full." }, {}, "$(error) Linewise | The disk is full. | error");
check("loading", serving({ state: "loading", message: "Loading Small 1M", progress: 0.416 }), {}, "$(loading~spin) Linewise 42 % | Loading Small 1M | none");
check("ready", serving({ message: "small-1m.gguf on cpu, 83 tokens/s" }), {}, "$(list-selection) Linewise | Ready. | none");
check("thinking", serving({ state: "thinking", message: "Thinking" }), {}, "$(ellipsis) Linewise | Thinking | none");
check("no model", serving({ state: "noModel", message: "There is no model." }), {}, "$(cloud-download) Linewise: Get a Model | There is no model. | warning");
check("too slow", serving({ state: "tooSlow", message: "Too slow here." }), {}, "$(watch) Linewise | Too slow here. | warning");
check("error", serving({ state: "error", message: "The engine is lost." }), {}, "$(error) Linewise | The engine is lost. | error");
for (const [silence, summary] of [
  ["disabled", "Off: completions are switched off in the settings."],
  ["language", "Off for Markdown."],
  ["excluded", "Off here: the settings exclude this file."],
  ["ignored", "Off here: git ignores this file."],
  ["secrets", "Off here: this file may hold secrets. Such files are never read."],
] as const) {
  check(`silent: ${silence}`, serving({}), { silence }, `$(circle-slash) Linewise | ${summary} | none`);
}
check("VS Code does not ask", serving({}), { asksInEditor: false, byHand: true }, "$(circle-slash) Linewise | Off: VS Code's inline suggestions are switched off. | none");
check("by hand", serving({}), { byHand: true }, "$(list-selection) Linewise | Ready; completes when you ask. | none");
check("snoozed", serving({}), { silence: "language", snoozedUntil: "14:30" }, "$(bell-slash) Linewise | Snoozed until 14:30. | none");
check("a failure is not hidden where nothing would be completed", { kind: "failed", message: "Broken." }, { silence: "language" }, "$(error) Linewise | Broken. | error");
check("a failure is not hidden by a snooze", { kind: "failed", message: "Broken." }, { snoozedUntil: "14:30" }, "$(error) Linewise | Broken. | error");

test("the facts behind the status leave out what is not known", () => {
  assert.deepEqual(facts(READY), [
    ["Model", "Small 1M"],
    ["Does well", "lines"],
    ["Does badly", "instructions"],
    ["Runs on", "the processor"],
    ["Speed", "reads 542 tokens a second, writes 83"],
    ["Keys saved today", "128"],
  ]);
  assert.deepEqual(facts({ ...READY, model: null, doesWell: null, doesBadly: null, backend: null, promptSpeed: null, generationSpeed: null, advice: "Choose a smaller model." }), [
    ["Keys saved today", "128"],
    ["Advice", "Choose a smaller model."],
  ]);
});

test("sizes read as people write them", () => {
  assert.deepEqual([92_871_040, 1_650_000_000, 8_100_000, 12_400_000_000].map(bytes), ["93 MB", "1.6 GB", "8.1 MB", "12 GB"]);
});
