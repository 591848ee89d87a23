/** Explain Completion: how far it is as the editor counts it, and where it is offered. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { stepsOf } from "../../src/progress";

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string; readonly category: string }[];
    readonly menus: { readonly commandPalette: readonly { readonly command: string; readonly when: string }[] };
  };
}

test("steps add up to how far the server says it is", () => {
  const steps: { message?: string; increment?: number }[] = [];
  const tell = stepsOf({ report: (step) => void steps.push(step) });
  tell({ kind: "begin", title: "Explain Completion", percentage: 0 });
  tell({ kind: "report", message: "6 of up to 24 requests", percentage: 25 });
  tell({ kind: "report", percentage: 100 });
  tell({ kind: "end" });
  assert.deepEqual(steps, [{ increment: 0 }, { message: "6 of up to 24 requests", increment: 25 }, { increment: 75 }, { increment: 0 }]);
});

test("the command is offered only where the server says that it can", () => {
  const { contributes } = JSON.parse(readFileSync(join(process.cwd(), "package.json"), "utf8")) as Manifest;
  const named = contributes.commands.filter(({ command }) => command === "linewise.explainCompletion");
  assert.deepEqual(named, [{ command: "linewise.explainCompletion", title: "Explain Completion", category: "Linewise" }]);
  const offered = contributes.menus.commandPalette.filter(({ command }) => command === "linewise.explainCompletion");
  assert.deepEqual(offered.map(({ when }) => when), ["linewise.can.explanation && editorIsOpen"]);
});
