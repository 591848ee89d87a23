"""The catalogues of a shelf in memory, with what is looked up in them at every hover and event.

In: a shelf. Out: `Held`, read and verified again only when the shelf changed. Threads may share it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linewise_telemetry.catalogue.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linewise_telemetry.catalogue.document import Catalogue


@dataclass(frozen=True, slots=True)
class Held:
    """The catalogues at hand at one moment; `stamp` is the shelf's."""

    stamp: int
    by_id: Mapping[str, Catalogue]
    addresses: Mapping[str, str]
    """Catalogue id -> where it is pulled from."""
    names: Mapping[str, frozenset[str]]
    """Catalogue id -> its symbols, samples and announcements."""
    owners: Mapping[str, str]
    """Symbol -> the first catalogue that lists it."""
    lasts: frozenset[str]
    """The last parts of all symbols."""
    deprecated: frozenset[tuple[str, str]]
    """(catalogue id, symbol) of what a maker deprecates."""
    sampled: frozenset[tuple[str, str]]
    """(catalogue id, symbol) of what some sample shows."""


class Holding:
    """What a shelf holds, kept in memory."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._lock = threading.Lock()
        self._held = _hold(0, (), {})

    @property
    def at_hand(self) -> Held:
        """What was read last, at once and without a look at any file: for who must not wait."""
        return self._held

    def current(self, *, wait: bool = False) -> Held:
        """Return what the shelf holds now. Raises CatalogueError where its list is damaged.

        To read and verify a large catalogue takes a second; while another thread is at it, what was
        held before is returned, unless this one can `wait`.
        """
        stamp = self.shelf.stamp
        if self._held.stamp == stamp or not self._lock.acquire(blocking=wait):
            return self._held
        try:
            if self._held.stamp == stamp:
                return self._held
            addresses = {each.id: each.address for each in self.shelf.subscriptions()}
            self._held = _hold(stamp, self.shelf.catalogues(), addresses)
            return self._held
        finally:
            self._lock.release()


def _hold(stamp: int, catalogues: Iterable[Catalogue], addresses: Mapping[str, str]) -> Held:
    by_id = {each.id: each for each in catalogues}
    owners: dict[str, str] = {}
    for each in by_id.values():
        for entry in each.symbols:
            owners.setdefault(entry.name, each.id)
    return Held(
        stamp=stamp,
        by_id=by_id,
        addresses=addresses,
        names={each.id: each.names for each in by_id.values()},
        owners=owners,
        lasts=frozenset(name.rpartition(".")[2] for name in owners),
        deprecated=frozenset(
            (each.id, item.symbol) for each in by_id.values() for item in each.deprecations
        ),
        sampled=frozenset(
            (each.id, symbol)
            for each in by_id.values()
            for sample in each.samples
            for symbol in sample.symbols
        ),
    )
