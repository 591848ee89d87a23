"""A client with everything it talks to in reach of a test: clock, collector, catalogue, files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from linewise_telemetry.client.subscriptions import Collector
from linewise_telemetry.client.telemetry import Places, Telemetry
from linewise_telemetry.client.transport import Answer, Send, TransportError
from linewise_telemetry.events import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from linewise_telemetry.client.spool import Bounds

REGISTRY = load()
START = 1_795_435_200.0  # Monday, 23 November 2026, noon UTC
PRODUCT = Collector("https://product.example", "linewise-key")
ACME = Collector("https://acme.example", "acme-key")


@dataclass
class Clock:
    """Wall and monotonic time, moved by the test alone."""

    now: float = START
    running: float = 1000.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.running

    def move(self, seconds: float) -> None:
        self.now += seconds
        self.running += seconds


@dataclass
class Wire:
    """A collector's end of the wire: keeps every request, answers as it is told."""

    requests: list[tuple[str, str, bytes | None, Mapping[str, str]]] = field(default_factory=list)
    answers: list[Answer | TransportError] = field(default_factory=list)
    usual: Answer = field(default_factory=lambda: Answer(200, None, b"{}"))

    def send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        self.requests.append((method, url, body, headers))
        answer = self.answers.pop(0) if self.answers else self.usual
        if isinstance(answer, TransportError):
            raise answer
        return answer


class Catalogues:
    """The user subscribes to `acme`, which lists three names."""

    names = frozenset({"acme.Client.send", "acme.Client.close", "acme.quickstart"})

    def catalogues(self) -> Iterable[str]:
        return ("acme",)

    def collector(self, catalogue: str) -> Collector | None:
        return ACME if catalogue == "acme" else None

    def lists(self, catalogue: str, symbol: str) -> bool:
        return catalogue == "acme" and symbol in self.names

    def catalogue_of(self, symbol: str) -> str | None:
        return "acme" if symbol in self.names else None

    def maker(self, catalogue: str) -> str:
        return "Acme"


def places(home: Path, environ: Mapping[str, str] | None = None) -> Places:
    """The places of a test: no policy, no environment unless given."""
    return Places(home, home / "policy.json", environ or {}, PRODUCT, Catalogues())


def telemetry(
    home: Path,
    clock: Clock,
    send: Send,
    *,
    environ: Mapping[str, str] | None = None,
    bounds: Bounds | None = None,
    editor: bool = True,
) -> Telemetry:
    """A started telemetry of one process."""
    made = Telemetry(
        REGISTRY,
        places(home, environ),
        editor=editor,
        send=send,
        clock=clock.wall,
        monotonic=clock.monotonic,
        bounds=bounds,
    )
    made.start()
    return made


def records(body: bytes) -> list[dict[str, object]]:
    """The log records of an OTLP body, attributes flattened."""
    found = []
    for resource in json.loads(body)["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                flat: dict[str, object] = {
                    "name": record["eventName"],
                    "time": record["timeUnixNano"],
                }
                for attribute in record["attributes"]:
                    flat[attribute["key"]] = next(iter(attribute["value"].values()))
                found.append(flat)
    return found
