"""What is wrong with generated code where it would stand.

In: the document before and after. Out: problems in words. A failed check hides nothing: the text is
shown with it. Names that nothing defines are in `names`.
"""

from __future__ import annotations

import re

from linewise_server.completion.syntax import Syntax
from linewise_server.generation.construct import constructs

_LEAST_REPEATED = 3
"""Lines in a row that stand elsewhere in the file already before that is worth a word."""


def problems(
    before: str, others: str, after: str, span: tuple[int, int], language: str
) -> tuple[str, ...]:
    """Return what is wrong with the text at `span` of the document `after`, in words.

    `others` is the document `before` without what the text takes the place of.
    """
    text = after[span[0] : span[1]]
    found = []
    if _errors(after, language) > _errors(before, language):
        found.append(f"It does not parse{_where(after, span, language)}.")
    found += [
        f"{name} is defined in this file already." for name in _again(before, after, language)
    ]
    if (line := _repeated(others, text)) is not None:
        found.append(f"It repeats what is in this file already, from “{line}” on.")
    return tuple(found)


def _errors(text: str, language: str) -> int:
    syntax = Syntax.of(language)
    return syntax.parse(text).errors() if syntax else 0


def _where(after: str, span: tuple[int, int], language: str) -> str:
    """Return the line of the first error in the text, for people."""
    syntax = Syntax.of(language)
    if syntax is None:
        return ""
    tree = syntax.parse(after)
    offset = span[0]
    for line in after[span[0] : span[1]].splitlines(keepends=True):
        if tree.errors(offset, offset + len(line.rstrip("\r\n"))):
            number = after.count("\n", 0, offset) + 1
            return f": see line {number}, “{line.strip()[:60]}”"
        offset += len(line)
    return ": what follows it no longer does"


def _again(before: str, after: str, language: str) -> list[str]:
    """Return the names at the top of a file that the text defines once more."""

    def top(text: str) -> list[str]:
        return [one.name for one in constructs(text, language) if not one.indentation]

    earlier, now = top(before), top(after)
    return [name for name in dict.fromkeys(now) if 0 < earlier.count(name) < now.count(name)]


def _repeated(others: str, text: str) -> str | None:
    """Return the first of some lines of the text that the file has in a row already."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    held = "\n" + "\n".join(line.strip() for line in others.split("\n") if line.strip()) + "\n"
    for at in range(len(lines) - _LEAST_REPEATED + 1):
        piece = lines[at : at + _LEAST_REPEATED]
        run = "\n".join(["", *piece, ""])
        if run in held and all(re.search(r"\w", line) for line in piece):
            return piece[0][:60]
    return None
