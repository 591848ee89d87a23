"""The spool: what was recorded and not yet sent, and the daily counts of the user's own page.

In: records that passed the gate. Out: batches of one target and key, and counts. Bounded by number,
bytes and age, and every drop is counted by reason. Never decides what may leave, and never opens a
connection.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linewise_telemetry.client.records import HOUR, Batch, Queued, Record, week_of
from linewise_telemetry.client.spool_file import SpoolFile
from linewise_telemetry.consent import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from linewise_telemetry.events import Wire


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the spool may hold; `pages` of 4 KiB bound the whole file."""

    events: int = 10_000
    size: int = 5 * 1024 * 1024
    age_hours: int = 21 * 24
    event_size: int = 8 * 1024
    sent: int = 1_000
    counts_days: int = 400
    pages: int = 8_192


class Spool:
    """The file; safe to use from several threads and several processes."""

    def __init__(self, path: Path, bounds: Bounds, clock: Callable[[], float] = time.time) -> None:
        self._bounds = bounds
        self._clock = clock
        self._file = SpoolFile(path, bounds.pages)

    def add(self, records: Iterable[Record]) -> None:
        """Keep records: as counts always, as events where the level says so. Never raises."""
        records = list(records)
        try:
            with self._file.write() as db:
                for record in records:
                    self._add(db, record)
                self._trim(db)
        except sqlite3.Error:
            self.drop("disk", sum(1 for record in records if record.targets))

    def claim(
        self, most: int, size: int, hold: float, *, skip: Collection[str] = ()
    ) -> Batch | None:
        """Return the oldest events of one collector and key, held for `hold` seconds, or None.

        Events for the targets in `skip` are left where they are.
        What is not removed by then can be claimed again, by any process.
        """
        try:
            with self._file.write() as db:
                self._trim(db)
                batch = self._oldest(db, most, size, hold, skip)
                if batch is not None:
                    db.executemany(
                        "UPDATE event SET held_until = ? WHERE seq = ?",
                        [(self._clock() + hold, event.seq) for event in batch.events],
                    )
                return batch
        except sqlite3.OperationalError:
            # A full disk cannot note the hold. Sending makes room, and should another process send
            # the same events, the collector counts them once.
            with self._file.look() as db:
                return self._oldest(db, most, size, hold, skip)

    def finish(self, batch: Batch, dropped: Mapping[str, str], again: Iterable[str]) -> None:
        """Remove a batch that was answered.

        `dropped` says which event ids the collector refused and why; `again` are the ids that it
        wants once more.
        """
        again = set(again)
        done = [event for event in batch.events if event.id not in again]
        now = self._clock()
        with self._file.write() as db:
            # First, because on a full disk it makes the room for what follows.
            db.executemany("DELETE FROM event WHERE seq = ?", [(event.seq,) for event in done])
            db.executemany(
                "INSERT INTO sent (at, target, hour, name, attributes, n)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (now, batch.target, event.hour, event.name, _dump(event.attributes), event.n)
                    for event in done
                    if event.id not in dropped
                ],
            )
            db.execute(
                "DELETE FROM sent WHERE seq <= (SELECT max(seq) FROM sent) - ?",
                (self._bounds.sent,),
            )
            self._file.count_drop(db, "refused", len(dropped))
            self._file.count_drop(db, "sent", len(done) - len(dropped))
        self.release(batch)

    def release(self, batch: Batch) -> None:
        """Let the rest of a batch be claimed again."""
        with self._file.write() as db:
            db.executemany(
                "UPDATE event SET held_until = 0 WHERE seq = ?",
                [(event.seq,) for event in batch.events],
            )

    def purge(self) -> None:
        """Remove everything that could be sent; the counts of the user's own page stay."""
        with self._file.write() as db:
            for table in ("event", "unreported", "dropped"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 (the names are those above)
            self._file.forget_drops()

    def erase(self) -> None:
        """Remove everything, the user's own counts too."""
        with self._file.write() as db:
            for table in ("event", "sent", "count", "unreported", "report", "dropped", "state"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 (the names are those above)
            self._file.forget_drops()

    def queue_reports(self, now_hour: int) -> int:
        """Turn the counts of finished weeks made under `counts` into events; return how many."""
        this_week = week_of(now_hour)
        with self._file.write() as db:
            rows = db.execute(
                "SELECT week, target, name, attributes, n FROM unreported WHERE week < ?",
                (this_week,),
            ).fetchall()
            for week, target, name, attributes, n in rows:
                key = self._report_key(db, week, target)
                self._insert(db, target, key, week, name, attributes, n)
            db.execute("DELETE FROM unreported WHERE week < ?", (this_week,))
            self._trim(db)
        return len(rows)

    def counts(self, since_day: int) -> list[tuple[int, str, dict[str, Wire], int]]:
        """Return (day, event, attributes, n) for the user's own page; days since 1970."""
        self._file.flush()
        rows = self._file.read(
            "SELECT day, name, attributes, n FROM count WHERE day >= ? ORDER BY day", (since_day,)
        )
        return [(day, name, json.loads(attributes), n) for day, name, attributes, n in rows]

    def waiting(self, most: int = 100) -> list[Queued]:
        """Return what would be sent next, oldest first."""
        return self._list(
            "SELECT seq, id, hour, name, attributes, n FROM event ORDER BY seq LIMIT ?", most
        )

    def sent(self, most: int = 100) -> list[Queued]:
        """Return what was sent, newest first."""
        return self._list(
            "SELECT seq, '', hour, name, attributes, n FROM sent ORDER BY seq DESC LIMIT ?", most
        )

    def drop(self, reason: str, n: int = 1) -> None:
        """Count events that were lost before or after the spool. Never raises."""
        self._file.drop(reason, n)

    def drops(self) -> dict[str, int]:
        """Return reason -> events lost (`sent` counts those that were not)."""
        return self._file.drops()

    def take_drops(self) -> dict[str, int]:
        """Return `drops` and start counting anew."""
        return self._file.take_drops()

    def size(self) -> tuple[int, int]:
        """Return (events, bytes) that wait."""
        ((events, size),) = self._file.read("SELECT count(*), coalesce(sum(size), 0) FROM event")
        return events, size

    def get_state(self, name: str) -> float:
        """Return a number that survives a restart, 0 if it was never set."""
        rows = self._file.read("SELECT value FROM state WHERE name = ?", (name,))
        return float(rows[0][0]) if rows else 0.0

    def set_state(self, name: str, value: float) -> None:
        """Keep a number across restarts."""
        with self._file.write() as db:
            db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Write what is unwritten and close the file; whoever still uses it gets sqlite3.Error."""
        self._file.close()

    def _add(self, db: sqlite3.Connection, record: Record) -> None:
        attributes = _dump(record.counted)
        db.execute(
            "INSERT INTO count VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            (record.hour // 24, record.name, attributes, record.n),
        )
        if record.level == Level.COUNTS:
            for target, _ in record.targets:
                db.execute(
                    "INSERT INTO unreported VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET n = n + excluded.n",
                    (week_of(record.hour), target, record.name, attributes, record.n),
                )
        if record.level == Level.EVENTS:
            for target, key in record.targets:
                self._insert(
                    db, target, key, record.hour, record.name, _dump(record.attributes), None
                )

    def _insert(
        self,
        db: sqlite3.Connection,
        target: str,
        key: str,
        hour: int,
        name: str,
        attributes: str,
        n: int | None,
    ) -> None:
        size = len(attributes) + 200  # the OTLP frame around the attributes
        if size > self._bounds.event_size:
            self._file.count_drop(db, "too_large", 1)
            return
        # The id begins with the hour, which is on the wire anyway: sorted ids keep the collector's
        # index compact, and a time in milliseconds (as in UUID version 7) would say too much.
        id_ = f"{max(hour, 0) & 0xFFFFFFFF:08x}{secrets.token_hex(12)}"
        db.execute(
            "INSERT INTO event (id, target, key, hour, name, attributes, size, n)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (id_, target, key, hour, name, attributes, size, n),
        )

    def _oldest(
        self, db: sqlite3.Connection, most: int, size: int, hold: float, skip: Collection[str]
    ) -> Batch | None:
        now = self._clock()
        # A hold further in the future than any process would ask for comes from a clock that was
        # set back; it would otherwise stop all sending until that time.
        free = "(held_until <= ? OR held_until > ?)"
        limits = (now, now + 2 * hold)
        others = f"target NOT IN ({', '.join('?' * len(skip))})"
        first = db.execute(
            f"SELECT target, key FROM event WHERE {free} AND {others}"  # noqa: S608
            " ORDER BY seq LIMIT 1",
            (*limits, *skip),
        ).fetchone()
        if first is None:
            return None
        rows = db.execute(
            "SELECT seq, id, hour, name, attributes, n, size FROM event"  # noqa: S608
            f" WHERE {free} AND target = ? AND key = ? ORDER BY seq LIMIT ?",
            (*limits, *first, most),
        ).fetchall()
        taken: list[Queued] = []
        total = 0
        for seq, id_, hour, name, attributes, n, event_size in rows:
            total += event_size
            if taken and total > size:
                break
            taken.append(Queued(seq, id_, hour, name, json.loads(attributes), n))
        return Batch(first[0], first[1], tuple(taken))

    def _report_key(self, db: sqlite3.Connection, week: int, target: str) -> str:
        db.execute(
            "INSERT OR IGNORE INTO report VALUES (?, ?, ?)", (week, target, secrets.token_hex(16))
        )
        row = db.execute(
            "SELECT key FROM report WHERE week = ? AND target = ?", (week, target)
        ).fetchone()
        return str(row[0])

    def _trim(self, db: sqlite3.Connection) -> None:
        bounds = self._bounds
        hour = int(self._clock()) // HOUR
        # An event from the future was made before the clock was set right; its time is worthless.
        cursor = db.execute(
            "DELETE FROM event WHERE hour < ? OR hour > ?", (hour - bounds.age_hours, hour + 24)
        )
        self._file.count_drop(db, "too_old", cursor.rowcount)
        events, size = db.execute("SELECT count(*), coalesce(sum(size), 0) FROM event").fetchone()
        if events > bounds.events or size > bounds.size:
            # Drops to nine tenths, so that a full spool is not trimmed at every event.
            rows = db.execute("SELECT seq, size FROM event ORDER BY seq").fetchall()
            dropped = 0
            for seq, event_size in rows:
                if events <= bounds.events * 9 // 10 and size <= bounds.size * 9 // 10:
                    break
                db.execute("DELETE FROM event WHERE seq = ?", (seq,))
                events, size, dropped = events - 1, size - event_size, dropped + 1
            self._file.count_drop(db, "too_many", dropped)
        db.execute("DELETE FROM count WHERE day < ?", (hour // 24 - bounds.counts_days,))

    def _list(self, query: str, most: int) -> list[Queued]:
        return [
            Queued(seq, id_, hour, name, json.loads(text), n)
            for seq, id_, hour, name, text, n in self._file.read(query, (most,))
        ]


def _dump(attributes: Mapping[str, Wire]) -> str:
    return json.dumps(dict(attributes), separators=(",", ":"))
