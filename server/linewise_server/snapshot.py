"""A document as it was at one moment, in code points.

In: the lines of a document, each with its ending. Out: text around a place. A snapshot never
changes; work that runs while the user types on keeps the one it began with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def split_lines(text: str) -> list[str]:
    r"""Return the lines of `text` with their endings, as LSP counts them; never an empty list.

    Only \n, \r\n and \r end a line (LSP 3.18, "Text Documents"), so str.splitlines, which also
    splits at form feeds and others, would count wrongly. A text that ends in a line ending has an
    empty last line, where a cursor can stand.
    """
    lines = _LINE.findall(text)
    if not lines or lines[-1][-1] in "\r\n":
        lines.append("")
    return lines


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of one document."""

    uri: str
    language: str
    """LSP language id."""
    version: int
    lines: tuple[str, ...]
    """Lines with their endings; the last may be empty."""

    @classmethod
    def of(cls, text: str, uri: str = "", language: str = "", version: int = 0) -> Snapshot:
        """Return the snapshot of a text."""
        return cls(uri, language, version, tuple(split_lines(text)))

    def before(self, line: int, column: int, first: int = 0) -> str:
        """Return the text from the start of line `first` to a place."""
        return "".join(self.lines[first:line]) + self.lines[line][:column]

    def after(self, line: int, column: int, last: int | None = None) -> str:
        """Return the text from a place to the end of line `last`, by default of the document."""
        end = len(self.lines) if last is None else last + 1
        return self.lines[line][column:] + "".join(self.lines[line + 1 : end])

    def text(self) -> str:
        """Return the whole document."""
        return "".join(self.lines)

    def offset(self, line: int, column: int) -> int:
        """Return how many code points stand before a place."""
        return sum(map(len, self.lines[:line])) + column

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset in code points; past the end is the end."""
        for number, line in enumerate(self.lines):
            if offset < len(line):
                return number, offset
            offset -= len(line)
        return len(self.lines) - 1, len(self.lines[-1])
