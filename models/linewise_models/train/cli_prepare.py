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

from linewise_models.errors import TrainError
from linewise_models.train.cli_train import CONFIG, failures_told, need

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linewise_models.train.corpus import Report
    from linewise_models.train.recipe import Recipe


@click.command()
@click.argument("config", required=False, type=CONFIG)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The dataset to write.")
@click.option(
    "--folder",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False),
    help="A directory of code.",
)
@click.option("--installed", multiple=True, metavar="NAME", help="An installed package.")
@click.option("--licence", default="", metavar="SPDX", help="Under which each --folder stands.")
@click.option(
    "--exclude",
    multiple=True,
    type=click.Path(exists=True),
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
    """Make training data: code cleaned, licence-checked, de-duplicated and cut into examples.

    \b
    Your own API's code, and what uses it:
      linewise models prepare --out DATA --folder SRC --folder EXAMPLES --licence MIT
    What the shipped model was tuned on:
      linewise models prepare sources --out DATA --exclude BENCHMARKS

    CONFIG is a TOML file, or the bare name of one that comes with Linewise, such as sources;
    options add to it or override it. Nothing of the code that is read is run. At least two
    packages or folders are needed: one is held out. OUT/card.md says what went in, what was left
    out, and why.
    """  # noqa: D301 # click's \b is a character, not two
    from linewise_models.home import Home
    from linewise_models.train.prepare import Places
    from linewise_models.train.prepare import prepare as make
    from linewise_models.train.whereabouts import locate

    with failures_told(), _progress_shown() as report:
        need("datasketch")
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
        places = Places(config.parent if config else Path(), home.cache / "sources", out)
        try:
            make(recipe, locate(recipe.base), places, report)
        except KeyboardInterrupt:
            raise TrainError("Stopped. Nothing was written.") from None
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
