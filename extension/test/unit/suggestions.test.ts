/** Stories of one suggestion, told as the editor tells them: text with the cursor as ║, and the ghost text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Suggestions, type Suggestion, type Text } from "../../src/suggestions";

const URI = "file:///story.py";

function suggestion(id: string, before: string, ghost: string, typed = 0): Suggestion {
  const start = before.length - typed;
  return { id, uri: URI, start, typed, text: before.slice(start) + ghost };
}

/** Plays `steps` on a document and returns the reports, one short line each. */
function play(steps: (story: Story) => void): string[] {
  const lines: string[] = [];
  let clock = 0;
  const suggestions = new Suggestions(
    {
      shown: (report) => lines.push(`shown ${report.id} ${report.basis}`),
      partiallyAccepted: (item, length) => lines.push(`partly ${item.id} ${length}`),
      dismissed: (report) => lines.push(`${report.reason} ${report.id} after ${report.shownMs}`),
    },
    () => clock,
  );
  steps(new Story(suggestions, (ms) => (clock += ms)));
  return lines;
}

class Story {
  private text = "";

  constructor(
    readonly suggestions: Suggestions,
    readonly wait: (ms: number) => void,
  ) {}

  private get now(): Text {
    return { uri: URI, between: (start, end) => this.text.slice(start, end).replaceAll("\r\n", "\n") };
  }

  /** The document becomes `marked` by inserting `inserted` before the cursor. */
  edit(marked: string, inserted: string, end = marked.indexOf("║")): void {
    this.text = marked.replace("║", "");
    this.suggestions.edited(this.now, { inserted, end });
    this.move(marked);
  }

  move(marked: string): void {
    this.text = marked.replace("║", "");
    this.suggestions.moved(this.now, marked.indexOf("║"));
  }
}

const check = (name: string, steps: (story: Story) => void, expected: string[]): void => {
  test(name, () => {
    assert.deepEqual(play(steps), expected);
  });
};

test("what was shown last is known after it left", () => {
  let suggestions: Suggestions | undefined;
  play((story) => {
    ({ suggestions } = story);
    assert.equal(suggestions.lastText, "");
    suggestions.offered([total], "inferred");
    suggestions.leave("rejected");
  });
  assert.equal(suggestions?.lastText, total.text);
});

const total = suggestion("a", "return sum(", "xs) / len(xs)");

check("shown is reported once, however often the same item is offered", (s) => {
  s.suggestions.offered([total], "inferred");
  s.suggestions.offered([total], "inferred");
}, ["shown a inferred"]);

check("typing what is shown keeps it, and acceptance ends it without a dismissal", (s) => {
  s.suggestions.offered([total], "inferred");
  s.edit("return sum(x║", "x");
  s.edit("return sum(xs║", "s");
  s.edit("return sum(xs) / len(xs)║", ") / len(xs)");
  s.suggestions.accepted("a");
  s.edit("return sum(xs) / len(xs)\n║", "\n");
}, ["shown a inferred"]);

check("typing something else ends it", (s) => {
  s.suggestions.offered([total], "inferred");
  s.wait(900);
  s.edit("return sum(y║", "y");
}, ["shown a inferred", "typedOver a after 900"]);

check("typing all of it is not an acceptance", (s) => {
  s.suggestions.offered([suggestion("a", "x = ", "12")], "inferred");
  s.edit("x = 1║", "1");
  s.edit("x = 12║", "2");
  s.edit("x = 12\n║", "\n");
}, ["shown a inferred", "typedOver a after 0"]);

check("a word accepted is a part, counted from the start of the item", (s) => {
  s.suggestions.offered([suggestion("a", "    retu", "rn sum(xs)", 4)], "inferred");
  s.edit("    return sum║", "rn sum");
}, ["shown a inferred", "partly a 10"]);

check("a bracket that the editor closes by itself is one key typed", (s) => {
  s.suggestions.offered([suggestion("a", "print", "(x)")], "inferred");
  s.edit("print(║)", "()", "print()".length);
}, ["shown a inferred"]);

check("a line accepted in a file with CRLF counts line feeds", (s) => {
  s.suggestions.offered([{ id: "a", uri: URI, start: 6, typed: 0, text: "x\n  y\n  z" }], "inferred");
  s.edit("if 1:\nx\r\n  y\r\n║", "x\r\n  y\r\n");
}, ["shown a inferred", "partly a 6"]);

check("moving the cursor away ends it", (s) => {
  s.suggestions.offered([total], "inferred");
  s.move("ret║urn sum(");
}, ["shown a inferred", "expired a after 0"]);

check("Escape is a rejection", (s) => {
  s.suggestions.offered([total], "inferred");
  s.wait(1200);
  s.suggestions.leave("rejected");
}, ["shown a inferred", "rejected a after 1200"]);

check("another item takes its place", (s) => {
  s.suggestions.offered([total], "inferred");
  s.suggestions.offered([suggestion("b", "return sum(", "1, 2)")], "requested");
}, ["shown a inferred", "superseded a after 0", "shown b requested"]);

check("a candidate paged to and accepted was shown by request", (s) => {
  s.suggestions.offered([total, suggestion("b", "return sum(", "ys)")], "requested");
  s.edit("return sum(ys)║", "ys)");
  s.suggestions.accepted("b");
}, ["shown a requested", "superseded a after 0", "shown b requested"]);

check("acceptance that replaces text behind the cursor ends it too", (s) => {
  s.suggestions.offered([{ id: "a", uri: URI, start: 0, typed: 4, text: "len(xs)" }], "inferred");
  s.edit("len(xs)║", "len(xs)");
  s.suggestions.accepted("a");
}, ["shown a inferred"]);
