"""How much of a text's calls have docs: a source in, an outcome for each call out."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from linewise_server.apidocs.docs import Docs
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source

Kind = Literal["exact", "parent", "gap", "own", "unresolved"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call: where it stands (line from 1), what came of it, and how long that took."""

    line: int
    kind: Kind
    resolution: Resolution
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """The outcomes of several texts."""

    outcomes: tuple[Outcome, ...]

    def times(self) -> dict[str, float]:
        """Return median, 95th percentile and maximum of the milliseconds; empty without calls."""
        ranked = sorted(outcome.milliseconds for outcome in self.outcomes)
        if not ranked:
            return {}
        shares = {"median": 0.5, "p95": 0.95, "max": 1.0}
        last = len(ranked) - 1
        return {name: round(ranked[round(share * last)], 1) for name, share in shares.items()}


async def cover(docs: Docs, source: Source, deadline: float) -> AsyncIterator[Outcome]:
    """Yield the outcome of every call and decorator of a Python text."""
    before = time.perf_counter()
    async for found in docs.calls(source, deadline):
        now = time.perf_counter()
        line, _ = source.line_and_column(found.span.start)
        yield Outcome(line, _kind(found), found, 1000 * (now - before))
        before = now


def _kind(found: Resolution) -> Kind:
    if found.link is not None:
        return "exact" if found.link.exact else "parent"
    if found.gap == "own":
        return "own"
    return "unresolved" if found.gap in ("unresolved", "late") else "gap"
