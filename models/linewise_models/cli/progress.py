"""Progress of `linewise models` on stderr: bars on a terminal, else one line a phase."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import TaskID

    from linewise_models.fetch import Progress, Report

PHASES = {
    "waiting": "another process is fetching it",
    "downloading": "downloading",
    "unpacking": "unpacking",
    "merging": "merging the adapter",
    "verifying": "checking",
}


@contextlib.contextmanager
def bytes_shown(name: str) -> Iterator[Report]:
    """Show how a pull or a check of a model goes on."""
    if not sys.stderr.isatty():
        tell = _phases_told(name)
        yield lambda progress: tell(PHASES[progress.phase])
        return

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def draw(progress: Progress) -> None:
            if progress.phase not in tasks:
                for earlier in bars.tasks:  # the last look at a growing file comes before its end
                    bars.update(earlier.id, completed=earlier.total)
                tasks[progress.phase] = bars.add_task(PHASES[progress.phase])
            # A total that is not known yet lets the bar move to and fro.
            total = progress.total or None
            bars.update(tasks[progress.phase], completed=progress.done, total=total)

        yield draw


@contextlib.contextmanager
def shares_shown(name: str) -> Iterator[Callable[[str, float], None]]:
    """Show which share of each phase is done."""
    if not sys.stderr.isatty():
        tell = _phases_told(name)
        yield lambda phase, share: tell(phase)
        return

    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def draw(phase: str, share: float) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=1.0)
            bars.update(tasks[phase], completed=share)

        yield draw


def _phases_told(name: str) -> Callable[[str], None]:
    told: set[str] = set()

    def tell(phase: str) -> None:
        if phase not in told:
            told.add(phase)
            click.echo(f"{name}: {phase}", err=True)

    return tell
