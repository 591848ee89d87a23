"""Ingest: events per second and core, the time of a batch, and what a kill in the middle loses.

`python -m tests.bench.ingest [--events N]` starts a real collector process over SQLite and over a
PostgreSQL of its own, sends batches of 100 through real sockets, replays some, kills the process
with SIGKILL under load, starts it again and looks whether every acknowledged event is there. Prints
one table.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, func, select

from linewise_telemetry.client.otlp import encode
from linewise_telemetry.client.records import HOUR, Batch, Queued
from linewise_telemetry.collector import tables
from linewise_telemetry.collector.accounts import Accounts
from linewise_telemetry.collector.database import connect
from linewise_telemetry.events import Wire, load
from tests.telemetry.postgres import run_postgres

BATCH = 100
SCHEMA = load().schema
SYMBOLS = tuple(f"acme.Client.method{i}" for i in range(50))
SERVE = """
import sys, uvicorn
from linewise_telemetry.collector.app import assemble, build
from linewise_telemetry.collector.database import connect
from linewise_telemetry.events import load
app = build(assemble(connect(sys.argv[1]), load(), unlimited=True))
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One database's figures; times in seconds."""

    database: str
    rate: float
    rate_per_core: float
    p50: float
    p99: float
    bytes_wire: float
    bytes_stored: float
    replayed: int
    acknowledged: int
    lost: int


def main() -> None:
    """Measure every database that was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        results = [measure(f"sqlite:///{directory}/collector.db", options.events)]
    with run_postgres(durable=True) as url:
        results.append(measure(url, options.events))
    head = (
        "database", "events/s", "events/s per core", "batch p50", "batch p99",
        "bytes/event on the wire", "bytes/event stored", "new after 3 replays",
        "acknowledged before kill -9", "lost",
    )  # fmt: skip
    sys.stdout.write("| " + " | ".join(head) + " |\n|" + "---|" * len(head) + "\n")
    for r in results:
        row = (
            r.database, f"{r.rate:,.0f}", f"{r.rate_per_core:,.0f}", f"{r.p50 * 1e3:.1f} ms",
            f"{r.p99 * 1e3:.1f} ms", f"{r.bytes_wire:.0f}", f"{r.bytes_stored:.0f}",
            str(r.replayed),
            f"{r.acknowledged:,}", str(r.lost),
        )  # fmt: skip
        sys.stdout.write("| " + " | ".join(row) + " |\n")


def measure(url: str, events: int) -> Result:
    """Return the figures of the collector over the database at `url`, which must be empty."""
    engine = connect(url)
    key = Accounts(engine).add_project("acme", "Acme", "catalogue", SYMBOLS)
    before = _size(url)
    with Server(url) as server:
        batches = [_batch(i) for i in range(events // BATCH)]
        began, cpu = time.perf_counter(), server.cpu()
        times = [server.post(key, number, body) for number, body in enumerate(batches)]
        took, used = time.perf_counter() - began, server.cpu() - cpu
        stored = _count(engine)
        for _ in range(3):
            for number in range(10):
                server.post(key, number, batches[number])
        replayed = _count(engine) - stored
        growth = _size(url) - before
        acknowledged = _kill_under_load(server, key, first=len(batches))
    with Server(url):
        kept = _count(engine) - stored
    engine.dispose()
    return Result(
        database=engine.dialect.name,
        rate=stored / took,
        rate_per_core=stored / max(used, 1e-9),
        p50=statistics.median(times),
        p99=statistics.quantiles(times, n=100)[98],
        bytes_wire=sum(map(len, batches)) / events,
        bytes_stored=growth / events,
        replayed=replayed,
        acknowledged=acknowledged,
        lost=max(0, acknowledged - kept),
    )


class Server:
    """A collector process and a connection to it."""

    def __init__(self, url: str) -> None:
        self._url = url
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])

    def __enter__(self) -> Server:
        self.process = subprocess.Popen([sys.executable, "-c", SERVE, self._url, str(self.port)])
        while True:
            try:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                self.connection.request("GET", "/healthz")
                self.connection.getresponse().read()
            except OSError:
                if self.process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.wait()

    def post(self, key: str, number: int, body: bytes) -> float:
        """Send one batch; return how long its acknowledgement took."""
        headers = {
            "Linewise-Project": key,
            "Linewise-Install": f"{number % 200:032x}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }
        began = time.perf_counter()
        self.connection.request("POST", "/v1/logs", body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200 or b'"verdicts":{}' not in text:
            raise RuntimeError(f"{answer.status} {text[:200]!r}")
        return time.perf_counter() - began

    def cpu(self) -> float:
        """Return the processor seconds of the process."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _kill_under_load(server: Server, key: str, first: int) -> int:
    """Kill the process while batches arrive; return how many events were acknowledged."""
    acknowledged = 0
    killer = threading.Timer(1.0, os.kill, (server.process.pid, signal.SIGKILL))
    killer.start()
    number = first
    try:
        while True:
            server.post(key, number, _batch(number))
            acknowledged += BATCH
            number += 1
    except (OSError, http.client.HTTPException):
        killer.join()
        server.process.wait()
    return acknowledged


def _batch(number: int) -> bytes:
    hour = int(time.time()) // HOUR
    chance = random.Random(number)
    events = []
    for i in range(BATCH):
        attributes: dict[str, Wire] = {
            "catalogue": "acme",
            "symbol": SYMBOLS[(number + i) % len(SYMBOLS)],
            "surface": "hover",
            "answered": i % 7 > 0,
        }
        id_ = f"{hour:08x}{chance.getrandbits(96):024x}"
        events.append(Queued(i, id_, hour, "docs.shown", attributes, None))
    return gzip.compress(encode(Batch("", "", tuple(events)), SCHEMA), mtime=0)


def _count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(tables.event)).scalar() or 0)


def _size(url: str) -> int:
    if not url.startswith("sqlite:///"):
        engine = connect(url)
        with engine.connect() as connection:
            size = connection.exec_driver_sql(
                "SELECT pg_database_size(current_database())"
            ).scalar()
        engine.dispose()
        return int(size or 0)
    path = Path(url.removeprefix("sqlite:///"))
    return sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))


if __name__ == "__main__":
    main()
