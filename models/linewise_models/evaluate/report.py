"""An evaluation for people to read: tables of scores, and of two runs side by side.

In: records. Out: text on a console. Computes shares and their 95 % intervals; decides nothing.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from linewise_models.evaluate.errors import EvaluationError
from linewise_models.evaluate.record import Record
from linewise_models.evaluate.run import Result
from linewise_models.evaluate.scores import interval, mcnemar


@dataclass(frozen=True, slots=True)
class Pairing:
    """The problems that two runs have in common, by one measure."""

    measure: str
    problems: int
    before: int
    now: int
    lost: tuple[Result, ...]
    """As they are now."""
    won: tuple[Result, ...]

    @property
    def p(self) -> float:
        """How likely such a difference is between equals."""
        return mcnemar(len(self.lost), len(self.won))


def show(record: Record[Result], console: Console) -> None:
    """Print the scores of a run, one row a group of problems."""
    table = _table(f"{record.suite}: {record.title}", *_SCORES)
    groups = dict.fromkeys(result.group for result in record.results)
    for group in groups:
        results = [result for result in record.results if result.group == group]
        tested = [result for result in results if result.passed is not None]
        table.add_row(
            group,
            str(len(results)),
            share(sum(result.exact for result in results), len(results)),
            f"{100 * statistics.fmean(result.similarity for result in results):.1f}",
            share(sum(bool(result.passed) for result in tested), len(tested)) if tested else "-",
            f"{statistics.median(result.prompt_bytes for result in results):.0f}",
            f"{statistics.median(result.total_ms for result in results):.0f}",
        )
    console.print(table)
    for line in _remarks(record):
        console.print(line, highlight=False, markup=False)


_SCORES = ("group", "n", "exact match", "similarity", "pass@1", "bytes", "ms")
_DIFFERENCES = ("measure", "n", "before", "now", "lost", "won", "p (McNemar)")


def _table(title: str, first: str, *others: str) -> Table:
    """Return an empty table that fits 80 columns with the longest names there are."""
    table = Table(title=escape(title), title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def share(count: int, total: int) -> str:
    """Return a share in per cent, with its count, and its 95 % interval on a second line."""
    low, high = interval(count, total)
    return f"{100 * count / total:.1f} % ({count})\n{100 * low:.1f} to {100 * high:.1f}"


def _remarks(record: Record[Result]) -> Iterable[str]:
    results = record.results
    if not record.complete:
        yield f"Stopped after {len(results)} of {record.data['chosen']} problems."
    if void := sum(result.void for result in results):
        yield (
            f"{void} without pass@1: what stood in the hole fails its own test here, within the "
            "limits."
        )
    if errors := [result for result in results if result.error]:
        yield f"{len(errors)} without an answer, counted as wrong: {errors[0].error}"
    filters = Counter(name for result in results for name in result.filters)
    if filters:
        acted = ", ".join(f"{name} {count}" for name, count in filters.most_common())
        yield f"Filters that had a say: {acted}."
    yield "Below a share: its 95 % interval. Medians: bytes of a prompt, ms of an answer."


MEASURES: dict[str, Callable[[Result], bool | None]] = {
    "exact match": lambda result: result.exact,
    "pass@1": lambda result: result.passed,
}


def pair(before: Record[Result], now: Record[Result]) -> list[Pairing]:
    """Return how two runs differ on the problems that both have, by each measure that both have.

    Raises EvaluationError where they have none in common or are of other texts of them.
    """
    earlier = {result.id: result for result in before.results}
    pairs = [(earlier[result.id], result) for result in now.results if result.id in earlier]
    if not pairs:
        raise EvaluationError("The two runs have no problem in common; nothing can be compared.")
    if before.mode != now.mode or any(one.gold != two.gold for one, two in pairs):
        raise EvaluationError(
            f"The earlier run asked in mode {before.mode}, or of other data; only like can be "
            f"compared with like. Run it again with --mode {now.mode} on this file."
        )
    return [p for name, of in MEASURES.items() if (p := _pair(name, of, pairs)) is not None]


def _pair(
    name: str, of: Callable[[Result], bool | None], pairs: list[tuple[Result, Result]]
) -> Pairing | None:
    known = [(one, two) for one, two in pairs if of(one) is not None and of(two) is not None]
    if not known:
        return None
    return Pairing(
        measure=name,
        problems=len(known),
        before=sum(bool(of(one)) for one, _ in known),
        now=sum(bool(of(two)) for _, two in known),
        lost=tuple(two for one, two in known if of(one) and not of(two)),
        won=tuple(two for one, two in known if of(two) and not of(one)),
    )


def show_comparison(before: Record[Result], now: Record[Result], console: Console) -> None:
    """Print how a run differs from an earlier one. Raises EvaluationError as `pair` does."""
    table = _table(f"Against {before.title} of {before.started[:10]}", *_DIFFERENCES)
    pairings = pair(before, now)
    for pairing in pairings:
        table.add_row(
            pairing.measure,
            str(pairing.problems),
            f"{100 * pairing.before / pairing.problems:.1f} %",
            f"{100 * pairing.now / pairing.problems:.1f} %",
            str(len(pairing.lost)),
            str(len(pairing.won)),
            f"{pairing.p:.3g}",
        )
    console.print(table)
    for pairing in pairings:
        blamed = Counter(_blame(result) for result in pairing.lost)
        if blamed:
            causes = ", ".join(f"{cause} {count}" for cause, count in blamed.most_common())
            console.print(f"Lost by {pairing.measure}: {causes}.", highlight=False, markup=False)


def _blame(result: Result) -> str:
    """Return which filters acted on an answer, or that the model said something else."""
    if result.error:
        return "no answer"
    return " + ".join(result.filters) or "no filter"
