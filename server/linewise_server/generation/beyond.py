"""What is known beyond the file: for the prompt before, and of the APIs in a result after.

In: the docs of a root, the catalogues at hand, an ask or what came of it. Out: `Surroundings`, and
the APIs with their pages. What is not found out within the seconds given is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from linewise_server.apidocs.apis import api_link
from linewise_server.apidocs.docs import Docs
from linewise_server.apidocs.python.scope import name_at, parse
from linewise_server.apidocs.python.uses import used_names
from linewise_server.apidocs.source import Source, Span
from linewise_server.generation.ask import Ask, Outcome, Surroundings
from linewise_server.generation.generator import written
from linewise_server.protocol import ApiLink
from linewise_server.snapshot import Snapshot
from linewise_telemetry.catalogue.document import Catalogue

BEFORE_SECONDS, AFTER_SECONDS = 0.3, 0.5
"""What resolving names may take: for the prompt, while the user waits, and for the links."""
_LIBRARY = "python"
"""The package that the standard library goes by."""
_MOST_SIGNATURES, _MOST_SAMPLES = 24, 3


@dataclass(frozen=True, slots=True)
class Usable:
    """A sample of a catalogue that a text has a use for; `id` names both."""

    id: str
    title: str
    symbols: tuple[str, ...]
    code: str


async def around(
    docs: Docs, catalogues: Iterable[Catalogue], ask: Ask, path: Path | None
) -> Surroundings:
    """Return signatures of what the document imports and uses, and samples of it."""
    source = Source(ask.snapshot.text(), ask.snapshot.language, path)
    found = await docs.apis_in(source, Span(0, len(source.text)), BEFORE_SECONDS)
    signed = {
        f"{each.name}{_arguments(each.signature)}": each.package != _LIBRARY
        for each in found
        if each.signature
    }
    near = ask.instruction + source.text[max(0, ask.start - 500) : ask.end + 500]
    # What is named near the place comes first; there may not be room for the rest.
    lines = sorted(signed, key=lambda s: s.partition("(")[0].rpartition(".")[2] not in near)
    samples = [sample.code for sample in samples_for(catalogues, source.text)]
    return Surroundings(
        signatures=tuple(lines[:_MOST_SIGNATURES]),
        foreign=tuple(line for line in lines if signed[line])[:_MOST_SIGNATURES],
        samples=tuple(samples[:_MOST_SAMPLES]),
    )


def samples_for(catalogues: Iterable[Catalogue], text: str) -> list[Usable]:
    """Return the samples whose package a text names."""
    return [
        Usable(f"{held.id}/{sample.id}", sample.title, sample.symbols, sample.code)
        for held in catalogues
        for sample in held.samples
        if any(_names(text, symbol.partition(".")[0]) for symbol in sample.symbols)
    ]


async def apis_used(
    docs: Docs,
    catalogues: Iterable[Catalogue],
    outcome: Outcome,
    snapshot: Snapshot,
    path: Path | None,
) -> list[ApiLink]:
    """Return the APIs that generated code uses, as it stands in its document, in its order.

    `snapshot` and `path` are those of the document that was asked about.
    """
    if outcome.language == "markdown":
        return []
    if outcome.changes:
        text, (start, end) = written(snapshot.text(), outcome.changes)
    else:
        text, start, end = outcome.text, 0, len(outcome.text)
        # Beside the document, so that its neighbours are not taken for packages of their names.
        path = path.parent / outcome.file if path is not None and outcome.file else None
    source, span = Source(text, outcome.language, path), Span(start, end)
    found = [
        api_link(each, "completion") for each in await docs.apis_in(source, span, AFTER_SECONDS)
    ]
    linked = {each.name for each in found if each.url is not None}
    told = [each for each in _listed(docs, catalogues, source, span) if each.name not in linked]
    names = {each.name for each in told}
    return [each for each in found if each.name not in names] + told


def _listed(
    docs: Docs, catalogues: Iterable[Catalogue], source: Source, within: Span
) -> list[ApiLink]:
    """Return what catalogues say of names that a Python text spells out, installed or not.

    A sample may be there before the package that it is of.
    """
    pages = {
        symbol.name: ApiLink(symbol.name, symbol.kind, symbol.url, held.title, "completion")
        for held in catalogues
        for symbol in held.symbols
    }
    if source.language != "python" or not pages:
        return []
    syntax = parse(source.text)
    named = (name_at(syntax, span.start) for span in used_names(syntax, within))
    names = dict.fromkeys(each.full for each in named if each is not None)
    return [pages[name] for name in names if name in pages and not docs.is_own(name, source.path)]


def _names(text: str, package: str) -> bool:
    """Say whether a text has the name of a package in it as a word."""
    return re.search(rf"\b{re.escape(package)}\b", text) is not None


def _arguments(signature: str) -> str:
    return signature[signature.find("(") :] if "(" in signature else f": {signature}"
