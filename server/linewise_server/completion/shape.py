"""Where a completion is asked for, and how much of one: the rest of the line, a block, or nothing.

In: the text around the cursor. Out: `Site`, the one record that every filter reads, and its shape.
Never looks outside the window that it was given.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from linewise_server.completion.lexis import (
    Place,
    Scan,
    beginning,
    scan,
    starts_inside,
    statement_start,
)
from linewise_server.completion.syntax import Syntax

Shape = Literal["line", "block", "nothing"]


@dataclass(frozen=True, slots=True)
class Site:
    """The place in the text at which a completion is asked for."""

    language: str
    """LSP language id."""
    prefix: str
    """Window of text before the cursor; starts at a line start."""
    suffix: str
    """Window of text after the cursor."""
    invoked: bool
    """Asked for by hand, not by typing."""

    @property
    def typed(self) -> str:
        """The cursor's line up to the cursor, white space included."""
        return self.prefix[self.prefix.rfind("\n") + 1 :]

    @property
    def rest(self) -> str:
        """The cursor's line after the cursor, without its line ending."""
        return self.suffix.partition("\n")[0].removesuffix("\r")

    @property
    def indentation(self) -> str:
        """White space at the start of the cursor's line, up to the cursor."""
        return leading_space(self.typed)

    @property
    def line_above(self) -> str:
        """The nearest line above the cursor's that is not blank; empty where there is none."""
        above = self.prefix[: len(self.prefix) - len(self.typed)].rstrip()
        return above[above.rfind("\n") + 1 :]

    @property
    def lines_below(self) -> list[str]:
        """The lines below the cursor's that are not blank, without their line endings."""
        return [line.rstrip() for line in self.suffix.split("\n")[1:] if line.strip()]

    @property
    def code(self) -> str:
        """The prefix from where it is code for certain."""
        return self.prefix[beginning(self.prefix, self.language) :]

    @property
    def place(self) -> Place:
        """What the cursor stands in."""
        code = self.code
        place = scan(code, self.language).place(len(code))
        if place == "code" and starts_inside(self.suffix, self.language):
            return "string" if self.language == "python" else "comment"
        return place

    @property
    def unit(self) -> str | None:
        """One step of indentation in this document; None where it mixes tabs and spaces."""
        return _unit(self.prefix, self.suffix, self.language)

    @property
    def eol(self) -> str:
        """How the document ends its lines."""
        return "\r\n" if "\r\n" in self.prefix or "\r\n" in self.suffix else "\n"


@dataclass(frozen=True, slots=True)
class Opened:
    """A block of which nothing but comments stands before the cursor."""

    at: int
    """Offset in the site's code of the `{` or `:` that opens it."""
    indentation: str
    """White space before the statement that it belongs to."""
    statement: str
    """First word of that statement, if it begins with one."""


def shape(site: Site, syntax: Syntax | None) -> Shape:
    """How much to ask for: a block where one was opened and has no body, else the rest of the line.

    Nothing when typing, right before a word: there the text is being edited, not written.
    """
    if not site.invoked and re.match(r"\w", site.rest):
        return "nothing"
    block = opened(site, syntax)
    if block is None or re.search(r"\w", site.rest):
        return "line"
    if site.rest.strip() and re.search(r"[=(,:\[]\s*$", site.code[: block.at]):
        return "line"
    below = site.lines_below
    has_body = bool(below) and len(leading_space(below[0])) > len(block.indentation)
    return "line" if has_body else "block"


@functools.lru_cache(maxsize=16)
def opened(site: Site, syntax: Syntax | None) -> Opened | None:
    """The block that begins at the cursor, if the code before the cursor ends by opening one."""
    if site.place != "code":
        return None
    code = site.code
    scanned = scan(code, site.language)
    at = _end_of_code(code, scanned) - 1
    if at < 0 or code[at] not in ":{":
        return None
    start = statement_start(code, scanned, at)
    first_word = re.match(r"[\s})]*(\w*)", code[start:at])
    statement = first_word[1] if first_word else ""
    if code[at] == "{":
        opens = at in scanned.brackets and not (syntax and syntax.by_indentation)
    elif syntax:
        in_brackets = bool(scanned.unclosed) and scanned.unclosed[-1] >= start
        opens = statement in syntax.openers and not in_brackets
    else:
        opens = not site.typed.strip()
    return Opened(at, leading_space(code[start:]), statement) if opens else None


def leading_space(line: str) -> str:
    """The blanks and tabs that `line` begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def _end_of_code(code: str, scanned: Scan) -> int:
    """Where the code ends, comments and a docstring at its end left out."""
    end = len(code.rstrip())
    while end and (span := scanned.covering(end - 1)):
        if span.kind == "string" and not _is_docstring(code, span.start):
            break
        end = len(code[: span.start].rstrip().removesuffix("r").rstrip())
    return end


def _is_docstring(code: str, start: int) -> bool:
    before = code[:start].removesuffix("r").rstrip(" \t")
    return code.startswith(('"""', "'''"), start) and bool(re.search(r":[^\n]*\n\s*$", before))


@functools.lru_cache(maxsize=16)
def _unit(prefix: str, suffix: str, language: str) -> str | None:
    steps: Counter[str] = Counter()
    tabs = spaces = 0
    previous = ""
    for line in (prefix + suffix).split("\n"):
        if not line.strip():
            continue
        current = leading_space(line)
        tabs += "\t" in current
        spaces += len(current) > 1 and "\t" not in current
        if len(current) > len(previous) and current.startswith(previous):
            steps[current[len(previous) :]] += 1
        previous = current
    if min(tabs, spaces) > max(tabs, spaces) / 10:
        return None
    for step, _ in steps.most_common():
        if step in ("\t", "  ", "   ", "    ", " " * 8):
            return step
    if language in _TABBED:
        return "\t"
    return "  " if language in _NARROW else "    "


_TABBED = frozenset({"go", "makefile"})
_NARROW = frozenset(
    {
        *("javascript", "javascriptreact", "typescript", "typescriptreact"),
        *("css", "dart", "html", "json", "lua", "ruby", "yaml"),
    }
)
