"""The values that evaluation passes on: a problem, and an answer to it.

In and out: nothing; these are records. A problem is text with a hole, what filled the hole, and how
to tell whether something else fills it as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

Mode = Literal["editor", "official"]
Extent = Literal["line", "lines", "span", "block", "header", "call", "statement", "body", "program"]


@dataclass(frozen=True, slots=True)
class Asserts:
    """Code that runs after the program and raises where the program is wrong."""

    code: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A run of a program: what it reads, and the outputs that are right."""

    stdin: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exchanges:
    """Runs that must all give a right output."""

    runs: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class SameCall:
    """The text must be the same call as the one that was there."""


@dataclass(frozen=True, slots=True)
class Says:
    """The text must have a name in it, or must not."""

    name: str
    wanted: bool


Test = Asserts | Exchanges | SameCall | Says


@dataclass(frozen=True, slots=True)
class OtherFile:
    """What is known of another file of the problem's project."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A text with a hole in it."""

    id: str
    group: str
    """Problems of one group are scored together."""
    prefix: str
    suffix: str
    gold: str
    """What stood in the hole."""
    extent: Extent
    """Where an answer ends; what follows is cut off."""
    test: Test | None = None
    context: str = ""
    """Code of other files, shown before the prefix."""
    others: tuple[OtherFile, ...] = ()
    """Other files, for who chooses by itself what of them to show."""
    ending: str = ""
    """Put behind an answer that lacks it, so that the suffix begins a line of its own."""

    @property
    def typed(self) -> str:
        """The line of the hole up to the hole."""
        return self.prefix[self.prefix.rfind("\n") + 1 :]

    @property
    def rest(self) -> str:
        """The line of the hole after the hole, without its line ending."""
        return self.suffix.partition("\n")[0].removesuffix("\r")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was suggested for a hole and what it cost."""

    text: str
    """To insert; empty where nothing was suggested."""
    said: str
    """What the model said, before anything was cut or filtered."""
    prompt_bytes: int
    """UTF-8 bytes of the prompt's text, marks not counted."""
    replace: int = 0
    """Code points of the suffix that the text stands in for."""
    filters: tuple[str, ...] = ()
    """Which rules of the product changed or dropped what the model said."""
    finish: str = "none"
    prompt_tokens: int = 0
    generated_tokens: int = 0
    total_ms: float = 0.0


Complete = Callable[[Problem], Awaitable[Answer]]


def as_in_editor(problem: Problem) -> Problem:
    """Return the problem as an editor would have it while somebody types.

    The indentation of the line stands before the cursor already, and its line ending after it.
    """
    prefix, gold, suffix = problem.prefix, problem.gold, problem.suffix
    if not problem.typed:
        indentation = gold[: len(gold) - len(gold.lstrip(" \t"))]
        prefix, gold = prefix + indentation, gold[len(indentation) :]
    for ending in ("\r\n", "\n"):
        if gold.endswith(ending):
            gold, suffix = gold.removesuffix(ending), ending + suffix
            break
    return replace(problem, prefix=prefix, gold=gold, suffix=suffix, ending="")
