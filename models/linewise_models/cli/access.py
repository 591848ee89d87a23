"""What the commands of `linewise models` share: the index, the store, and how failures are told."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NoReturn

import click

from linewise_models.errors import ModelError, UnknownModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linewise_models.index import Entry, Index
    from linewise_models.measured import Measurements
    from linewise_models.prospects import Prospect
    from linewise_models.store import Store


def open_index() -> Index:
    """Return the index that comes with Linewise."""
    from linewise_models.index import load_index

    return load_index()


def open_store() -> Store:
    """Return the store of the user who runs this process."""
    from linewise_models.home import Home
    from linewise_models.store import Store

    return Store(Home.locate(os.environ), os.environ)


def open_measurements(store: Store) -> Measurements:
    """Return what was measured on this machine."""
    from linewise_models.measured import Measurements

    return Measurements(store.home.measured)


def survey_all(store: Store) -> list[Prospect]:
    """Return what every model that is known does here."""
    from linewise_models.prospects import survey

    return survey(store, open_measurements(store), open_index())


def find(name: str) -> Entry:
    """Return the entry of a name, source or path; what there is not is misuse: exit code 2."""
    try:
        return open_index().resolve(name)
    except UnknownModel as error:
        raise click.UsageError(str(error), click.get_current_context()) from None


def find_here(name: str) -> Entry:
    """Return the same of a model that is on this machine."""
    entry = find(name)
    if not open_store().installed(entry):
        fail(f"{entry.name} is not here. Pull it: linewise models pull {entry.name}")
    return entry


def fail(message: str) -> NoReturn:
    """End the command with exit code 1."""
    raise click.ClickException(message)


def told(error: ModelError) -> click.ClickException:
    """Return what ends a command with an error's message and exit code."""
    misused = error.exit_code == click.UsageError.exit_code
    return (click.UsageError if misused else click.ClickException)(str(error))


@contextlib.contextmanager
def failures_told(stopped: str) -> Iterator[None]:
    """Tell what is wrong in a line instead of a traceback; `stopped` is what Ctrl-C is answered."""
    try:
        yield
    except ModelError as error:
        raise told(error) from error
    except KeyboardInterrupt:
        raise click.ClickException(stopped) from None
