"""The loop at scale: developers with known true rates, and what the dashboard says of them.

`python -m tests.bench.loop [--developers 1000] [--days 30]` lets every developer use a catalogue
through the real client (recorder, spool, uploader, sockets) against a real collector on this
machine, on a clock of their own. Then it compares the figures of the dashboard with the rates that
the developers were made with. Prints a table, how many intervals hold the truth, and what it cost;
exits with 1 if fewer than nine in ten hold it, or if anything came from those who did not agree.
"""

from __future__ import annotations

import argparse
import random
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import uvicorn
from sqlalchemy import func, select

from linewise_telemetry.client.completions import Answered, ApiUse
from linewise_telemetry.client.subscriptions import Collector
from linewise_telemetry.client.telemetry import Places, Telemetry
from linewise_telemetry.client.transport import Answer, send
from linewise_telemetry.collector import tables
from linewise_telemetry.collector.app import assemble, build
from linewise_telemetry.collector.database import connect
from linewise_telemetry.collector.store import now_utc
from linewise_telemetry.consent import Level
from linewise_telemetry.dashboard.readings import Readings
from linewise_telemetry.events import load

DAY = 86_400.0
START = 1_793_577_600.0  # Monday, 2 November 2026, UTC
TEXT = "client.send(message, timeout=3)\n"
SYMBOLS = tuple(f"acme.Client.method{i}" for i in range(12))
LANGUAGES = {"python": (0.34, 0.72), "typescript": (0.28, 0.64), "go": (0.22, 0.81)}
"""language -> (true acceptance, true survival)"""
LEVELS = [Level.EVENTS] * 6 + [Level.COUNTS] * 2 + [Level.LOCAL, Level.OFF]
REGISTRY = load()


def symbol_rates(symbol: str) -> tuple[float, float]:
    """Return the true (acceptance, share of lookups without a page) of a symbol."""
    i = SYMBOLS.index(symbol)
    return 0.15 + 0.05 * i, 0.02 + 0.06 * i


@dataclass
class Clock:
    """The time of the developer whose turn it is."""

    now: float = START

    def wall(self) -> float:
        return self.now


@dataclass
class Catalogue:
    """What the simulated developers subscribe to."""

    maker_collector: Collector

    def catalogues(self) -> tuple[str, ...]:
        return ("acme",)

    def collector(self, catalogue: str) -> Collector | None:
        return self.maker_collector if catalogue == "acme" else None

    def lists(self, catalogue: str, symbol: str) -> bool:
        return catalogue == "acme" and symbol in SYMBOLS

    def catalogue_of(self, symbol: str) -> str | None:
        return "acme" if symbol in SYMBOLS else None

    def maker(self, catalogue: str) -> str:
        return catalogue


@dataclass
class Traffic:
    """What went over the wire."""

    requests: int = 0
    size: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)

    def send(self, method: str, url: str, body: bytes | None, headers: object) -> Answer:
        began = time.perf_counter()
        answer = send(method, url, body, headers)  # type: ignore[arg-type]  # passed through as it is
        self.seconds += time.perf_counter() - began
        self.requests += 1
        self.size += len(body or b"")
        self.statuses[answer.status] += 1
        return answer


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of the dashboard beside the rate that it estimates."""

    figure: str
    truth: float
    num: int
    den: int
    low: float
    high: float

    @property
    def holds(self) -> bool:
        return self.low <= self.truth <= self.high


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulation showed."""

    compared: list[Compared]
    events: int
    forbidden: int
    traffic: Traffic
    seconds: float
    growth: int
    developers: int
    days: int


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--developers", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    outcome = simulate(options.developers, options.days, options.seed)
    sys.stdout.write(report(outcome))
    held = sum(compared.holds for compared in outcome.compared)
    sys.exit(outcome.forbidden > 0 or held < 0.9 * len(outcome.compared))


