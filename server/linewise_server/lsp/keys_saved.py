"""Keys that suggestions saved the user today, from one local midnight to the next.

In: how much of a suggestion is in the text. Out: the count of all the user's windows, in
`keys-saved.json` of their home, never sent. With telemetry `off` nothing is kept on disk, and the
file is removed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any

from filelock import FileLock, Timeout

from linewise_telemetry import atomic

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0
_REMEMBERED = 200
"""Suggestions of which some is taken already; more than any window has going."""


class KeysSaved:
    """The count of the day; `read` and `keep` may wait for a file and belong into a thread."""

    def __init__(
        self,
        path: Path | None,
        allowed: Callable[[], bool],
        now: Callable[[], date] = date.today,
    ) -> None:
        self._path = path
        self._allowed = allowed
        self._now = now
        self._day = now()
        self._kept = 0
        self._fresh = 0
        self._taken: dict[str, int] = {}
        self._lock = Lock()

    @property
    def today(self) -> int:
        """Characters that were taken instead of typed since midnight, as far as is known here."""
        return self._kept + self._fresh if self._day == self._now() else 0

    def tell(self, identity: str, characters: int) -> None:
        """Note that the first `characters` of a suggestion are in the text now."""
        more = characters - self._taken.pop(identity, 0)
        self._taken[identity] = characters
        while len(self._taken) > _REMEMBERED:
            del self._taken[next(iter(self._taken))]
        with self._lock:
            self._turn()
            self._fresh += max(more, 0)

    def read(self) -> None:
        """Take in what other windows kept. Never raises."""
        with self._lock:
            self._turn()
            if self._path is not None and self._allowed():
                self._kept = max(self._kept, self._on_disk(self._path))

    def keep(self) -> None:
        """Add what is new to what is on disk. Never raises."""
        if self._path is None:
            return
        with self._lock:
            self._turn()
            try:
                if not self._allowed():
                    self._path.unlink(missing_ok=True)
                    return
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(self._path.with_suffix(".lock"), timeout=_PATIENCE_S):
                    total = self._on_disk(self._path) + self._fresh
                    row = {"day": self._day.isoformat(), "keys": total}
                    atomic.write(self._path, json.dumps(row) + "\n")
            except (OSError, Timeout) as error:
                log.debug("%s: %s", self._path, error)
                return
            self._kept, self._fresh = total, 0

    def _turn(self) -> None:
        """Begin at nothing where a day has ended."""
        if self._day != self._now():
            self._day, self._kept, self._fresh = self._now(), 0, 0

    def _on_disk(self, path: Path) -> int:
        try:
            row: Any = json.loads(path.read_text("utf-8"))
            keys = row["keys"] if row["day"] == self._day.isoformat() else 0
            return keys if isinstance(keys, int) and keys >= 0 else 0
        except (OSError, ValueError, TypeError, KeyError):
            return 0
