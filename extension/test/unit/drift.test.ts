/** Stretches of a text while it is edited: the stretch is marked ⟦ ⟧, an edit is what it replaces and by what. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Drift, offsetIn, tail } from "../../src/drift";

const CASES: readonly (readonly [name: string, before: string, replaced: string, by: string, after: string | undefined])[] = [
  ["typing above moves it", "x = 1\n\n⟦body⟧\n", "x", "long", "long = 1\n\n⟦body⟧\n"],
  ["removing above moves it", "xyz = 1\n\n⟦body⟧\n", "xyz", "", " = 1\n\n⟦body⟧\n"],
  ["typing below leaves it", "⟦body⟧\n\nx = 1\n", "x", "y", "⟦body⟧\n\ny = 1\n"],
  ["typing inside takes it", "a\n⟦body⟧\n", "od", "o", undefined],
  ["typing at its end takes it", "a\n⟦body⟧;\n", ";", "", undefined],
  ["removing across its start takes it", "a\n⟦body⟧\n", "\nbo", "", undefined],
];

for (const [name, before, replaced, by, after] of CASES) {
  test(name, () => {
    const text = before.replace(/[⟦⟧]/g, "");
    const start = before.indexOf("⟦");
    const drift = new Drift();
    drift.follow([{ rangeOffset: text.indexOf(replaced), rangeLength: replaced.length, text: by }]);
    const now = drift.moved({ start, end: before.indexOf("⟧") - 1 });
    const edited = text.replace(replaced, by);
    assert.equal(now === undefined ? undefined : `${edited.slice(0, now.start)}⟦${edited.slice(now.start, now.end)}⟧${edited.slice(now.end)}`, after);
  });
}

test("a position is found whatever ends the lines", () => {
  const text = "ab\r\ncd\nef\rgh";
  assert.deepEqual([offsetIn(text, 0, 1), offsetIn(text, 1, 0), offsetIn(text, 2, 1), offsetIn(text, 3, 2), offsetIn(text, 9, 0)], [1, 4, 8, 12, 12]);
});

test("only what is new at the end is written", () => {
  assert.deepEqual(tail("return a", "return a + b"), { kept: 8, text: " + b" });
  assert.deepEqual(tail("abc", "abd"), { kept: 2, text: "d" });
  assert.deepEqual(tail("", "x"), { kept: 0, text: "x" });
});
