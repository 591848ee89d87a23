/** What the status bar says of the APIs of a completion and of announcements. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { headline, label, lines, names } from "../../src/news";
import type { ApiLink } from "../../src/protocol";

const api = (name: string): ApiLink => ({ name, kind: "function", url: "https://docs.example/", caption: "Python 3.12", source: "completion", maker: null });

const check = (name: string, apis: readonly string[], expected: string | undefined): void => {
  test(name, () => {
    assert.equal(label(apis.map(api)), expected);
  });
};

check("no API with a page shows nothing", [], undefined);
check("one is named by its last parts", ["concurrent.futures.Executor.submit"], "$(book) Executor.submit");
check("a built-in is named as it is", ["len"], "$(book) len");
check("others are counted", ["json.dumps", "len", "os.path.join"], "$(book) json.dumps +2");

test("the tooltip names each with its version", () => {
  assert.deepEqual(lines([api("json.dumps")]), ["json.dumps (Python 3.12)"]);
});

test("a sentence names a few", () => {
  assert.equal(names(["a", "b", "c"].map(api)), "a, b, c");
  assert.equal(names(["a", "b", "c", "d", "e"].map(api)), "a, b, c and 2 more");
});

test("an announcement says who speaks", () => {
  assert.equal(headline({ catalogue: "click", id: "nine", maker: "Click", title: "Nine is out", text: "", url: null }), "Click: Nine is out");
});
