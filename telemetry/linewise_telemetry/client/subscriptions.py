"""What telemetry must know of the user's API catalogues, and of those who read its events.

In: the catalogues on the user's shelf. Out: `Subscriptions`: who reads which events, and which
names may be recorded, which are those that a subscribed catalogue lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from linewise_telemetry.catalogue.errors import CatalogueError
from linewise_telemetry.client.transport import is_here

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linewise_telemetry.catalogue.document import Catalogue
    from linewise_telemetry.catalogue.holding import Holding


@dataclass(frozen=True, slots=True)
class Collector:
    """Where events go; `project` is the public key by which the collector tells projects apart."""

    origin: str
    """Scheme, host and port, e.g. `https://telemetry.example.org`."""
    project: str

    @property
    def target(self) -> str:
        """One string for both; two projects of one collector get different install keys."""
        return f"{self.origin}#{self.project}"


class Subscriptions(Protocol):
    """The public API catalogues that the user subscribes to."""

    def catalogues(self) -> Iterable[str]:
        """Return their ids."""
        ...

    def collector(self, catalogue: str) -> Collector | None:
        """Return the collector that the catalogue's maker runs, or None."""
        ...

    def lists(self, catalogue: str, symbol: str) -> bool:
        """Return whether the catalogue is subscribed to, public, and lists `symbol`."""
        ...

    def catalogue_of(self, symbol: str) -> str | None:
        """Return the catalogue that lists `symbol`, or None."""
        ...

    def maker(self, catalogue: str) -> str:
        """Return the name of the catalogue's maker as users know it."""
        ...


@dataclass(frozen=True, slots=True)
class Shelved:
    """The subscriptions on the user's shelf; where that is damaged, there are none."""

    holding: Holding

    def catalogues(self) -> Iterable[str]:
        """Return the ids of the catalogues at hand."""
        return list(self._by_id())

    def collector(self, catalogue: str) -> Collector | None:
        """Return the collector that a catalogue names.

        A collector on this machine counts only where the catalogue came from this machine too:
        nobody else may have requests made to what runs here.
        """
        found = self._by_id().get(catalogue)
        if found is None or found.collector is None:
            return None
        collector = Collector(*found.collector)
        address = self.holding.current().addresses.get(catalogue, "")
        local = is_here(urlsplit(collector.origin).hostname or "")
        return None if local and not is_here(urlsplit(address).hostname or "") else collector

    def lists(self, catalogue: str, symbol: str) -> bool:
        """Return whether a catalogue lists a symbol, a sample or an announcement of this name."""
        found = self._by_id()
        return catalogue in found and symbol in self.holding.current().names.get(catalogue, ())

    def catalogue_of(self, symbol: str) -> str | None:
        """Return the catalogue that lists a symbol."""
        return self.holding.current().owners.get(symbol) if self._by_id() else None

    def maker(self, catalogue: str) -> str:
        """Return the name of a catalogue's maker."""
        found = self._by_id().get(catalogue)
        return found.maker if found is not None else catalogue

    def _by_id(self) -> Mapping[str, Catalogue]:
        try:
            return self.holding.current().by_id
        except CatalogueError:
            return {}
