"""What commands that make or read records have in common: where one goes, and how far a run is.

In: records and paths. Out: files, and progress on stderr. Knows no suite.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linewise_server.errors import FailedError, UsageError

if TYPE_CHECKING:
    from linewise_models.evaluate.record import Record

Advance = Callable[[str], None]
"""Hears, of each thing that is done, what can be said so far."""


def record_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json` and `--compare`: where the record of a run goes, and what it is set beside."""
    path = click.Path(path_type=Path)
    earlier = click.Path(exists=True, dir_okay=False, path_type=Path)
    compare = click.option("--compare", type=earlier, help="An earlier record to set beside.")
    output = click.option("--json", "output", type=path, help="Write the record there.")
    return output(compare(command))


def check_output(output: Path | None, what: str = "record") -> None:
    """Raise UsageError where a file cannot be there, before the long work."""
    if output and not output.absolute().parent.is_dir():
        raise UsageError(f"There is no directory {output.absolute().parent} for the {what}.")


def keep(record: Record[Any], output: Path | None) -> None:
    """Write a record where it was asked for. Raises FailedError."""
    from linewise_models.evaluate.record import write

    if output is None:
        return
    try:
        write(record, output)
    except OSError as error:
        raise FailedError(f"{output} cannot be written: {error.strerror}.") from error
    click.echo(f"The record is in {output}.", err=True)


def named(model: str) -> str:
    """Return how a record calls a model: a file by its name alone, without where it lies."""
    return Path(model).name if Path(model).is_file() else model


@contextlib.contextmanager
def progress(total: int, things: str) -> Iterator[Advance]:
    """Show on stderr how far it is: a bar with the time left, or now and then a line."""
    done = 0
    if not sys.stderr.isatty():

        def tell(said: str) -> None:
            nonlocal done
            done += 1
            if done == total or done % max(1, total // 10) == 0:
                click.echo(f"{done} of {total} {things}, {said}", err=True)

        yield tell
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeLeft(),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(things, total=total, said="")
        yield lambda said: bars.update(task, advance=1, said=said)
