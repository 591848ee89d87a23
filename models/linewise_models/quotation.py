"""Quotations of other files: how a model is shown the rest of a project, trained and asked alike.

In: definitions. Out: text for the beginning of a prompt: the first lines of each definition, to a
blank one, as a comment under the path of its file, so that it is read and not taken for part of the
file at hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST_LINES = 7
MOST_QUOTES = 3


@dataclass(frozen=True, slots=True)
class Definition:
    """Where a name is defined or its use is shown, and the first lines of that."""

    path: str
    text: str
    lines: int = MOST_LINES
    """How many of its first lines are quoted at most."""


def quote(definitions: Iterable[Definition]) -> str:
    """Return definitions as they stand before a file's own text."""
    found = []
    for definition in definitions:
        lines = definition.text.split("\n\n")[0].rstrip().split("\n")[: definition.lines]
        found.append("".join(f"# {line}".rstrip() + "\n" for line in (definition.path, *lines)))
    return "\n".join(found) + "\n" if found else ""
