"""From packages to a dataset: gather, clean, split, draw, describe, write.

In: a recipe, the base's GGUF and directories. Out: a prepared dataset with its card, whole or not
at all; the same recipe, files and base give the same bytes. Runs nothing of what it reads.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from linewise_models.errors import ConfigError, TrainError
from linewise_models.train import sources
from linewise_models.train.card import Side, as_json, as_markdown, card
from linewise_models.train.corpus import Report, gather, split
from linewise_models.train.dataset import Facts, write_dataset
from linewise_models.train.draw import draw
from linewise_models.train.duplicates import Excluded, read_texts
from linewise_models.train.fim import Encoder, Window
from linewise_models.train.recipe import KINDS, Recipe
from linewise_models.train.sources import Package
from linewise_models.train.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are."""

    root: Path
    """What paths in the recipe are relative to."""
    cache: Path
    """Wheels that were fetched."""
    out: Path
    """The dataset."""


def silent(stage: str, done: int, total: int) -> None:
    """Report to nobody."""


def prepare(recipe: Recipe, base: Path, places: Places, report: Report = silent) -> Facts:
    """Write the dataset of a recipe and return its facts.

    Raises ConfigError, LoadError for the base, or TrainError; then nothing was written, and a
    dataset that was there before still is.
    """
    tokenizer = Tokenizer(base)
    try:
        return _prepare(recipe, tokenizer, places, report)
    finally:
        tokenizer.close()


def _prepare(recipe: Recipe, tokenizer: Tokenizer, places: Places, report: Report) -> Facts:
    settings = recipe.examples
    marks, end = tokenizer.marks(recipe.marks.names(), recipe.marks.end)
    facts = Facts(
        base=tokenizer.base.name,
        base_sha256=tokenizer.sha256(),
        vocabulary=tokenizer.size,
        end=end,
        marks=marks,
        kinds=KINDS,
        seed=recipe.seed,
    )
    texts = (read_texts(places.root / path) for path in recipe.filters.exclude)
    excluded = Excluded(itertools.chain.from_iterable(texts), recipe.filters.run)
    packages = list(_packages(recipe, places, report))
    strangers = set(recipe.sources.weights) - {package.key for package in packages}
    if strangers:
        raise ConfigError(f"sources.weights names what is no source: {', '.join(strangers)}.")
    corpus = gather(packages, len(packages), recipe, excluded, report)
    if len(corpus.kept) < 2:
        raise TrainError(
            "At least two packages are needed, one of them to be held out, and "
            f"{len(corpus.kept)} are left: "
            + ("; ".join(f"{package.name}: {why}" for package, why in corpus.refused) or "no other")
        )
    train, held_out = split(corpus.kept, recipe.seed, settings.held_out_share)
    if not train:
        raise TrainError("All packages are held out. Lower examples.held_out_share.")
    window = Window(Encoder(tokenizer, marks, end), settings)
    sides = {}
    for name, kept, wanted in (
        ("held_out", held_out, settings.held_out_tokens),
        ("train", train, settings.train_tokens),
    ):
        random = Random(f"{recipe.seed}:{name}")  # noqa: S311 (a seed must give the same again)
        sides[name] = Side(kept, draw(kept, window, wanted, recipe.sources.weights, random, report))
        if not sides[name].drawn.examples:
            raise TrainError(f"No example could be drawn for {name}: the files are too small.")
    figures = card(recipe, facts, corpus, {"train": sides["train"], "held_out": sides["held_out"]})
    write_dataset(
        places.out,
        facts,
        {"train": sides["train"].drawn.examples, "held_out": sides["held_out"].drawn.examples},
        {"card.json": as_json(figures), "card.md": as_markdown(figures)},
    )
    return facts


def _packages(recipe: Recipe, places: Places, report: Report) -> Iterator[Package]:
    """Yield all packages of a recipe, fetching what is not in the cache."""
    wanted = recipe.sources
    for number, requirement in enumerate(wanted.packages):
        report("fetching", number, len(wanted.packages))
        yield sources.fetched(requirement, places.cache)
    report("fetching", len(wanted.packages), len(wanted.packages))
    for name in wanted.installed:
        yield sources.installed(name)
    for one in wanted.folders:
        yield sources.folder(places.root / one.path, one.name, one.licence)
    if wanted.standard_library:
        yield sources.standard_library()
