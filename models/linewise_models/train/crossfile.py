"""Quotations of other files: what a model is shown of the rest of a project.

In: the definitions of a package, and the names that some code uses. Out: text for the beginning of
a prompt: the first lines of each definition, to a blank one, as a comment under the path of its
file, so that it is read and not taken for part of the file at hand. Never looks outside a package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

MOST_LINES = 7
MOST_QUOTES = 3


@dataclass(frozen=True, slots=True)
class Definition:
    """Where a name is defined, and the first lines of it."""

    path: str
    text: str


def quote(definitions: Iterable[Definition]) -> str:
    """Return definitions as they stand before a file's own text."""
    found = []
    for definition in definitions:
        lines = definition.text.split("\n\n")[0].rstrip().split("\n")[:MOST_LINES]
        found.append("".join(f"# {line}".rstrip() + "\n" for line in (definition.path, *lines)))
    return "\n".join(found) + "\n" if found else ""


def used(
    code: str, known: Mapping[str, Sequence[Definition]], path: str, random: Random
) -> list[Definition]:
    """Return definitions of names that `code` uses, from other files than `path`; a few."""
    names = sorted({name for name in re.findall(r"\w{3,}", code) if name in known})
    random.shuffle(names)
    found = (next((d for d in known[name] if d.path != path), None) for name in names)
    return [definition for definition in found if definition is not None][:MOST_QUOTES]
