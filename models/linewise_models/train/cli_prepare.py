"""`linewise models prepare`: the first step of making a model, on the command line.

In: a config and arguments. Out: what was made, on stdout; progress and errors on stderr. What is
heavy to import is imported where it is used: `linewise --help` must answer at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linewise_models.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linewise_models.train.corpus import Report
    from linewise_models.train.recipe import Recipe


@click.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The dataset to write.")
@click.option("--folder", "folders", multiple=True, type=click.Path(), help="A directory of code.")
@click.option("--installed", multiple=True, metavar="NAME", help="An installed package.")
@click.option("--licence", default="", metavar="SPDX", help="Under which each --folder stands.")
@click.option(
    "--exclude",
    multiple=True,
    type=click.Path(),
    help="Benchmarks: files that share text with these, or with the files in a directory, go.",
)
@click.option("--base", help="A model's name, or a GGUF file: its tokenizer is used.")
@click.option("--tokens", type=click.IntRange(1), help="Of all training examples together.")
@click.option("--held-out-tokens", type=click.IntRange(1), help="The same for held-out ones.")
@click.option("--seed", type=int, help="The same seed and sources give the same dataset.")
def prepare(
    config: Path | None,
    out: Path,
    folders: tuple[str, ...],
    installed: tuple[str, ...],
    licence: str,
    exclude: tuple[str, ...],
    base: str | None,
    tokens: int | None,
    held_out_tokens: int | None,
    seed: int | None,
) -> None:
    r"""Make training data: code cleaned, licence-checked, de-duplicated and cut into examples.

    \b
    Your own API's code:   linewise models prepare --out data --folder src --licence MIT \
                               --installed requests
    The shipped model's:   linewise models prepare CONFIG --out data --exclude BENCHMARKS

    CONFIG is a TOML file; models/linewise_models/train/configs/sources.toml shows all that matters
    in it, and options add to it or override it. Nothing of the code that is read is run. At least
    two packages or folders are needed: one is held out. OUT/card.md says what went in, what was
    left out, and why.
    """
    from linewise_models.home import Home
    from linewise_models.train.prepare import Places
    from linewise_models.train.prepare import prepare as make

    with _failures_told(), _progress_shown() as report:
        recipe = _recipe(config, folders, installed, licence, exclude)
        examples = recipe.examples
        examples = replace(
            examples,
            train_tokens=tokens or examples.train_tokens,
            held_out_tokens=held_out_tokens or examples.held_out_tokens,
        )
        recipe = replace(
            recipe,
            base=base or recipe.base,
            seed=recipe.seed if seed is None else seed,
            examples=examples,
        )
        home = Home.locate(os.environ)
        root = config.parent if config else Path()
        make(recipe, _gguf(recipe.base), Places(root, home.cache / "sources", out), report)
    click.echo(f"The dataset is in {out}. What went in and what did not: {out / 'card.md'}")


def _recipe(
    config: Path | None,
    folders: tuple[str, ...],
    installed: tuple[str, ...],
    licence: str,
    exclude: tuple[str, ...],
) -> Recipe:
    """Return the config's recipe with what the options add; their paths are of this directory."""
    from linewise_models.train.recipe import Folder, Recipe, check, read_recipe

    recipe = read_recipe(config) if config else Recipe()
    here = Path.cwd()
    added = tuple(Folder(str(here / folder), licence=licence) for folder in folders)
    benchmarks = tuple(str(here / path) for path in exclude)
    recipe = replace(
        recipe,
        sources=replace(
            recipe.sources,
            folders=recipe.sources.folders + added,
            installed=recipe.sources.installed + installed,
        ),
        filters=replace(recipe.filters, exclude=recipe.filters.exclude + benchmarks),
    )
    check(recipe)
    return recipe


def _gguf(name: str) -> Path:
    """Return the file of a model of the index, or the file that is named. Raises ModelError."""
    from linewise_models.errors import LoadError
    from linewise_models.home import Home
    from linewise_models.index import load_index
    from linewise_models.store import Store

    store, entry = Store(Home.locate(os.environ), os.environ), load_index().resolve(name)
    if not store.installed(entry):
        raise LoadError(f"{entry.name} is not here. Pull it: linewise models pull {entry.name}")
    return store.path(entry)


@contextlib.contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException("Stopped. Nothing half is left.") from None


@contextlib.contextmanager
def _progress_shown() -> Iterator[Report]:
    """Show progress on stderr: bars on a terminal, else one line a stage."""
    if not sys.stderr.isatty():
        told: set[str] = set()

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in told:
                told.add(stage)
                click.echo(stage, err=True)

        yield tell
        return

    from rich.console import Console
    from rich.progress import Progress, TaskID

    with Progress(console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def draw(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage)
            bars.update(tasks[stage], completed=done, total=total)

        yield draw
