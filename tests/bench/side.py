"""What both sides of a typing benchmark do, and what is noted of each key.

In: pages and keys. Out: `Record`s. A side is one editor with one completion system behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tests.bench.keyboard import Key, Page


@dataclass(slots=True)
class Record:
    """One key and what came of it."""

    kind: str
    pressed: float = field(default_factory=time.perf_counter)
    shown_ms: float | None = None
    """Milliseconds from the key until its suggestion was there; None where none came in time."""
    evaluated: int = 0
    """Prompt tokens that the engine evaluated from this key to the next, for whatever reason."""
    cancelled: bool = False
    origin: str = ""
    filters: tuple[str, ...] = ()


Show = Callable[[Record, str], None]
"""Called with a suggestion for a key; the text may be empty."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second of an engine that does nothing else, at a depth of 256 tokens."""

    prompt: float
    generation: float


class Side(Protocol):
    """An editor with a completion system."""

    name: str

    @property
    def root(self) -> int:
        """The process whose tree does the work."""
        ...

    @property
    def engine_requests(self) -> int:
        """Requests that reached the model so far."""
        ...

    async def speed(self, text: str) -> Speed:
        """Measure the engine on a prompt it has not seen."""
        ...

    async def open(self, page: Page, name: str) -> None:
        """Open a document, with the cursor where the page has it."""
        ...

    def key(self, page: Page, key: Key, record: Record, show: Show) -> None:
        """Tell of a key, and ask; what was asked for an earlier key is cancelled."""
        ...

    async def close(self) -> None:
        """Close the document and wait until all is accounted for."""
        ...

    async def stop(self) -> None:
        """End the processes."""
        ...
