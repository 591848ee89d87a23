"""The spool keeps its bounds, counts what it drops, and survives broken files and clocks."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from linewise_telemetry.client.records import HOUR, Record
from linewise_telemetry.client.spool import Bounds, Spool
from linewise_telemetry.consent import Level
from tests.telemetry.world import START, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW_HOUR = int(START) // HOUR


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(path: Path, clock: Clock, **bounds: int) -> Spool:
    return Spool(path, Bounds(**bounds), clock.wall)


@pytest.fixture
def spool(tmp_path: Path, clock: Clock) -> Iterator[Spool]:
    made = opened(tmp_path / "spool.db", clock)
    yield made
    made.close()


def record(
    symbol: str = "s", hour: int = NOW_HOUR, level: Level = Level.EVENTS, key: str = "key"
) -> Record:
    attributes = {"catalogue": "acme", "symbol": symbol}
    targets = (("https://a.example#p", key),) if level >= Level.COUNTS else ()
    return Record("sample.inserted", attributes, attributes, 1, hour, level, targets)


def symbols(spool: Spool) -> list[str]:
    return [str(event.attributes["symbol"]) for event in spool.waiting(100_000)]


def test_bound_by_number_drops_the_oldest_and_counts_them(tmp_path: Path, clock: Clock) -> None:
    spool = opened(tmp_path / "s.db", clock, events=100)
    for i in range(150):
        spool.add([record(f"s{i}")])
    events, _ = spool.size()
    assert events <= 100
    assert symbols(spool)[-1] == "s149"
    assert spool.drops() == {"too_many": 150 - events}
    spool.close()


def test_bound_by_size(tmp_path: Path, clock: Clock) -> None:
    spool = opened(tmp_path / "s.db", clock, size=20_000)
    spool.add([record(f"s{i}") for i in range(1000)])
    events, size = spool.size()
    assert size <= 20_000
    assert spool.drops() == {"too_many": 1000 - events}
    spool.close()


def test_too_large_an_event_is_dropped(tmp_path: Path, clock: Clock) -> None:
    spool = opened(tmp_path / "s.db", clock, event_size=300)
    spool.add([record("s" * 150), record("small")])
    assert symbols(spool) == ["small"]
    assert spool.drops() == {"too_large": 1}
    spool.close()


@pytest.mark.parametrize("days", [-30, 30])
def test_clock_that_jumps(spool: Spool, clock: Clock, days: int) -> None:
    """Events from another time are dropped; new ones are kept and sent under the new clock."""
    spool.add([record("before")])
    held = spool.claim(10, 10_000, hold=60)
    assert held is not None
    clock.now += days * 24 * HOUR
    spool.add([record("after", hour=int(clock.now) // HOUR)])
    batch = spool.claim(10, 10_000, hold=60)
    assert batch is not None
    assert [event.attributes["symbol"] for event in batch.events] == ["after"]
    assert spool.drops() == {"too_old": 1}


def test_a_hold_from_the_future_does_not_stop_sending(spool: Spool, clock: Clock) -> None:
    spool.add([record("s")])
    assert spool.claim(10, 10_000, hold=60) is not None
    assert spool.claim(10, 10_000, hold=60) is None
    clock.now -= 2 * HOUR
    assert spool.claim(10, 10_000, hold=60) is not None


def test_a_batch_is_of_one_key_and_within_its_bounds(spool: Spool) -> None:
    spool.add([record(f"a{i}", key="a") for i in range(30)])
    spool.add([record(f"b{i}", key="b") for i in range(30)])
    batch = spool.claim(20, 10**6, hold=60)
    assert batch is not None
    assert (batch.key, len(batch.events)) == ("a", 20)
    batch = spool.claim(100, 1000, hold=60)
    assert batch is not None
    assert len(batch.events) < 10


def test_finish_tells_verdicts_apart(spool: Spool) -> None:
    spool.add([record("taken"), record("refused"), record("again")])
    batch = spool.claim(10, 10_000, hold=60)
    assert batch is not None
    ids = {event.attributes["symbol"]: event.id for event in batch.events}
    spool.finish(batch, {ids["refused"]: "field symbol"}, [ids["again"]])
    assert symbols(spool) == ["again"]
    assert [event.attributes["symbol"] for event in spool.sent()] == ["taken"]
    assert spool.drops() == {"refused": 1, "sent": 1}
    assert spool.claim(10, 10_000, hold=60) is not None


def test_local_records_are_counted_and_never_queued(spool: Spool) -> None:
    spool.add([record(level=Level.LOCAL)] * 3)
    assert spool.waiting() == []
    assert spool.counts(0)[0][3] == 3
    assert spool.queue_reports(NOW_HOUR + 24 * 30) == 0


def test_counts_are_reported_when_their_week_is_over(spool: Spool, clock: Clock) -> None:
    spool.add([record(level=Level.COUNTS)] * 3)
    spool.add([record(level=Level.LOCAL)] * 4)
    assert spool.queue_reports(NOW_HOUR) == 0
    clock.move(7 * 24 * HOUR)
    assert spool.queue_reports(int(clock.now) // HOUR) == 1
    (event,) = spool.waiting()
    assert (event.n, event.hour % 24) == (3, 0)
    assert event.hour <= NOW_HOUR
    assert spool.queue_reports(int(clock.now) // HOUR) == 0
    batch = spool.claim(10, 10_000, hold=60)
    assert batch is not None
    assert re.fullmatch("[0-9a-f]{32}", batch.key)
    assert spool.counts(0)[0][3] == 7


def test_purge_keeps_only_the_users_own_counts(spool: Spool, clock: Clock) -> None:
    spool.add([record("e"), record("c", level=Level.COUNTS)])
    spool.purge()
    clock.move(14 * 24 * HOUR)
    assert spool.queue_reports(int(clock.now) // HOUR) == 0
    assert spool.waiting() == []
    assert len(spool.counts(0)) == 2


def test_full_disk_loses_events_counts_them_and_goes_on(tmp_path: Path, clock: Clock) -> None:
    """SQLite's page limit fails exactly as a full disk does, with SQLITE_FULL."""
    spool = opened(tmp_path / "s.db", clock, pages=40)
    for i in range(2000):
        spool.add([record(f"s{i}")])
    kept = len(spool.waiting(100_000))
    assert 0 < kept < 2000
    spool.purge()
    spool.add([record("after")])
    assert symbols(spool) == ["after"]
    spool.close()


