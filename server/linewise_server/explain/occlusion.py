"""Which lines of a prompt are left out, one group of them at a time, within a number of requests.

In: the parts of a prompt, and how much less likely the completion became without each group. Out:
the next groups, and prompts without them. Pure: it measures nothing.

Occlusion was named by Zeiler and Fergus (2014, arXiv:1311.2901) for pictures; Li, Monroe and
Jurafsky (2016, arXiv:1612.08220) erase words. A line that is left out is gone, not blanked: what
stood around it then meets. Groups that matter are halved, the one that matters most first, so that
the requests go where there is something to find.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from linewise_models.engine.contract import Part
from linewise_server.snapshot import split_lines

CONTEXT_PARTS = ("context", "lines", "suffix")
"""Parts that can be left out; without the typed line there is nothing to go on from."""
REQUESTS = 24
"""Groups that are left out at most, unless asked otherwise."""
LEAST_REQUESTS = 4
"""One group of each part, and one request to spare."""
HALVES = 2


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one part of a prompt that are left out together."""

    part: str
    units: tuple[str, ...]
    """A line and the blank ones after it each; joined they are the group's text."""
    start: int
    """Characters of the part before the group."""
    line: int
    """Lines of the part before the group."""

    @property
    def text(self) -> str:
        """The lines as they stand in the prompt."""
        return "".join(self.units)

    @property
    def height(self) -> int:
        """How many lines it is."""
        return len(_lines(self.text))


@dataclass(frozen=True, slots=True)
class Lean:
    """How much a completion leans on a group."""

    group: Group
    fall: float
    """By how much the log-probability of the completion falls without the group, in nats; less
    than 0 where it becomes more likely."""


def first_groups(prompt: Sequence[Part], most: int) -> list[Group]:
    """Return all lines of a prompt in groups, no more than `most` of them.

    Each line is a group of its own where that fits; otherwise there are about a third as many
    groups as requests, so that the others can halve them.
    """
    whole = [
        Group(part.name, units, 0, 0)
        for part in prompt
        if part.name in CONTEXT_PARTS and (units := split_units(part.text))
    ]
    count = sum(len(group.units) for group in whole)
    size = 1 if count <= most else -(-count // max(1, most // 3))
    return [
        cut(group, first, first + size)
        for group in whole
        for first in range(0, len(group.units), size)
    ]


def cut(group: Group, first: int, last: int) -> Group:
    """Return the units `first` to `last`, without it, of a group."""
    before = "".join(group.units[:first])
    return Group(
        group.part,
        group.units[first:last],
        group.start + len(before),
        group.line + len(_lines(before)),
    )


def halves(group: Group) -> list[Group]:
    """Return the two halves of a group of several units."""
    middle = len(group.units) // 2
    return [cut(group, 0, middle), cut(group, middle, len(group.units))]


def to_halve(leans: Sequence[Lean], left: int) -> Lean | None:
    """Return the group that is worth two of the requests that are left; None where none is."""
    several = [lean for lean in leans if len(lean.group.units) > 1]
    if left < HALVES or not several:
        return None
    return max(several, key=lambda lean: abs(lean.fall))


def without(prompt: Sequence[Part], group: Group) -> tuple[Part, ...]:
    """Return a prompt with a group left out; nothing else of it moves."""
    end = group.start + len(group.text)
    return tuple(
        replace(part, text=part.text[: group.start] + part.text[end:])
        if part.name == group.part
        else part
        for part in prompt
    )


def split_units(text: str) -> tuple[str, ...]:
    """Return the lines of a text with their ends, each with the blank lines that follow it."""
    units: list[str] = []
    for line in _lines(text):
        if units and (not line.strip() or not units[-1].strip()):
            units[-1] += line
        else:
            units.append(line)
    return tuple(units) if text.strip() else ()


def _lines(text: str) -> list[str]:
    return [line for line in split_lines(text) if line]
