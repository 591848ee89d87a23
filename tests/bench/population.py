"""Installs that use Linewise for an hour, sent to a collector through the real client.

`python -m tests.bench.population ORIGIN PRODUCT-KEY CATALOGUE CATALOGUE-KEY SYMBOL…` stands in for
the other developers where one editor is looked at: figures that rest on fewer than five installs
are not shown, so that one install alone sees nothing of itself. Each of the eight reads five
completions, accepts three, and looks every symbol up five times, once without a page. Prints what
the collector then holds, as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from linewise_telemetry.client.subscriptions import Collector
from linewise_telemetry.client.telemetry import Places, Telemetry
from linewise_telemetry.consent import Level
from linewise_telemetry.events import load

INSTALLS, READ, ACCEPTED, LOOKUPS = 8, 5, 3, 5


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The one catalogue that everybody subscribes to."""

    id: str
    to: Collector
    symbols: frozenset[str]

    def catalogues(self) -> tuple[str, ...]:
        return (self.id,)

    def collector(self, catalogue: str) -> Collector | None:
        return self.to if catalogue == self.id else None

    def lists(self, catalogue: str, symbol: str) -> bool:
        return catalogue == self.id and symbol in self.symbols

    def catalogue_of(self, symbol: str) -> str | None:
        return self.id if symbol in self.symbols else None

    def maker(self, catalogue: str) -> str:
        return catalogue


def main(origin: str, product: str, catalogue: str, key: str, *symbols: str) -> None:
    """Let everybody work and send."""
    subscribed = Subscribed(catalogue, Collector(origin, key), frozenset(symbols))
    with tempfile.TemporaryDirectory() as root:
        for install in range(INSTALLS):
            home = Path(root) / str(install)
            places = Places(home, home / "policy.json", {}, Collector(origin, product), subscribed)
            _work(Telemetry(load(), places), catalogue, symbols)
    lookups = INSTALLS * LOOKUPS
    told = {
        "accepted": INSTALLS * ACCEPTED,
        "read": INSTALLS * READ,
        "lookups": dict.fromkeys(symbols, lookups),
        "unanswered": dict.fromkeys(symbols, INSTALLS),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def _work(client: Telemetry, catalogue: str, symbols: tuple[str, ...]) -> None:
    client.start()
    client.choose(Level.EVENTS)
    for number in range(READ):
        client.record(
            "completion.ended", lang="python", basis="inferred", shown_ms=1500, read=True,
            end="accepted" if number < ACCEPTED else "rejected", lines=1, chars=20,
            taken=100 if number < ACCEPTED else 0,
        )  # fmt: skip
    for symbol in symbols:
        for number in range(LOOKUPS):
            client.record(
                "docs.shown", catalogue=catalogue, symbol=symbol, surface="hover",
                answered=number > 0,
            )  # fmt: skip
    client.flush(60)
    client.send_now()
    client.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
