"""Survival: how much of an accepted text is still in its document after 30, 120, 300 and 600 s.

In: accepted texts, the edits of open documents, and at the due times the documents themselves. Out:
ratios and lengths. The texts stay in memory until the last due time and never leave this module.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DUE = (30, 120, 300, 600)
MOST_WATCHED = 200
KEPT = 67
GRAM = 4


@dataclass(frozen=True, slots=True)
class Survival:
    """What a document holds of a text; `percent` is None where the document was closed."""

    id: str
    at: int
    percent: float | None
    chars: int

    @property
    def state(self) -> str:
        """The result in one word of the registry."""
        if self.percent is None:
            return "unknown"
        if self.percent >= KEPT:
            return "kept"
        return "edited" if self.percent >= 1 else "removed"


@dataclass(slots=True)
class _Watched:
    id: str
    uri: str
    text: str
    start: int
    end: int
    since: float
    due: list[int] = field(default_factory=lambda: list(DUE))


class Survivals:
    """The texts under watch. Offsets are code points of the document."""

    def __init__(self) -> None:
        self._watched: list[_Watched] = []

    def watch(self, id_: str, uri: str, start: int, text: str, now: float) -> None:
        """Watch `text`, just inserted at `start`; beyond the bound the oldest watch ends."""
        self._watched.append(_Watched(id_, uri, text, start, start + len(text), now))
        del self._watched[:-MOST_WATCHED]

    def edit(self, uri: str, start: int, removed: int, inserted: int) -> None:
        """Follow an edit: `removed` characters at `start` became `inserted` others."""
        end = start + removed
        shift = inserted - removed
        for watched in self._watched:
            if watched.uri != uri or start > watched.end:
                continue
            if end < watched.start:
                watched.start += shift
                watched.end += shift
            else:
                # What is typed at an edge may be part of the text that an undo brings back.
                tail = max(0, watched.end - end)
                watched.start = min(watched.start, start)
                watched.end = start + inserted + tail

    def rename(self, old: str, new: str) -> None:
        """Follow a document that was moved."""
        for watched in self._watched:
            if watched.uri == old:
                watched.uri = new

    def due(self, now: float, read: Callable[[str], str | None]) -> Iterator[Survival]:
        """Yield what is due; `read` returns an open document's text, or None once it is closed."""
        for watched in self._watched:
            while watched.due and now - watched.since >= watched.due[0]:
                yield _measure(watched, watched.due.pop(0), read(watched.uri))
        self._watched = [watched for watched in self._watched if watched.due]


def keep_ratio(text: str, region: str) -> float:
    """Return the share (0 to 1) of the four-character sequences of `text` still in `region`."""
    grams = Counter(_grams(text))
    there = Counter(_grams(region)) if len(text) >= GRAM else Counter({text: int(text in region)})
    return sum((grams & there).values()) / max(1, sum(grams.values()))


def _grams(text: str) -> list[str]:
    return [text[i : i + GRAM] for i in range(max(1, len(text) - GRAM + 1))]


def _measure(watched: _Watched, at: int, document: str | None) -> Survival:
    if document is None:
        return Survival(watched.id, at, None, 0)
    ratio = keep_ratio(watched.text, document[watched.start : watched.end])
    return Survival(watched.id, at, 100 * ratio, round(len(watched.text) * ratio))
