"""The keys under which this install sends, each useless to anyone but one collector.

In: a file with a secret that only the user can read. Out: keys by target (collector and project)
and period. A key lives for 30 days; every new consent makes a new secret, and two targets cannot
match their keys. A secret never leaves this machine. Which keys were used is kept elsewhere
(`recipients.py`), so that no jump of the clock can lose one.
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


@dataclass(frozen=True, slots=True)
class Identity:
    """A secret and the hour (since 1970) of its making; periods are counted from there."""

    secret: bytes
    since_hour: int

    def key(self, target: str, hour: int) -> str:
        """Return the key towards `target` for something that happened in `hour`."""
        period = (hour - self.since_hour) // PERIOD_HOURS
        message = f"{target}|{period}".encode()
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()[:32]


def read(path: Path) -> Identity | None:
    """Return the identity kept at `path`; None where there is none that can be used."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        return Identity(bytes.fromhex(entry["secret"]), int(entry["hour"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def renew(path: Path, hour: int) -> Identity:
    """Return a new identity, kept at `path` in the place of the one before.

    Raises OSError where it cannot be written.
    """
    made = Identity(secrets.token_bytes(32), hour)
    atomic.write(path, json.dumps({"secret": made.secret.hex(), "hour": made.since_hour}))
    return made
