"""What telemetry must know of the user's API catalogues, and of those who read its events.

In: nothing. Out: the `Subscriptions` that the server implements over its catalogues.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable


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


class NoSubscriptions:
    """The subscriptions of a user who has none."""

    def catalogues(self) -> Iterable[str]:
        """Return no id."""
        return ()

    def collector(self, catalogue: str) -> Collector | None:
        """Return None for every catalogue."""
        return None

    def lists(self, catalogue: str, symbol: str) -> bool:
        """Return False for every symbol."""
        return False

    def catalogue_of(self, symbol: str) -> str | None:
        """Return None for every symbol."""
        return None

    def maker(self, catalogue: str) -> str:
        """Return the catalogue's id."""
        return catalogue
