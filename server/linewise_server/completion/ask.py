"""What is asked and what is suggested, in code points; and documents as they would be.

In: snapshots and places. Out: sites, and snapshots with text in them that the user has not typed.
Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from linewise_server.completion.shape import Site
from linewise_server.protocol import Origin
from linewise_server.snapshot import Snapshot, split_lines

WINDOW_BEFORE, WINDOW_AFTER = 120, 40
"""Lines around the cursor that filters look at."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for a completion, in code points."""

    snapshot: Snapshot
    line: int
    column: int
    invoked: bool = False
    selected: str = ""
    """Text that the suggest widget would put from `selected_from` to the cursor."""
    selected_from: int | None = None
    candidates: int = 1


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to show at a place."""

    id: str
    text: str
    """To insert in place of the selected text, or at the cursor."""
    start: int
    end: int
    """Columns of the cursor's line that the text replaces."""
    origin: Origin
    confidence: float


def site_at(snapshot: Snapshot, line: int, column: int, invoked: bool) -> Site:
    """Return the site at a place, with the lines around it that filters look at."""
    last = min(len(snapshot.lines) - 1, line + WINDOW_AFTER)
    return Site(
        language=snapshot.language,
        prefix=snapshot.before(line, column, max(0, line - WINDOW_BEFORE)),
        suffix=snapshot.after(line, column, last),
        invoked=invoked,
    )


def with_selected(ask: Ask) -> tuple[Snapshot, int]:
    """Return the document as if the suggest widget's choice were in it, and the cursor after it."""
    if ask.selected_from is None:
        return ask.snapshot, ask.column
    text = ask.snapshot.lines[ask.line]
    line = text[: ask.selected_from] + ask.selected + text[ask.column :]
    lines = (*ask.snapshot.lines[: ask.line], line, *ask.snapshot.lines[ask.line + 1 :])
    return replace(ask.snapshot, lines=lines), ask.selected_from + len(ask.selected)


def as_if_accepted(
    snapshot: Snapshot, line: int, column: int, suggestion: Suggestion
) -> tuple[Snapshot, int, int]:
    """Return the document as if a suggestion were accepted, and where the cursor is then."""
    text = snapshot.lines[line]
    fresh = split_lines(text[:column] + suggestion.text + text[suggestion.end :])
    if fresh[-1] == "" and line + 1 < len(snapshot.lines):
        fresh.pop()
    added = split_lines(text[:column] + suggestion.text)
    lines = (*snapshot.lines[:line], *fresh, *snapshot.lines[line + 1 :])
    return replace(snapshot, lines=lines), line + len(added) - 1, len(added[-1])
