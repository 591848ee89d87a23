"""Packages made into clean files: what is kept, and a count of everything that is not.

In: packages and the rules. Out: a `Corpus`. Every file that goes is counted under its reason, so
that a data card can say it. Never draws examples.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from linewise_models.quotation import Definition
from linewise_models.train import clean, redaction
from linewise_models.train.code import language_of, survey, weight
from linewise_models.train.duplicates import Excluded, Seen, words_of
from linewise_models.train.licences import accepts, header_licence
from linewise_models.train.recipe import Recipe
from linewise_models.train.sources import Package

Report = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that is worth learning from."""

    path: str
    text: str
    language: str
    weights: tuple[float, ...]
    """How often to draw from each of its functions and, last, from the whole of it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of one package."""

    package: Package
    files: tuple[File, ...]
    definitions: dict[str, list[Definition]]
    """Names that its files define at their top level."""

    @property
    def size(self) -> int:
        """Characters of all its files."""
        return sum(len(file.text) for file in self.files)


@dataclass(slots=True)
class Corpus:
    """The clean files of all packages, by name, and what was left out."""

    kept: list[Kept] = field(default_factory=list)
    refused: list[tuple[Package, str]] = field(default_factory=list)
    """Packages left out whole, with the reason."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> files."""
    dropped_bytes: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    """What was masked inside the files that are kept -> how often."""


def gather(
    packages: Iterable[Package], total: int, recipe: Recipe, excluded: Excluded, report: Report
) -> Corpus:
    """Return the clean files of all packages. What two packages share goes to the first by name."""
    corpus = Corpus()
    seen = Seen(recipe.filters.similarity)
    for number, package in enumerate(sorted(packages, key=lambda package: package.key)):
        report("cleaning", number, total)
        if package.licence is None:
            corpus.refused.append((package, "licence unknown"))
        elif not accepts(package.licence, recipe.filters.licences):
            corpus.refused.append((package, f"licence {package.licence} not accepted"))
        else:
            kept = _clean(package, recipe, excluded, seen, corpus)
            if kept.files:
                corpus.kept.append(kept)
            else:
                corpus.refused.append((package, "no file was kept"))
    report("cleaning", total, total)
    return corpus


def _clean(
    package: Package, recipe: Recipe, excluded: Excluded, seen: Seen, corpus: Corpus
) -> Kept:
    files: list[File] = []
    definitions: dict[str, list[Definition]] = defaultdict(list)
    size = 0
    languages = recipe.sources.languages

    def wanted(path: str) -> bool:
        language = language_of(path)
        return language is not None and (not languages or language in languages)

    # By the hash of the path, so that the files of a large package are a fair choice of it.
    found_files = sorted(package.read(wanted), key=lambda file: _digest(recipe.seed, file[0]))
    for path, data in found_files:
        found: File | str = "over the package's share"
        if size < recipe.sources.most_bytes:
            found = _file(package, path, data, recipe, excluded, seen, corpus)
        if isinstance(found, str):
            corpus.dropped[found] += 1
            corpus.dropped_bytes[found] += len(data)
            continue
        size += len(found.text)
        files.append(found)
        places = survey(path, found.text)
        for name, span in places.definitions if places else ():
            text = found.text[span.start : span.end][:1000]
            definitions[name].append(Definition(path, text))
    files.sort(key=lambda file: file.path)
    for places_of_name in definitions.values():
        places_of_name.sort(key=lambda definition: definition.path)
    return Kept(package, tuple(files), dict(definitions))


def _file(
    package: Package,
    path: str,
    data: bytes,
    recipe: Recipe,
    excluded: Excluded,
    seen: Seen,
    corpus: Corpus,
) -> File | str:
    """Return a file made clean, or the reason to leave it out."""
    if any(fnmatch.fnmatchcase(f"{package.key}/{path}", glob) for glob in recipe.sources.skip):
        return "named in sources.skip"
    if reason := clean.path_reason(path, recipe.clean):
        return reason
    text, reason = clean.decode(data, recipe.clean)
    if text is None:
        return reason or "cannot be read"
    header = header_licence(text)
    if header is not None and not accepts(header, recipe.filters.licences):
        return "licence in its head"
    if reason := redaction.secrets_reason(path, text) or clean.text_reason(text, recipe.clean):
        return reason
    text, masked = redaction.mask(text)
    found = survey(path, text)
    if found is None:
        return "does not parse"
    words = words_of(text)
    if excluded.touches(words):
        return "shares text with a benchmark"
    if reason := seen.reason(text, words):
        return reason
    corpus.masked += masked
    settings = recipe.examples
    weights = weight(found, text, settings.documented, settings.typed, settings.top)
    return File(path, text, language_of(path) or "", tuple(weights))


def split(kept: Sequence[Kept], seed: int, share: float) -> tuple[list[Kept], list[Kept]]:
    """Return the packages to train on and those held out, by the hash of their names.

    A package's side does not depend on which others there are; but one is always held out: where
    the hash chooses none, the one whose hash comes first.
    """
    order = sorted(kept, key=lambda one: _digest(seed, one.package.key))
    limit = int(share * 2**256)
    below = sum(_digest(seed, one.package.key) < limit for one in order)
    held_out = {one.package.key for one in order[: max(1, below)]}
    return (
        [one for one in kept if one.package.key not in held_out],
        [one for one in kept if one.package.key in held_out],
    )


def _digest(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest())
