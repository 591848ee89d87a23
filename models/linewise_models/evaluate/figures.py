"""What a record says in numbers: a figure a group and measure, with its 95 % interval.

In: a record. Out: figures, which its JSON states and a plot draws. Pure; prints and draws nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from linewise_models.evaluate.perplexity import Told, Total
from linewise_models.evaluate.run import Result
from linewise_models.evaluate.scores import interval, mean_interval

EXACT, SIMILARITY, PASSED = "exact match", "edit similarity", "pass@1"
NEXT, PERPLEXITY, BITS = "next token", "perplexity", "bits a byte"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; a share of 0 to 1 where it has an interval."""

    group: str
    measure: str
    value: float
    n: int
    """Problems, passages or, of next tokens, tokens that it is of."""
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """The figure for people, such as `24.1 % (20.4 to 28.2) of 457`."""
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        low, high = 100 * self.low, 100 * self.high
        return f"{100 * self.value:.1f} % ({low:.1f} to {high:.1f}) of {self.n:,}"


def figures(results: list[Any]) -> list[Figure]:
    """Return the figures of the results of a run, of problems or of passages."""
    if results and isinstance(results[0], Told):
        return list(_of_passages(results))
    return list(_of_problems(results))


def _of_problems(results: list[Result]) -> Iterator[Figure]:
    for group in dict.fromkeys(result.group for result in results):
        these = [result for result in results if result.group == group]
        yield _share(group, EXACT, sum(result.exact for result in these), len(these))
        values = [result.similarity for result in these]
        yield Figure(
            group, SIMILARITY, statistics.fmean(values), len(these), *mean_interval(values)
        )
        tested = [result for result in these if result.passed is not None]
        if tested:
            yield _share(group, PASSED, sum(bool(result.passed) for result in tested), len(tested))


def totals(results: list[Told]) -> dict[str, Total]:
    """Return what passages say: a row a group, and one for all groups of a task."""
    rows: dict[str, Total] = {}
    for task, every in (("middle", "middles"), ("code", "code")):
        told = [one for one in results if one.task == task]
        groups = sorted({one.group for one in told})
        if len(groups) > 1:
            for group in groups:
                rows[f"{every}: {group}"] = Total.of(one for one in told if one.group == group)
        if told:
            rows[every] = Total.of(told)
    return rows


def _of_passages(results: list[Told]) -> Iterator[Figure]:
    for group, total in totals(results).items():
        yield Figure(group, PERPLEXITY, total.perplexity, total.tokens)
        yield Figure(group, BITS, total.bits_per_byte, total.bytes)
        yield _share(group, NEXT, total.right, total.tokens)
        if group.startswith("middles"):
            yield _share(group, EXACT, total.exact, total.passages)


def _share(group: str, measure: str, count: int, total: int) -> Figure:
    return Figure(group, measure, count / total, total, *interval(count, total))
