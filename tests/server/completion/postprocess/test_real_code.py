"""Real code is shown as it is, broken code is not: measured on the standard library."""

from __future__ import annotations

import ast
import random
import re
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from linewise_server.completion.postprocess import enough, postprocess
from linewise_server.completion.shape import Shape, Site

BEFORE, AFTER = 120, 40
"""Lines of the window, as the completer cuts it."""

HEAD = re.compile(r"\s*(?:async |def |class |if |for |while |with |else|elif |finally).*:$")


@dataclass(frozen=True)
class Hole:
    """A place in a file from which text was taken away."""

    site: Site
    text: str
    before: str
    after: str
    """All of the file on either side."""


@cache
def files() -> list[list[str]]:
    found = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    texts = [path.read_text("utf-8", errors="replace").split("\n") for path in found]
    return [lines for lines in texts if 50 < len(lines) < 800]


def hole(lines: list[str], start: tuple[int, int], end: int) -> Hole:
    """Take away the text from line and column `start` to the end of line `end`."""
    row, column = start
    text = "\n".join([lines[row][column:], *lines[row + 1 : end + 1]])
    above, typed, below = lines[:row], lines[row][:column], ["", *lines[end + 1 :]]
    site = Site(
        language="python",
        prefix="\n".join([*above[-BEFORE:], typed]),
        suffix="\n".join(below[: AFTER + 1]),
        invoked=True,
    )
    return Hole(site, text.rstrip(), "\n".join([*above, typed]), "\n".join(below))


def rests_of_lines(count: int, seed: int) -> list[Hole]:
    chance, holes = random.Random(seed), list[Hole]()
    while len(holes) < count:
        lines = chance.choice(files())
        row = chance.randrange(len(lines))
        line = lines[row]
        if line.strip():
            indented = len(line) - len(line.lstrip())
            holes.append(hole(lines, (row, chance.randrange(indented, len(line.rstrip()))), row))
    return holes


def blocks(count: int, seed: int) -> list[Hole]:
    chance, holes = random.Random(seed), list[Hole]()
    while len(holes) < count:
        lines = chance.choice(files())
        row = chance.randrange(len(lines) - 2)
        end, column = last_line_of_block(lines, row), len(lines[row])
        if HEAD.match(lines[row]) and lines[row + 1].strip() and 0 < end - row < 25:
            if chance.random() < 0.5:
                row, column = row + 1, len(lines[row + 1]) - len(lines[row + 1].lstrip())
            holes.append(hole(lines, (row, column), end))
    return holes


def last_line_of_block(lines: list[str], head: int) -> int:
    depth, last = len(lines[head]) - len(lines[head].lstrip()), head
    for row in range(head + 1, len(lines)):
        if lines[row].strip():
            if len(lines[row]) - len(lines[row].lstrip()) <= depth:
                break
            last = row
    return last


@pytest.mark.parametrize(
    ("wanted", "holes"),
    [("line", rests_of_lines(500, seed=2)), ("block", blocks(250, seed=3))],
    ids=["lines", "blocks"],
)
def test_what_was_written_is_shown_as_it_is(wanted: Shape, holes: list[Hole]) -> None:
    shown = 0
    for case in holes:
        draft, _ = postprocess(case.text, case.site, wanted)
        text = re.sub(r"[ \t]+(?=\n)", "", case.text)
        shown += draft is not None and (draft.text, draft.replace) == (text, 0)
    share = shown / len(holes)
    print(f"{wanted}s of the standard library shown unchanged: {share:.1%} of {len(holes)}")
    assert share >= 0.97


def test_a_block_is_not_ended_before_its_end() -> None:
    holes = blocks(40, seed=4)
    whole = sum(
        not any(enough(case.text[:end], case.site, "block") for end in range(len(case.text)))
        for case in holes
    )
    print(f"blocks that could stream to their end: {whole} of {len(holes)}")
    assert whole >= 0.97 * len(holes)


def test_the_stream_ends_soon_after_the_block() -> None:
    holes = blocks(100, seed=5)
    ended = total = 0
    for case in holes:
        below = case.after.lstrip("\n").split("\n")[0]
        if below.strip() and case.site.place == "code":
            total += 1
            begun = below[: len(below) - len(below.lstrip()) + 1]
            ended += enough(f"{case.text}\n{begun}", case.site, "block")
    print(f"blocks ended by the first letter behind them: {ended} of {total}")
    assert ended >= 0.97 * total


def test_what_breaks_the_code_is_mostly_not_shown() -> None:
    """Broken according to Python's own parser, by a mark that was exchanged for another.

    What merely leaves a line unfinished is no error to the filters, and not tried here.
    """
    chance, broken, caught = random.Random(6), 0, 0
    for case in rests_of_lines(250, seed=7):
        marks = [at for at, letter in enumerate(case.text) if letter in "()[]{}.,=:+"]
        if not marks or not is_sound(case, case.text):
            continue
        at = chance.choice(marks)
        change = chance.choice([case.text[at] * 2, ")", " for ", " = = "])
        text = case.text[:at] + change + case.text[at + 1 :]
        if is_sound(case, text):
            continue
        broken += 1
        draft, _ = postprocess(text, case.site, "line")
        caught += draft is None or draft.text != text
    share = caught / broken
    print(f"lines that break the file, dropped or mended: {share:.1%} of {broken}")
    assert share >= 0.8


def is_sound(case: Hole, text: str) -> bool:
    try:
        ast.parse(case.before + text + case.after)
    except (SyntaxError, ValueError):
        return False
    return True
