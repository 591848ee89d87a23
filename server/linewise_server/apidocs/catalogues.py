"""API catalogues in the editor: the shelf and resolved names in, links, notices and samples out.

A subscribed catalogue's symbols join the index as docs of its package; its deprecations, samples
and announcements are matched here, on this machine, with telemetry off too.
"""

from __future__ import annotations

import asyncio
import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass

from linewise_server.apidocs.docs import Docs
from linewise_server.apidocs.index import Index
from linewise_server.apidocs.inventory import Inventory, Symbol
from linewise_server.apidocs.python.scope import parse
from linewise_server.apidocs.python.uses import imports, used_names
from linewise_server.apidocs.source import Source, Span
from linewise_telemetry.catalogue.document import (
    Announcement,
    Catalogue,
    Deprecation,
    Sample,
    SupportLink,
)
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Shelf

_SOURCE = "catalogue:"


@dataclass(frozen=True, slots=True)
class DeprecatedUse:
    """A use of a `symbol` that its maker deprecates; `gone` where the installed version lacks it.

    `rename` is what to put at `span` where renaming is all there is to do.
    """

    symbol: str
    span: Span
    message: str
    url: str | None
    catalogue: str
    gone: bool
    rename: str | None


class Catalogues:
    """The catalogues of a shelf, read again when the shelf changes."""

    def __init__(self, holding: Holding, index: Index) -> None:
        self._holding = holding
        self._index = index
        self._stamp = -1
        self._held: list[Catalogue] = []

    @property
    def shelf(self) -> Shelf:
        """Where the subscriptions are kept."""
        return self._holding.shelf

    async def refresh(self) -> None:
        """Read a shelf that changed, off the event loop; `current` would do it on it."""
        if self._holding.shelf.stamp != self._stamp:
            await asyncio.to_thread(self._holding.current)

    def current(self) -> list[Catalogue]:
        """Return the catalogues at hand, their symbols in the index."""
        held = self._holding.current()
        if held.stamp != self._stamp:
            self._stamp = held.stamp
            self._held = list(held.by_id.values())
            self._index_symbols()
        return self._held

    def samples(self, name: str) -> list[tuple[str, Sample]]:
        """Return catalogue id and sample of those that show how to use a symbol."""
        return [(held.id, s) for held in self.current() for s in held.samples if name in s.symbols]

    def support(self, package: str) -> list[SupportLink]:
        """Return where the users of a package find help."""
        return [link for held in self.current() if held.package == package for link in held.support]

    def announcements(
        self, docs: Docs, source: Source, today: datetime.date
    ) -> list[tuple[str, Announcement]]:
        """Return catalogue id and announcement for what a text imports, muted ones left out."""
        found = []
        muted = {(s.id, name) for s in self.shelf.subscriptions() for name in s.muted}
        used = _packages_used(docs, source)
        for held in self.current():
            for each in held.announcements:
                version = used.get(held.package)
                if version is None or (held.id, each.id) in muted:
                    continue
                named = not each.symbols or _mentions(source.text, each.symbols)
                if named and each.concerns(version, today):
                    found.append((held.id, each))
        return found

    async def deprecated_uses(
        self, docs: Docs, source: Source, deadline: float
    ) -> list[DeprecatedUse]:
        """Return the deprecated names that a Python text uses, as the installed versions have it.

        Only names whose last part a catalogue deprecates are resolved.
        """
        used = _packages_used(docs, source)
        by_symbol = {
            item.symbol: (held, item)
            for held in self.current()
            for item in held.deprecations
            if _reaches(used.get(held.package), item.since)
        }
        lasts = {symbol.rpartition(".")[2] for symbol in by_symbol}
        found = []
        for span in used_names(parse(source.text), Span(0, len(source.text))) if lasts else []:
            if source.text[span.start : span.end] not in lasts:
                continue
            resolved = await docs.resolve(source, span.start, deadline)
            if resolved is None or resolved.name not in by_symbol:
                continue
            held, item = by_symbol[resolved.name]
            url = item.guide or (resolved.link.url if resolved.link else None)
            gone = item.removed_in is not None and _reaches(used[held.package], item.removed_in)
            message = _message(item, gone=gone)
            found.append(
                DeprecatedUse(item.symbol, span, message, url, held.title, gone, _rename(item))
            )
        return found

    def _index_symbols(self) -> None:
        known = {f"{_SOURCE}{held.id}:{held.release}" for held in self._held}
        indexed = {d.source: d for d in self._index.docsets() if d.origin == "catalogue"}
        for source, docset in indexed.items():
            if source not in known:
                self._index.remove(docset)
        for held in self._held:
            source = f"{_SOURCE}{held.id}:{held.release}"
            if source not in indexed:
                symbols = tuple(Symbol(e.name, f"py:{e.kind}", e.url) for e in held.symbols)
                inventory = Inventory(held.title, held.version, symbols)
                self._index.put(held.package, inventory, base="", origin="catalogue", source=source)


def _packages_used(docs: Docs, source: Source) -> dict[str, str]:
    """Return name and installed version of the packages that a Python text imports."""
    if source.language != "python":
        return {}
    names = imports(parse(source.text))
    owners = (docs.imported_package(each.full, source.path) for each in names)
    return {owner.name: owner.version for owner in owners if owner is not None}


def _mentions(text: str, symbols: Iterable[str]) -> bool:
    lasts = (re.escape(symbol.rpartition(".")[2]) for symbol in symbols)
    return any(re.search(rf"\b{last}\b", text) for last in lasts)


def _message(item: Deprecation, *, gone: bool) -> str:
    if gone:
        text = f"{item.symbol} was removed in {item.removed_in}."
    else:
        ends = f" and will be removed in {item.removed_in}" if item.removed_in else ""
        text = f"{item.symbol} is deprecated since {item.since}{ends}."
    if item.replacement:
        text += f" Use {item.replacement}."
    return f"{text} {item.note}" if item.note else text


def _rename(item: Deprecation) -> str | None:
    """Return the new last part where it is all that changes."""
    if not item.mechanical or item.replacement is None:
        return None
    before, _, _ = item.symbol.rpartition(".")
    holder, _, last = item.replacement.rpartition(".")
    return last if holder == before else None


def _reaches(installed: str | None, version: str) -> bool:
    return installed is not None and _numbers(installed) >= _numbers(version)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version.partition("+")[0])]
