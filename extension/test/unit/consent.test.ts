/** The question for consent, told as the user answers it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { askForConsent, CHOOSE, NOT_NOW, SEE } from "../../src/consent";

/** Answers in turn, and returns what happened, one word each. */
async function play(recipients: readonly string[], ...answers: readonly (string | undefined)[]): Promise<readonly string[]> {
  const left = [...answers];
  const happened: string[] = [];
  await askForConsent(recipients, {
    ask: (question, ...offered) => {
      happened.push(`asked: ${question} [${offered.join("|")}]`);
      return Promise.resolve(left.shift());
    },
    look: () => Promise.resolve(void happened.push("looked")),
    choose: () => Promise.resolve(void happened.push("chose")),
  });
  assert.deepEqual(left, [], "every answer was asked for");
  return happened;
}

const acts = (happened: readonly string[]): readonly string[] => happened.map((one) => one.split(":")[0] ?? "");

for (const [name, answers, expected] of [
  ["not now is the first answer and ends it", [NOT_NOW], ["asked"]],
  ["closing it is not now", [undefined], ["asked"]],
  ["who looks is asked again, and may still say not now", [SEE, NOT_NOW], ["asked", "looked", "asked"]],
  ["who looks twice and chooses", [SEE, SEE, CHOOSE], ["asked", "looked", "asked", "looked", "asked", "chose"]],
] as const) {
  test(name, async () => {
    const happened = await play(["the makers of Linewise"], ...answers);
    assert.deepEqual(acts(happened), expected);
    assert.match(happened[0] ?? "", /\[Not Now\|See What Is Sent\|Choose…\]$/);
  });
}

test("everybody who would get something is named", async () => {
  assert.match((await play(["the makers of Linewise", "Acme", "Toy Makers"], NOT_NOW))[0] ?? "", /May the makers of Linewise, Acme and Toy Makers hear what/);
});
