"""Which brackets are open at a place, and which of them the text behind it closes.

In: the code before the place and the text after it, both windows of a file. Out: the open brackets,
outermost first. Brackets that were opened before the window began are not known here.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from linewise_server.completion.lexis import CLOSERS, Scan, scan, statement_start


@dataclass(frozen=True, slots=True)
class Opening:
    """A bracket that is open at the place."""

    offset: int
    closer: str
    closed_after: bool
    """The text after the place closes it."""


@functools.lru_cache(maxsize=32)
def openings(code: str, after: str, language: str) -> tuple[Opening, ...]:
    """The brackets that are open between `code` and `after`, outermost first.

    A closing bracket that begins a line belongs to the bracket whose line has the same indentation,
    where there is one: while code is being written, counting alone would give it to the bracket
    that was typed last.
    """
    whole = code + after
    scanned = scan(whole, language)
    open_here = list(scan(code, language).unclosed)
    lines = {offset: _indentations(whole, scanned, offset) for offset in open_here}
    closed: set[int] = set()
    for closer in _unmatched_closers(whole, scanned, len(code)):
        kind = whole[closer]
        candidates = [o for o in open_here if o not in closed and CLOSERS[whole[o]] == kind]
        line = whole.rfind("\n", 0, closer) + 1
        if line > len(code) and not whole[line:closer].strip():
            aligned = [offset for offset in candidates if whole[line:closer] in lines[offset]]
            if aligned or kind == "}":
                candidates = aligned
        closed.update(candidates[-1:])
    return tuple(Opening(o, CLOSERS[whole[o]], o in closed) for o in open_here)


def closers(code: str, after: str, language: str) -> str:
    """What has to be written between `code` and `after` for every bracket to be closed."""
    still_open = (o.closer for o in openings(code, after, language) if not o.closed_after)
    return "".join(still_open)[::-1]


def _unmatched_closers(whole: str, scanned: Scan, start: int) -> list[int]:
    """Closing brackets from `start` on whose opening bracket is not there too."""
    return [
        offset
        for offset in scanned.brackets
        if offset >= start
        and whole[offset] not in CLOSERS
        and scanned.opener_of.get(offset, -1) < start
    ]


def _indentations(text: str, scanned: Scan, offset: int) -> tuple[str, str]:
    """Indentation of the line with this bracket and of the line on which its statement begins."""
    own = text.rfind("\n", 0, offset) + 1
    return _blank(text, own), _blank(text, statement_start(text, scanned, offset))


def _blank(text: str, start: int) -> str:
    end = start
    while end < len(text) and text[end] in " \t":
        end += 1
    return text[start:end]
