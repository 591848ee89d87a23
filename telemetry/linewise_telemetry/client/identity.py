"""The keys under which this install sends, each useless to anyone but one collector.

In: a file of secrets that only the user can read. Out: keys by target (collector and project) and
period. A key lives for 30 days; every new consent makes a new secret, and two targets cannot match
their keys. Older secrets are kept only so that the user can still delete what was sent under them.
A secret never leaves this machine.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

from linewise_telemetry import atomic

PERIOD_HOURS = 30 * 24
KEPT_HOURS = 400 * 24  # as long as a collector keeps weekly counts


@dataclass(frozen=True, slots=True)
class Identity:
    """A secret and the hour (since 1970) of its making; periods are counted from there."""

    secret: bytes
    since_hour: int

    def key(self, target: str, hour: int) -> str:
        """Return the key towards `target` for something that happened in `hour`."""
        return self._key(target, self._period(hour))

    def keys(self, target: str, hour: int) -> list[str]:
        """Return every key towards `target` that was in use up to `hour`."""
        last = self._period(hour)
        first = max(0, last - KEPT_HOURS // PERIOD_HOURS)
        return [self._key(target, period) for period in range(first, last + 1)]

    def _period(self, hour: int) -> int:
        # A clock that was set back must not lead to a key that `keys` does not list.
        return max(0, (hour - self.since_hour) // PERIOD_HOURS)

    def _key(self, target: str, period: int) -> str:
        message = f"{target}|{period}".encode()
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()[:32]


def read(path: Path) -> list[Identity]:
    """Return the identities kept at `path`, newest first; none where the file cannot be used."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [Identity(bytes.fromhex(entry["secret"]), int(entry["hour"])) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def renew(path: Path, hour: int) -> list[Identity]:
    """Return the identities with a new one in front, kept at `path`.

    Raises OSError where they cannot be written.
    """
    kept = [old for old in read(path) if 0 <= hour - old.since_hour <= KEPT_HOURS]
    identities = [Identity(secrets.token_bytes(32), hour), *kept]
    entries = [{"secret": entry.secret.hex(), "hour": entry.since_hour} for entry in identities]
    atomic.write(path, json.dumps(entries))
    return identities