def simulate(developers: int, days: int, seed: int) -> Outcome:
    """Let everybody develop, and compare what the dashboard then says with the truth."""
    chance = random.Random(seed)
    clock, traffic = Clock(), Traffic()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        collector = assemble(
            connect(f"sqlite:///{root}/collector.db"), REGISTRY, unlimited=True, clock=clock.wall
        )
        keys = {
            "acme": collector.accounts.add_project("acme", "Acme", "catalogue", SYMBOLS),
            "linewise": collector.accounts.add_project("linewise", "Linewise", "product", ()),
        }
        before = _size(root)
        listening = socket.create_server(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(build(collector), access_log=False, log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        began = time.perf_counter()
        places = {name: Collector(origin, key) for name, key in keys.items()}
        quiet = 0
        for number in range(developers):
            level = LEVELS[number % len(LEVELS)]
            sent = traffic.requests
            _develop(root / f"home{number}", level, days, chance, clock, traffic, places)
            quiet += traffic.requests - sent if level < Level.COUNTS else 0
        seconds = time.perf_counter() - began
        server.should_exit = True
        thread.join()
        clock.now = START + (days + 14) * DAY
        collector.events.sweep(now_utc(clock.now))
        with collector.engine.connect() as connection:
            events = connection.execute(select(func.count()).select_from(tables.event)).scalar()
        compared = [
            *_compare(Readings(collector.engine, REGISTRY, "linewise", date.min), LANGUAGES),
            *_compare_symbols(Readings(collector.engine, REGISTRY, "acme", date.min)),
        ]
        growth = _size(root) - before
        collector.engine.dispose()
    return Outcome(compared, int(events or 0), quiet, traffic, seconds, growth, developers, days)


def report(outcome: Outcome) -> str:
    """Return the outcome as Markdown."""
    lines = ["| figure | truth | dashboard | interval | of | holds |", "|---|---|---|---|---|---|"]
    for one in outcome.compared:
        interval = f"{100 * one.low:.1f} to {100 * one.high:.1f} %"
        share = 100 * one.num / max(1, one.den)
        cells = (
            one.figure, f"{100 * one.truth:.1f} %", f"{share:.1f} %", interval, f"{one.den:,}",
            "yes" if one.holds else "no",
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    held = sum(one.holds for one in outcome.compared)
    agreed = sum(
        LEVELS[number % len(LEVELS)] >= Level.COUNTS for number in range(outcome.developers)
    )
    per_install = outcome.events / max(1, agreed) / outcome.days
    wire = outcome.traffic.size / max(1, outcome.events)
    stored = outcome.growth / max(1, outcome.events)
    million = 1_000_000 * per_install
    lines += [
        "",
        f"{held} of {len(outcome.compared)} intervals hold the truth (95 % are expected to).",
        f"Requests from those who did not agree: {outcome.forbidden}.",
        f"{outcome.events:,} events of {outcome.developers:,} developers over"
        f" {outcome.days} days in {outcome.seconds:.0f} s, clients and collector on one machine;"
        f" {outcome.traffic.requests:,} requests, {wire:.0f} bytes an event on the wire,"
        f" {stored:.0f} bytes stored; answers: {dict(outcome.traffic.statuses)}.",
        f"A million installs at this use: {million:,.0f} events a day, {million / 86_400:,.0f} a"
        f" second on average, {million * wire / 1e9:.2f} GB a day on the wire,"
        f" {90 * million * stored / 1e12:.2f} TB in the 90 days that events are kept.",
        "",
    ]
    return "\n".join(lines)


def _develop(
    home: Path,
    level: Level,
    days: int,
    chance: random.Random,
    clock: Clock,
    traffic: Traffic,
    places: dict[str, Collector],
) -> None:
    clock.now = START
    client = Telemetry(
        REGISTRY,
        Places(home, home / "policy.json", {}, places["linewise"], Catalogue(places["acme"])),
        send=traffic.send,
        clock=clock.wall,
        monotonic=clock.wall,
    )
    client.start()
    client.choose(level)
    for day in range(days):
        clock.now = START + day * DAY + 9 * 3600
        if day % 7 < 5:
            _work(client, chance, clock)
        if day % 3 == 2:
            client.flush(60)
            client.send_now()
    client.flush(60)
    clock.now = START + (days + 8) * DAY
    client.send_now()
    client.stop()


def _work(client: Telemetry, chance: random.Random, clock: Clock) -> None:
    """Do one day's work: a session, a few lookups, a few completions that live or die."""
    client.record(
        "session.started", editor="vscode", os=chance.choice(["linux", "macos", "windows"]),
        arch="x86_64", version="0.1.0", backend="cpu", family="smollm2", parameters_m=135,
    )  # fmt: skip
    for _ in range(3):
        symbol = chance.choice(SYMBOLS)
        missing = chance.random() < symbol_rates(symbol)[1]
        client.record(
            "docs.shown", catalogue="acme", symbol=symbol, surface="hover", answered=not missing
        )
        if missing:
            client.record("docs.gap", catalogue="acme", symbol=symbol, kind="no_page")
    documents: dict[str, str] = {}
    for number in range(4):
        lang, (accept, survive) = chance.choice(list(LANGUAGES.items()))
        symbol = chance.choice(SYMBOLS)
        id_ = f"{clock.now}-{number}"
        # A language's rates and a symbol's are two worlds, so that both are known.
        of_symbol = number % 2 == 1
        apis = (ApiUse("acme", symbol, deprecated=False),) if of_symbol else ()
        wanted = symbol_rates(symbol)[0] if of_symbol else accept
        answer = Answered(
            id_, "other" if of_symbol else lang, "automatic", "produced", "model",
            chance.lognormvariate(5, 0.7), 40, 9, TEXT, apis,
        )  # fmt: skip
        client.completions.answer(answer, clock.now)
        client.completions.show(id_, "rendered", clock.now)
        if chance.random() < wanted:
            client.completions.accept(id_, id_, 0, clock.now + 2)
            documents[id_] = TEXT if of_symbol or chance.random() < survive else ""
        else:
            client.completions.dismiss(id_, "rejected", 2000.0, clock.now + 2)
    for seconds in (31, 121, 301, 601):
        start = clock.now
        clock.now = start + seconds
        client.tick(documents.get)
        clock.now = start


def _compare(readings: Readings, rates: dict[str, tuple[float, float]]) -> list[Compared]:
    compared = []
    for metric, which in (("acceptance", 0), ("survival", 1)):
        for reading in readings.by(metric, "lang"):
            if reading.value in rates:
                share = reading.share
                compared.append(
                    Compared(
                        f"{metric}, {reading.value}", rates[reading.value][which], share.num,
                        share.den, share.low, share.high,
                    )
                )  # fmt: skip
    return compared


def _compare_symbols(readings: Readings) -> list[Compared]:
    compared = []
    for metric, which in (("api_acceptance", 0), ("unanswered", 1)):
        for reading in sorted(readings.by(metric, "symbol"), key=lambda one: one.value):
            share = reading.share
            compared.append(
                Compared(
                    f"{metric}, {reading.value}", symbol_rates(reading.value)[which], share.num,
                    share.den, share.low, share.high,
                )
            )  # fmt: skip
    return compared


def _size(root: Path) -> int:
    return sum(path.stat().st_size for path in root.glob("collector.db*"))


if __name__ == "__main__":
    main()
