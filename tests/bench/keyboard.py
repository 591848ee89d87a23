"""A typist at an editor: which key comes next, how long it takes, what the editor makes of it.

In: a file, the part of it to write, a seed. Out: keys, gaps in seconds and edits of a `Page`. The
editor indents as VS Code does; the typist errs now and then, and takes a suggestion whose lines
are those that were to be written. Pure: it sleeps never and asks nobody.

Gaps are log-normal with a mean of about 200 ms, which is a quick typist: the mean of 168 000 people
was 239 ms, that of the fastest group 120 ms (Dhakal et al., "Observations on Typing from 136
Million Keystrokes", CHI 2018).
"""

from __future__ import annotations

import math
import random
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["char", "enter", "tab", "backspace", "accept"]

UNIT = 4
WITHIN_WORD, AT_WORD, AT_LINE = 0.125, 0.190, 0.520
"""Median gaps in seconds: inside a word, at its start, before and after a line break."""
SPREAD = 0.45
"""Standard deviation of the gap's logarithm."""
THINKING, THOUGHT = 0.25, 2.0
"""Share of the lines before which the typist stops to think, and for how many seconds (median)."""
MISTAKES = 0.012
"""Share of letters that are first mistyped."""
LEAST_ACCEPTED = 2
"""Characters below which taking a suggestion saves nothing."""

_NEIGHBOURS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuioipsdfghjkllxcvbnmn", strict=True))


@dataclass(frozen=True, slots=True)
class Passage:
    """What is written: `target` stands between `before` and `after`, lines without endings."""

    name: str
    before: tuple[str, ...]
    target: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def characters(self) -> int:
        """Characters of the target, line breaks among them."""
        return sum(len(line) + 1 for line in self.target)


@dataclass(frozen=True, slots=True)
class Edit:
    """One change, as `textDocument/didChange` has it: a range (line, column) and its new text."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


class Page:
    """An open document with one cursor."""

    def __init__(self, lines: list[str], line: int) -> None:
        self.lines = lines
        self.line = line
        self.column = len(lines[line])

    @property
    def text(self) -> str:
        """The document."""
        return "\n".join(self.lines)

    def insert(self, text: str) -> Edit:
        """Put text at the cursor, which is behind it then."""
        return self._replace((self.line, self.column), text)

    def delete_left(self, count: int) -> Edit:
        """Take characters of this line away before the cursor."""
        return self._replace((self.line, self.column - count), "")

    def enter(self) -> Edit:
        """Break the line as VS Code does: indent the next; a line of blanks alone is emptied."""
        line = self.lines[self.line][: self.column]
        blank = not line.strip()
        indent = line[: len(line) - len(line.lstrip())]
        if not blank and re.search(r"[:(\[{]\s*$", line):
            indent += " " * UNIT
        start = (self.line, 0 if blank else self.column)
        return self._replace(start, "\n" + indent)

    def _replace(self, start: tuple[int, int], text: str) -> Edit:
        edit = Edit(start, (self.line, self.column), text)
        head = self.lines[start[0]][: start[1]]
        tail = self.lines[self.line][self.column :]
        fresh = (head + text).split("\n")
        self.line, self.column = start[0] + len(fresh) - 1, len(fresh[-1])
        fresh[-1] += tail
        self.lines[start[0] : edit.end[0] + 1] = fresh
        return edit


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was pressed, and what it changed."""

    kind: Kind
    edit: Edit
    written: int = 0
    """Characters of the target that an acceptance wrote."""
    whole: bool = False
    """Whether an acceptance took the whole suggestion."""


