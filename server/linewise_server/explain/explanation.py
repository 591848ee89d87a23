"""What there is to say of one completion: values, and what follows from them alone.

In: what the explainer found. Out: the same, with means and shares. Pure; holds text of the user's,
so it goes to the user and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from statistics import fmean

from linewise_server.explain.occlusion import Lean


@dataclass(frozen=True, slots=True)
class Said:
    """A token of the completion, after all that stands before it."""

    text: str
    logprob: float
    """Natural logarithm of the model's probability for it."""

    @property
    def probability(self) -> float:
        """The probability, 0 to 1."""
        return exp(self.logprob)


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of the prompt as the model was shown it."""

    name: str
    text: str
    mark: bool
    """Whether it is one of the model's own marks, which has no text."""
    tokens: int
    kept: bool
    """Whether it stays in the cache from key to key."""


@dataclass(frozen=True, slots=True)
class Action:
    """A filter that changed the text, or dropped it."""

    name: str
    purpose: str
    before: str
    after: str | None
    """None where it dropped the text."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What finding out took."""

    requests: int
    """Requests that left something out."""
    tokens: int
    """Tokens evaluated in all."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a model says what it says at a place; lines and columns count from 0 in code points."""

    uri: str
    line: int
    column: int
    model: str
    raw: str
    """What the model said."""
    text: str
    """What of it is shown; all of it where filters dropped it."""
    dropped: bool
    tokens: tuple[Said, ...]
    """Of `text`."""
    least: float
    """Mean log-probability below which it is not shown unasked."""
    parts: tuple[Shown, ...]
    first_line: int
    """The document's line with which the part "lines" begins."""
    suffix_line: int
    """The same for the part "suffix"."""
    actions: tuple[Action, ...]
    leans: tuple[Lean, ...]
    """In the order of the prompt."""
    cost: Cost

    @property
    def confidence(self) -> float:
        """Mean log-probability of the tokens."""
        return fmean(token.logprob for token in self.tokens)

    def lines_of(self, lean: Lean) -> tuple[int, int] | None:
        """Return the first and last line of the document that a group is; None for a quotation."""
        starts = {"lines": self.first_line, "suffix": self.suffix_line}
        group = lean.group
        if group.part not in starts:
            return None
        first = starts[group.part] + group.line
        return first, first + group.height - 1
