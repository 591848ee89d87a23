/** How numbers and texts are written for people. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, first } from "../../src/text";

for (const [text, expected] of [
  ["Small. Does well: lines.", "Small."],
  ["Small, e.g. for laptops. Not: chat.", "Small, e.g. for laptops."],
  ["One sentence.", "One sentence."],
  ["", ""],
] as const) {
  test(`the first sentence of "${text}"`, () => {
    assert.equal(first(text), expected);
  });
}

test("sizes are decimal", () => {
  assert.deepEqual([98_362_432, 8_100_000_000, 16_000_000_000].map(bytes), ["98 MB", "8.1 GB", "16 GB"]);
});
