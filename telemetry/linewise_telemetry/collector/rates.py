"""Rate limits per key and per address, of which no address is kept.

In: a key or an address. Out: seconds to wait, or None. An address lives in this process's memory
for a minute, as a hash with a salt that dies with the process.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

PER_KEY = parse("60/minute")
PER_ADDRESS = parse("1200/minute")
LOGINS = parse("10/minute")


class Rates:
    """The counters of one process; `unlimited` is for measurements."""

    def __init__(self, *, unlimited: bool = False) -> None:
        self._unlimited = unlimited
        self._salt = secrets.token_bytes(16)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def wait_for_key(self, key: str) -> int | None:
        """Return how many seconds the install with `key` must wait, or None."""
        return self._hit(PER_KEY, "key", key)

    def wait_for_address(self, address: str) -> int | None:
        """Return how many seconds requests from `address` must wait, or None."""
        return self._hit(PER_ADDRESS, "address", _network(address))

    def wait_for_login(self, address: str) -> int | None:
        """Return how many seconds logins from `address` must wait, or None."""
        return self._hit(LOGINS, "login", _network(address))

    def _hit(self, item: RateLimitItem, kind: str, name: str) -> int | None:
        if self._unlimited:
            return None
        hashed = hashlib.blake2b(name.encode(), key=self._salt, digest_size=16).hexdigest()
        if self._limiter.hit(item, kind, hashed):
            return None
        reset = self._limiter.get_window_stats(item, kind, hashed).reset_time
        return max(1, int(reset - time.time()) + 1)


def _network(address: str) -> str:
    """Return the address, for IPv6 its /64: that is what one customer gets."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