def test_full_disk_is_counted(tmp_path: Path, clock: Clock) -> None:
    spool = opened(tmp_path / "s.db", clock, pages=40)
    for i in range(2000):
        spool.add([record(f"s{i}")])
    kept = len(spool.waiting(100_000))
    batch = spool.claim(kept, 10**9, hold=60)
    assert batch is not None
    spool.finish(batch, {}, [])
    assert spool.drops() == {"disk": 2000 - kept, "sent": kept}
    spool.close()


@pytest.mark.parametrize(
    "garbage", [b"not a database at all" * 500, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_broken_file_is_put_aside(tmp_path: Path, clock: Clock, garbage: bytes) -> None:
    path = tmp_path / "spool.db"
    path.write_bytes(garbage)
    spool = opened(path, clock)
    spool.add([record("new")])
    assert symbols(spool) == ["new"]
    assert path.with_suffix(".broken").read_bytes() == garbage
    spool.close()


WRITER = """
import sys
from pathlib import Path
from linewise_telemetry.client.records import Record
from linewise_telemetry.client.spool import Bounds, Spool
from linewise_telemetry.consent import Level
spool = Spool(Path(sys.argv[1]), Bounds())
i = 0
while True:
    attributes = {"catalogue": "acme", "symbol": f"s{i}"}
    hour = int(sys.argv[2])
    targets = (("https://a.example#p", "k"),)
    spool.add([Record("sample.inserted", attributes, attributes, 1, hour, Level.EVENTS, targets)])
    print(i, flush=True)
    i += 1
"""


def test_kill_nine_loses_nothing_that_was_written(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "spool.db"
    command = [sys.executable, "-c", WRITER, str(path), str(NOW_HOUR)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        written = [next(writer.stdout) for _ in range(200)]
        os.kill(writer.pid, signal.SIGKILL)
    spool = opened(path, clock)
    kept = symbols(spool)
    assert kept[: len(written)] == [f"s{line.strip()}" for line in written]
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    spool.close()


def test_two_processes_never_hold_the_same_event(tmp_path: Path, clock: Clock) -> None:
    one, two = opened(tmp_path / "s.db", clock), opened(tmp_path / "s.db", clock)
    one.add([record(f"s{i}") for i in range(10)])
    first, second = one.claim(6, 10**6, 60), two.claim(6, 10**6, 60)
    assert first is not None
    assert second is not None
    assert {e.id for e in first.events}.isdisjoint({e.id for e in second.events})
    one.close()
    two.close()
