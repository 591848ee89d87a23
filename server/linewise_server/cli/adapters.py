"""What `linewise catalogue` does with adapters: described for makers, fetched for subscribers.

In: adapters' files, and catalogues that were read. Out: their fields for the document; files on the
shelf, once the user agreed. What became of it goes to stdout.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from linewise_models.errors import ModelError
from linewise_models.home import Home
from linewise_server.apidocs.fetch import fetch, new_client
from linewise_server.errors import FailedError
from linewise_telemetry.catalogue.adapters import FETCH_SECONDS
from linewise_telemetry.catalogue.document import MAX_ADAPTER_BYTES, Adapter, Catalogue
from linewise_telemetry.catalogue.shelf import Fetch, Shelf, Subscription


def agree(shelf: Shelf, read: Catalogue, *, yes: bool) -> None:
    """Keep a yes or no to the adapters of a catalogue, and fetch them on a yes."""
    shelf.agree(read.id, yes=yes)
    if not yes:
        click.echo(f"The adapters of {read.id} are off, and not kept.")
    elif not read.adapters:
        click.echo(f"{read.id} has no adapter yet; one that comes with an update is used.")
    else:
        fetch_adapters(shelf, read)


def fetch_adapters(shelf: Shelf, read: Catalogue) -> None:
    """Fetch those adapters of a catalogue that are agreed to and for models on this machine."""
    if not any(held.id == read.id and held.adapter for held in shelf.subscriptions()):
        return
    here = _models_here()
    for each in read.adapters:
        if each.base not in here:
            click.echo(f"{each.file} waits until you use the model that it is for.")
            continue
        _fetching(functools.partial(shelf.fetch_adapter, read.id, each))
        click.echo(f"{in_words(each)}, for {here[each.base]}: fetched.")


def tell_of_adapters(held: Subscription, read: Catalogue) -> None:
    """Say what a catalogue offers that nobody agreed to yet."""
    for each in read.adapters if not held.adapter else ():
        click.echo(f"It offers an adapter: {in_words(each)}.")
    if read.adapters and not held.adapter:
        click.echo(f"`linewise catalogue adapter {read.id} on` fetches and uses it.")


def in_words(adapter: Adapter) -> str:
    """Return what an adapter is."""
    size = f"{adapter.bytes / 1e6:.1f} MB"
    return f"{adapter.file} ({size}, {adapter.licence}), {adapter.summary}"


def _models_here() -> dict[str, str]:
    """Return the models that were pulled, by the SHA-256 of their files."""
    from linewise_models.index import load_index
    from linewise_models.store import Store

    store = Store(Home.locate(os.environ), os.environ)
    here = [entry for entry in load_index().entries if store.installed(entry)]
    return {store.checksum(entry): entry.name for entry in here}


def describe(folder: Path, file: str) -> dict[str, Any]:
    """Return what an adapter's file says, for the document. Raises FailedError."""
    from linewise_models.adapter import BASE_SHA256, read_adapter

    path = folder / file
    try:
        size = path.stat().st_size
        if size > MAX_ADAPTER_BYTES:
            raise FailedError(
                f"{path} has {size:,} bytes, and subscribers take {MAX_ADAPTER_BYTES:,} at most."
                " A lower rank or --type Q8_0 makes it smaller."
            )
        read = read_adapter(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise FailedError(f"{path} cannot be read: {error.strerror}.") from error
    except ModelError as error:
        raise FailedError(str(error)) from error
    if read.rows:
        raise FailedError(
            f"{path} has embeddings of its own, which only a merge can use: tune without `marks`."
        )
    base, _ = read.metadata.get(BASE_SHA256, (None, None))
    known = {} if base is None else {"base": base}
    return {"sha256": digest, "bytes": size, **known}


def _fetching(work: Callable[[Fetch], Coroutine[Any, Any, Path]]) -> None:
    async def run() -> None:
        async with new_client() as client:

            async def get(address: str, most: int) -> bytes:
                got = await fetch(client, address, limit=most, deadline=FETCH_SECONDS)
                return got.data or b""

            await work(get)

    asyncio.run(run())
