"""Whose adapter a text calls for: what it imports and the catalogues at hand in, one of them out.

A model takes one adapter at a time: of several, that of the import that comes first. Knows nothing
of consent and of files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from linewise_server.apidocs.packages import Packages
from linewise_server.apidocs.python.scope import parse
from linewise_server.apidocs.python.uses import imports
from linewise_server.apidocs.source import Source
from linewise_telemetry.catalogue.document import Adapter, Catalogue


@dataclass(frozen=True, slots=True)
class Carried:
    """An adapter, and the catalogue that it came with."""

    catalogue: Catalogue
    adapter: Adapter


def carriers(
    catalogues: Iterable[Catalogue], packages: Packages, source: Source
) -> list[Catalogue]:
    """Return the catalogues with adapters whose package a Python text imports, in its order.

    A package that is not installed is known by the first part of its catalogue's symbols.
    """
    able = [each for each in catalogues if each.adapters]
    if not able or source.language != "python":
        return []
    found: dict[str, Catalogue] = {}
    for each in imports(parse(source.text)):
        owner, top = packages.of(each.full), each.full.partition(".")[0]
        for catalogue in able:
            installed = owner is not None and owner.name == catalogue.package
            if installed or (owner is None and top in _tops(catalogue)):
                found.setdefault(catalogue.id, catalogue)
    return list(found.values())


def carried(catalogues: Iterable[Catalogue], base: str) -> list[Carried]:
    """Return the adapters of catalogues that are for the model file of that SHA-256."""
    return [
        Carried(catalogue, adapter)
        for catalogue in catalogues
        if (adapter := catalogue.adapter(base)) is not None
    ]


def _tops(catalogue: Catalogue) -> set[str]:
    return {entry.name.partition(".")[0] for entry in catalogue.symbols}
