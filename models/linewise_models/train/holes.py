"""Where a piece is taken out of a file, so that a model learns to put it back.

In: a file, what is where in it, and a place to take from. Out: a `Hole`, or None where chance led
to nothing worth learning. Cursors stand where an editor leaves them: behind the indentation of a
line, in a line, at the end of one.

    character   from any character of a line to a later one
    rest        from a cursor in a line to the line's end
    line        a whole line; its indentation stands before the cursor
    lines       two to six lines, as far as one block goes
    node        a node of the syntax: an expression, what is between the brackets of a call, a
                statement, a body
    span        from any character to one up to three lines below
    onward      from a cursor to the end of its function, and nothing is known of what follows
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from random import Random

from linewise_models.train.clean import is_literal
from linewise_models.train.code import CATEGORIES, Span, Survey

LONGEST = 600
"""Characters of a hole at most; the budget of tokens is checked by who knows the tokenizer."""
ATTEMPTS = 6
AT_LINE_END = 0.03
"""Share of cursors in a line that stand at its end, where nothing is missing but the line break."""


@dataclass(frozen=True, slots=True)
class Hole:
    """What was taken out."""

    kind: str
    start: int
    end: int
    onward: bool = False
    """Whether what follows is hidden too; then the middle may be cut anywhere before `end`."""


class Rows:
    """The lines of a text by number."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def of(self, offset: int) -> int:
        """Return the number of the line in which an offset stands."""
        return bisect_right(self.starts, offset) - 1

    def span(self, row: int) -> Span:
        """Return a line without its line break."""
        last = row + 1 == len(self.starts)
        return Span(self.starts[row], len(self.text) if last else self.starts[row + 1] - 1)

    def code(self, row: int) -> Span:
        """Return a line from its first character that is not white space."""
        span = self.span(row)
        line = self.text[span.start : span.end]
        return Span(span.start + len(line) - len(line.lstrip()), span.end)


def find_hole(
    kind: str, rows: Rows, survey: Survey, place: Span, prose: float, random: Random
) -> Hole | None:
    """Return a hole of a kind within a place. `prose` is the share kept of dull ones."""
    for _ in range(ATTEMPTS):
        span = _node(rows, survey, place, random) if kind == "node" else None
        if kind != "node":
            row = random.randrange(
                rows.of(place.start), rows.of(max(place.start, place.end - 1)) + 1
            )
            if _is_dull(rows, survey, row) and random.random() >= prose:
                continue
            span = _FINDERS[kind](rows, row, place, random)
        if span is None or (span.end - span.start > LONGEST and kind != "onward"):
            continue
        said = rows.text[span.start : span.end]
        if said.strip() or (kind == "rest" and not said):
            return Hole(kind, span.start, span.end, onward=kind == "onward")
    return None


def _is_dull(rows: Rows, survey: Survey, row: int) -> bool:
    """Say whether a line is prose, a row of a table, or closes brackets and no more."""
    code = rows.code(row)
    said = rows.text[code.start : code.end]
    inside = any(span.start < code.end and code.start < span.end for span in survey.prose)
    return inside or not said.strip("()[]{},;: ") or is_literal(said)


def _cursor(rows: Rows, row: int, random: Random) -> int | None:
    """Return a place in a line behind something typed: half of them where a word or sign ends."""
    code = rows.code(row)
    if code.end - code.start < 2:
        return None
    if random.random() < AT_LINE_END:
        return code.end
    if random.random() < 0.5:
        said = rows.text[code.start : code.end]
        ends = [m.end() for m in re.finditer(r"\w+|[^\w\s]\s?", said) if m.end() < len(said)]
        if ends:
            return code.start + random.choice(ends)
    return random.randrange(code.start + 1, code.end)


def _character(rows: Rows, row: int, place: Span, random: Random) -> Span | None:
    code = rows.code(row)
    if code.end - code.start < 2:
        return None
    start = random.randrange(code.start, code.end - 1)
    return Span(start, random.randrange(start + 1, code.end))


def _rest(rows: Rows, row: int, place: Span, random: Random) -> Span | None:
    start = _cursor(rows, row, random)
    return None if start is None else Span(start, rows.span(row).end)


def _line(rows: Rows, row: int, place: Span, random: Random) -> Span | None:
    code = rows.code(row)
    return code if code.end > code.start else None


def _lines(rows: Rows, row: int, place: Span, random: Random) -> Span | None:
    first = rows.code(row)
    if first.end == first.start:
        return None
    last = row
    for below in range(row + 1, min(row + random.randint(2, 6), rows.of(place.end) + 1)):
        code = rows.code(below)
        if code.end == code.start:
            continue
        if code.start - rows.span(below).start < first.start - rows.span(row).start:
            break
        last = below
    if last == row:
        return None
    return Span(_or_line_above(rows, row, first.start, random), rows.span(last).end)


def _span(rows: Rows, row: int, place: Span, random: Random) -> Span | None:
    code = rows.code(row)
    if code.end == code.start:
        return None
    start = random.randrange(code.start, code.end)
    final = rows.span(min(row + random.randint(0, 3), rows.of(place.end))).end
    return Span(start, random.randint(start + 1, max(start + 1, min(final, place.end))))


def _onward(rows: Rows, row: int, place: Span, random: Random) -> Span | None:
    code = rows.code(row)
    if code.end == code.start:
        return None
    start = code.start if random.random() < 0.4 else _cursor(rows, row, random)
    if start is None:
        return None
    if start == code.start:
        start = _or_line_above(rows, row, start, random)
    return Span(start, max(place.end, code.end))


_FINDERS = {
    "character": _character,
    "rest": _rest,
    "line": _line,
    "lines": _lines,
    "span": _span,
    "onward": _onward,
}


def _node(rows: Rows, survey: Survey, place: Span, random: Random) -> Span | None:
    wanted = random.choice(CATEGORIES)
    found = [
        span
        for category, span in survey.nodes
        if category == wanted and place.holds(span) and 3 <= span.end - span.start <= LONGEST
    ]
    if not found:
        return None
    span = random.choice(found)
    if any(prose.holds(span) for prose in survey.prose):
        return None
    if wanted == "arguments":
        return Span(span.start + 1, span.end - 1)
    row = rows.of(span.start)
    if wanted in ("body", "statement") and rows.code(row).start == span.start:
        return Span(_or_line_above(rows, row, span.start, random), span.end)
    return span


def _or_line_above(rows: Rows, row: int, start: int, random: Random) -> int:
    """Return `start`, or at times the end of the line above: there users wait for a next line."""
    if row and random.random() < 0.3:
        above = rows.code(row - 1)
        if above.end > above.start:
            return above.end
    return start
