"""API catalogues in the editor: the shelf and resolved names in, links, notices and samples out.

A subscribed catalogue's symbols join the index as docs of its package; its deprecations, samples
and announcements are matched here, on this machine, with telemetry off too.
"""

from __future__ import annotations

import datetime
import threading

from linewise_server.apidocs.deprecations import Notice, Uses, find_uses
from linewise_server.apidocs.docs import Docs
from linewise_server.apidocs.index import Index
from linewise_server.apidocs.inventory import Inventory, Symbol
from linewise_server.apidocs.python.scope import parse
from linewise_server.apidocs.python.uses import imports, names_among
from linewise_server.apidocs.source import Source
from linewise_server.apidocs.threads import Threads
from linewise_telemetry.catalogue.document import (
    Announcement,
    Catalogue,
    Sample,
    SupportLink,
    is_before,
)
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Shelf

_SOURCE = "catalogue:"


class Catalogues:
    """The catalogues of a shelf, as `refresh` read them last."""

    def __init__(self, holding: Holding, index: Index, threads: Threads) -> None:
        self._holding = holding
        self._index = index
        self._threads = threads
        self._reading = threading.Lock()
        self._stamp = -1
        self._held: list[Catalogue] = []
        self._muted: frozenset[tuple[str, str]] = frozenset()

    @property
    def shelf(self) -> Shelf:
        """Where the subscriptions are kept."""
        return self._holding.shelf

    async def refresh(self) -> None:
        """Read a shelf that changed, its symbols into the index, off the event loop.

        Raises CatalogueError where its list is damaged.
        """
        if self.shelf.stamp != self._stamp:
            await self._threads.run(self._read)

    def current(self) -> list[Catalogue]:
        """Return the catalogues at hand."""
        return self._held

    def samples(self, name: str) -> list[tuple[str, Sample]]:
        """Return catalogue id and sample of those that show how to use a symbol."""
        return [(held.id, s) for held in self.current() for s in held.samples if name in s.symbols]

    def support(self, package: str) -> list[SupportLink]:
        """Return where the users of a package find help."""
        return [link for held in self.current() if held.package == package for link in held.support]

    def announcements(
        self, docs: Docs, source: Source, today: datetime.date
    ) -> list[tuple[Catalogue, Announcement]]:
        """Return what makers announce to users of what a text imports, muted ones left out."""
        found = []
        used = _packages_used(docs, source) if self._held else {}
        for held in self._held:
            for each in held.announcements:
                version = used.get(held.package)
                if version is None or (held.id, each.id) in self._muted:
                    continue
                lasts = {symbol.rpartition(".")[2] for symbol in each.symbols}
                named = not lasts or bool(names_among(parse(source.text), lasts))
                if named and each.concerns(version, today):
                    found.append((held, each))
        return found

    async def deprecated_uses(self, docs: Docs, source: Source, deadline: float) -> Uses:
        """Return the deprecated names that a Python text uses, as the installed versions have it.

        It takes `deadline` seconds at most; what was not inferred by then is left out.
        """
        used = _packages_used(docs, source) if self._held else {}
        notices = {
            item.symbol: Notice(item, held.title, _reaches(used[held.package], item.removed_in))
            for held in self._held
            if held.package in used
            for item in held.deprecations
            if _reaches(used[held.package], item.since)
        }
        return await find_uses(docs, source, notices, deadline)

    def _read(self) -> None:
        with self._reading:
            # Somebody waits for what is on the shelf now, and this is a thread of its own.
            held = self._holding.current(wait=True)
            if held.stamp == self._stamp:
                return
            self._index_symbols(list(held.by_id.values()))
            subscriptions = self.shelf.subscriptions()
            self._muted = frozenset((s.id, name) for s in subscriptions for name in s.muted)
            self._held = list(held.by_id.values())
            self._stamp = held.stamp

    def _index_symbols(self, catalogues: list[Catalogue]) -> None:
        known = {f"{_SOURCE}{held.id}:{held.release}" for held in catalogues}
        indexed = {d.source: d for d in self._index.docsets() if d.origin == "catalogue"}
        for source, docset in indexed.items():
            if source not in known:
                self._index.remove(docset)
        for held in catalogues:
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


def _reaches(installed: str, version: str | None) -> bool:
    return version is not None and not is_before(installed, version)
