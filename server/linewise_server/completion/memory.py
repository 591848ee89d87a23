"""What the model said before, so that it is never asked twice.

In: answers with the text around the place they were given for. Out: for a place now, the answer
that still holds there, less what the user typed of it since, and how it came to be known. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from linewise_server.completion.plan import CLOSERS
from linewise_server.completion.shape import Shape, Site
from linewise_server.protocol import Origin

LONGEST_TYPED = 160
"""Characters that may have been typed through an answer."""
BEFORE, AFTER = 400, 120
"""Characters around a place that must be the same for an answer to hold."""
ENTRIES = 250
"""Answers kept, the least used going first; llama.vim and Cody keep as many."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What the model said at a place: raw text, before any filter."""

    uri: str
    before: str
    after: str
    shape: Shape
    text: str
    whole: bool
    """Whether it had said all that its shape calls for."""
    confidence: float
    """Mean log-probability of its tokens."""
    ahead: bool = False
    """Said before anyone asked, as if the suggestion shown had been accepted."""
    tokens: int = 0
    """How many the text is."""


def place_of(site: Site) -> tuple[str, str]:
    """Return the text around a place by which its answers are known."""
    return site.prefix[-BEFORE:], _settled(site)[:AFTER]


def typed_since(before: str, after: str, site: Site) -> str | None:
    """Return what was typed since a place was asked about; None where the site is not behind it."""
    if _settled(site)[:AFTER] != after:
        return None
    if len(before) < BEFORE:
        # All there is before the place: it stands at the beginning, or the place was another.
        typed = site.prefix.removeprefix(before)
        behind = site.prefix.startswith(before) and len(typed) <= LONGEST_TYPED
        return typed if behind else None
    recent = site.prefix[-(len(before) + LONGEST_TYPED) :]
    start = recent.rfind(before)
    return None if start < 0 else recent[start + len(before) :]


class Memory:
    """The answers of one server, for all documents."""

    def __init__(self) -> None:
        self._sayings: OrderedDict[tuple[str, str, str], Saying] = OrderedDict()

    def keep(self, saying: Saying) -> None:
        """Remember an answer, in place of an earlier one for the same place."""
        key = (saying.uri, saying.before, saying.after)
        self._sayings[key] = saying
        self._sayings.move_to_end(key)
        if len(self._sayings) > ENTRIES:
            self._sayings.popitem(last=False)

    def recall(self, uri: str, site: Site, shape: Shape) -> tuple[Saying, str, Origin] | None:
        """Return an answer for the site, the text that is left of it, and its origin."""
        for key, saying in reversed(self._sayings.items()):
            if saying.uri != uri:
                continue
            typed = typed_since(saying.before, saying.after, site)
            if typed is None or not saying.text.startswith(typed):
                continue
            left = saying.text[len(typed) :]
            if not _holds(saying, left, shape):
                continue
            self._sayings.move_to_end(key)
            return saying, left, _origin(saying, typed)
        return None

    def forget(self, uri: str) -> None:
        """Drop what was said about a document."""
        for key in [key for key in self._sayings if key[0] == uri]:
            del self._sayings[key]


def _holds(saying: Saying, left: str, shape: Shape) -> bool:
    """Say whether what is left answers all that is asked now."""
    if shape == "block" and saying.shape == "line":
        return False
    if not left.strip():
        return saying.whole and left == saying.text
    return saying.whole or "\n" in left.lstrip()


def _origin(saying: Saying, typed: str) -> Origin:
    if saying.ahead:
        return "speculation"
    if "\n" in typed and not typed.partition("\n")[0].strip():
        return "prefetch"
    return "typedThrough" if typed else "cache"


def _settled(site: Site) -> str:
    """Return the text after the cursor without the brackets that an editor closes by itself."""
    rest = site.rest
    return site.suffix[len(rest) :] if not rest.strip().strip(CLOSERS) else site.suffix
