"""A perplexity for people to read: a table of figures, and of two runs side by side.

In: records of passages. Out: text on a console. Decides nothing.
"""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from linewise_models.evaluate.errors import EvaluationError
from linewise_models.evaluate.figures import totals
from linewise_models.evaluate.perplexity import Task, Told, Total
from linewise_models.evaluate.record import Record
from linewise_models.evaluate.report import share
from linewise_models.evaluate.scores import mcnemar

_COLUMNS = ("passages", "tokens", "perplexity", "bits/byte", "next token", "exact match")
_COMPARED = ("measure", "n", "before", "now", "lost", "won", "p")


def show(record: Record[Told], console: Console) -> None:
    """Print what a run says, one row a kind of passage."""
    table = _table(f"perplexity: {record.title}", "", *_COLUMNS)
    for name, total in totals(record.results).items():
        middles = name.startswith("middles")
        table.add_row(
            name,
            f"{total.passages:,}",
            f"{total.tokens:,}",
            f"{total.perplexity:.3f}",
            f"{total.bits_per_byte:.4f}",
            share(total.right, total.tokens),
            share(total.exact, total.passages) if middles else "-",
        )
    console.print(table)
    if not record.complete:
        chosen = record.data.get("chosen", "?")
        console.print(f"Stopped after {len(record.results)} of {chosen} passages.", highlight=False)
    console.print(
        "Below a share: its 95 % interval, as if tokens were independent. Exact: greedy decoding "
        "would have written the middle token by token.",
        highlight=False,
    )


def compared(before: Record[Told], now: Record[Told], console: Console) -> None:
    """Print how a run differs from an earlier one on the passages that both have told.

    Raises EvaluationError where they are of different data.
    """
    same = all(before.data.get(key) == now.data.get(key) for key in ("file", "sha256", "kind"))
    earlier = {(one.task, one.id): one for one in before.results}
    pairs = [
        (earlier[two.task, two.id], two) for two in now.results if (two.task, two.id) in earlier
    ]
    if not same or not pairs:
        raise EvaluationError(
            f"The earlier run told {before.data.get('file')}, or other passages of it; only like "
            "can be compared with like."
        )
    table = _table(f"Against {before.title} of {before.started[:10]}", *_COMPARED)
    tasks: tuple[Task, ...] = ("middle", "code")
    for task in tasks:
        of_task = [(one, two) for one, two in pairs if two.task == task]
        if of_task:
            _compare(table, "middles" if task == "middle" else "code", of_task)
    console.print(table)
    console.print(
        "Lost and won: passages that cost more or fewer bits than before (sign test), or are not "
        "or newly exact (McNemar).",
        highlight=False,
    )


def _compare(table: Table, name: str, pairs: list[tuple[Told, Told]]) -> None:
    first, second = Total.of(one for one, _ in pairs), Total.of(two for _, two in pairs)
    if first.tokens == second.tokens:
        row = [f"{first.perplexity:.3f}", f"{second.perplexity:.3f}"]
        table.add_row(f"{name}: perplexity", f"{len(pairs)}", *row, "", "", "")
    lost = sum(one.loss < two.loss for one, two in pairs)
    won = sum(one.loss > two.loss for one, two in pairs)
    bits = [f"{first.bits_per_byte:.4f}", f"{second.bits_per_byte:.4f}"]
    counts = [f"{lost}", f"{won}", f"{mcnemar(lost, won):.3g}"]
    table.add_row(f"{name}: bits/byte", f"{len(pairs)}", *bits, *counts)
    if name == "middles":
        lost = sum(one.exact and not two.exact for one, two in pairs)
        won = sum(two.exact and not one.exact for one, two in pairs)
        shares = [f"{100 * total.exact / len(pairs):.1f} %" for total in (first, second)]
        counts = [f"{lost}", f"{won}", f"{mcnemar(lost, won):.3g}"]
        table.add_row(f"{name}: exact match", f"{len(pairs)}", *shares, *counts)


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=escape(title), title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