class Typist:
    """Writes one passage; of one seed the plain keys and gaps are always the same."""

    def __init__(self, passage: Passage, seed: int) -> None:
        self._target = passage.target
        self._first = len(passage.before)
        self._random = random.Random(f"{seed} {passage.name}")
        self._last: Kind = "char"
        self._slipped = False
        self.page = Page([*passage.before, *passage.after], len(passage.before) - 1)

    @property
    def done(self) -> bool:
        """Whether the passage is written."""
        at = self.page.line - self._first
        return at == len(self._target) - 1 and self._left() == ""

    def gap(self) -> float:
        """Return the seconds until the next key."""
        left = self._left()
        typed = self._typed()
        if self._last == "enter" and self._random.random() < THINKING:
            median = THOUGHT
        elif self._last == "enter" or left == "":
            median = AT_LINE
        elif left is None or not typed or not typed[-1].isalnum():
            median = AT_WORD
        else:
            median = WITHIN_WORD
        return median * math.exp(self._random.gauss(0.0, SPREAD))

    def press(self, ghost: str) -> Key:
        """Press the next key: the one that takes `ghost`, if that is what was to be written."""
        accepted = self._agreed(ghost)
        if accepted:
            edit = self.page.insert(accepted)
            key = Key("accept", edit, len(accepted), accepted == ghost)
        else:
            key = self._plain()
        self._last = key.kind
        return key

    def _plain(self) -> Key:
        page, left, typed = self.page, self._left(), self._typed()
        if self.page.line < self._first or left == "":
            return Key("enter", page.enter())
        if left is None and typed.strip():
            return Key("backspace", page.delete_left(1))
        if left is None:
            back = (len(typed) - 1) % UNIT + 1
            return Key("backspace", page.delete_left(back))
        if not typed.strip() and left.startswith(" " * (UNIT - len(typed) % UNIT)):
            return Key("tab", page.insert(" " * (UNIT - len(typed) % UNIT)))
        wrong = _NEIGHBOURS.get(left[0])
        if wrong and not self._slipped and self._random.random() < MISTAKES:
            self._slipped = True
            return Key("char", page.insert(wrong))
        self._slipped = False
        return Key("char", page.insert(left[0]))

    def _typed(self) -> str:
        return self.page.lines[self.page.line][: self.page.column]

    def _left(self) -> str | None:
        """Return what is left to write of this line, None where what stands there is wrong."""
        at = self.page.line - self._first
        if at < 0:
            return ""
        wanted, typed = self._target[at], self._typed()
        if not wanted.strip() and not typed.strip():
            return ""
        return wanted[len(typed) :] if wanted.startswith(typed) else None

    def _agreed(self, ghost: str) -> str:
        """Return the leading lines of a suggestion that are the passage's; empty for none."""
        at = self.page.line - self._first
        left = self._left()
        if at < 0 or left is None or not ghost.strip():
            return ""
        lines = ghost.split("\n")
        wanted = [left, *self._target[at + 1 :]]
        same = 0
        while same < min(len(lines), len(wanted)) and lines[same] == wanted[same]:
            same += 1
        rest = "\n".join(lines[:same])
        if same == len(lines) - 1 and same < len(wanted) and wanted[same].startswith(lines[same]):
            rest = ghost
        return rest if len(rest.strip()) >= LEAST_ACCEPTED else ""


def passages(seed: int, files: int, characters: int) -> list[Passage]:
    """Return passages of so many characters in all, from files that this Python has installed."""
    chosen = random.Random(seed)
    paths = _corpus()
    chosen.shuffle(paths)
    found: list[Passage] = []
    for path, name in paths:
        passage = _passage(path, name, characters // files, chosen)
        if passage is not None:
            found.append(passage)
        if len(found) == files:
            break
    return found


PACKAGES = ("attr", "click", "httpx", "jinja2", "pygls", "pygments", "rich", "starlette")


def _corpus() -> list[tuple[Path, str]]:
    places = sysconfig.get_paths()
    library, packages = Path(places["stdlib"]), Path(places["purelib"])
    found = [(path, path.name) for path in library.glob("*.py")]
    for package in PACKAGES:
        found += [(p, f"{package}/{p.name}") for p in (packages / package).glob("*.py")]
    return sorted(found, key=lambda pair: pair[1])


def _passage(path: Path, name: str, characters: int, chosen: random.Random) -> Passage | None:
    text = path.read_text("utf-8", "replace")
    lines = text.split("\n")
    if not text.isascii() or "\t" in text or not 200 <= len(lines) <= 3000:
        return None
    starts = list(_starts(lines))
    chosen.shuffle(starts)
    for start in starts:
        end, size = start, 0
        while end < len(lines) and size < characters:
            size += len(lines[end]) + 1
            end += 1
        code = [line for line in lines[start:end] if line.strip()]
        statements = sum(1 for line in code if re.search(r"[=(:]", line))
        if end < len(lines) - 20 and statements > 0.6 * len(code):
            while not lines[end - 1].strip():
                end -= 1
            target = tuple(line.rstrip() for line in lines[start:end])
            return Passage(name, tuple(lines[:start]), target, tuple(lines[end:]))
    return None


def _starts(lines: list[str]) -> Iterator[int]:
    """Yield the lines in the middle of a file that follow a blank line."""
    for number in range(len(lines) // 4, 3 * len(lines) // 4):
        if number and lines[number].strip() and not lines[number - 1].strip():
            yield number
