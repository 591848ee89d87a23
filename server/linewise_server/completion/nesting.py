"""Which brackets are open at a place, and which of them the text behind it closes.

In: the code before the place and the text after it, windows of a file. Out: `Nesting`. Brackets
that were opened before the window began are not known here.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from linewise_server.completion.lexis import CLOSERS, Scan, scan, statement_start


@dataclass(frozen=True, slots=True)
class Opening:
    """A bracket that is open at the place."""

    offset: int
    """Where in the code it stands."""
    closer: str
    closed_after: bool
    """The text after the place closes it."""


@dataclass(frozen=True, slots=True)
class Nesting:
    """The brackets around a place."""

    openings: tuple[Opening, ...]
    """Those open at the place, outermost first."""
    end: int
    """Offset in the text after the place behind the last bracket that closes one of them, or 0."""
    stray: int | None
    """Offset in the text after the place of the first bracket that closes none of them."""

    @property
    def missing(self) -> tuple[str, str]:
        """What closes the brackets that nothing closes: at the place, and behind `end`."""
        here = [o.closer for o in self.openings[self._closed() :]]
        outside = [o.closer for o in self.openings[: self._closed()] if not o.closed_after]
        return "".join(reversed(here)), "".join(reversed(outside))

    def _closed(self) -> int:
        """How many openings there are up to the innermost one that is closed."""
        return max((n for n, o in enumerate(self.openings, 1) if o.closed_after), default=0)


@functools.lru_cache(maxsize=32)
def nesting(code: str, after: str, language: str) -> Nesting:
    """Match the brackets open at the end of `code` with those that `after` closes.

    While code is being written some brackets have no counterpart yet. A closing bracket that begins
    a line belongs to the bracket whose line has the same indentation; of the others, as many of the
    outermost are closed as there are closing brackets, since what is unfinished was typed last.
    """
    whole = code + after
    scanned = scan(whole, language)
    unclosed = list(scan(code, language).unclosed)
    lines = {offset: _indentations(whole, scanned, offset) for offset in unclosed}
    partner: dict[int, int] = {}
    by_count: list[int] = []
    stray: list[int] = []
    for closer in _unmatched_closers(whole, scanned, len(code)):
        line = whole.rfind("\n", 0, closer) + 1
        if line <= len(code) or whole[line:closer].strip():
            by_count.append(closer)
            continue
        free = [o for o in unclosed if o not in partner and CLOSERS[whole[o]] == whole[closer]]
        aligned = [offset for offset in free if whole[line:closer] in lines[offset]]
        if aligned:
            partner[aligned[0]] = closer
        else:
            (stray if whole[closer] == "}" else by_count).append(closer)
    for kind in ")]}":
        closers = [closer for closer in by_count if whole[closer] == kind]
        free = [o for o in unclosed if o not in partner and CLOSERS[whole[o]] == kind]
        matched = min(len(closers), len(free))
        partner.update(zip(free[:matched], reversed(closers[:matched]), strict=True))
        stray.extend(closers[matched:])
    return Nesting(
        tuple(Opening(o, CLOSERS[whole[o]], o in partner) for o in unclosed),
        max(partner.values(), default=len(code) - 1) + 1 - len(code),
        min(stray) - len(code) if stray else None,
    )


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
