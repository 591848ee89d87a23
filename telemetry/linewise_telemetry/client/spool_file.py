"""The spool's file: its tables, its transactions, and the account of what was lost.

In: statements. Out: rows. One SQLite file in WAL mode that all editor windows share; one that is no
database any more is put aside. What is lost while nothing can be written is counted in memory and
written with the next transaction.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS event (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, target TEXT NOT NULL, key TEXT NOT NULL,
  hour INTEGER NOT NULL, name TEXT NOT NULL, attributes TEXT NOT NULL, size INTEGER NOT NULL,
  n INTEGER, held_until REAL NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS sent (
  seq INTEGER PRIMARY KEY, at REAL NOT NULL, target TEXT NOT NULL, hour INTEGER NOT NULL,
  name TEXT NOT NULL, attributes TEXT NOT NULL, n INTEGER
);
CREATE TABLE IF NOT EXISTS count (
  day INTEGER NOT NULL, name TEXT NOT NULL, attributes TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (day, name, attributes)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unreported (
  week INTEGER NOT NULL, target TEXT NOT NULL, name TEXT NOT NULL, attributes TEXT NOT NULL,
  n INTEGER NOT NULL, PRIMARY KEY (week, target, name, attributes)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS report (
  week INTEGER NOT NULL, target TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (week, target)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dropped (reason TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""


class SpoolFile:
    """The file; safe to use from several threads and several processes."""

    def __init__(self, path: Path, pages: int) -> None:
        self._path = path
        self._pages = pages
        self._lock = threading.Lock()
        self._losing = threading.Lock()
        self._unwritten: Counter[str] = Counter()
        self._db = self._open()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the database for one transaction; an exception undoes it."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                with self._losing:
                    lost = dict(self._unwritten)
                for reason, n in lost.items():
                    self.count_drop(self._db, reason, n)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            with self._losing:
                self._unwritten -= Counter(lost)

    def read(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Return the rows of a query."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def look(self) -> Iterator[sqlite3.Connection]:
        """Give the database for reading, outside of any transaction."""
        with self._lock:
            yield self._db

    def drop(self, reason: str, n: int = 1) -> None:
        """Count events that were lost before or after the spool. Never raises."""
        with self._losing:
            self._unwritten[reason] += n

    def count_drop(self, db: sqlite3.Connection, reason: str, n: int) -> None:
        """Count a loss within a transaction."""
        if n > 0:
            db.execute(
                "INSERT INTO dropped VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
                (reason, n),
            )

    def drops(self) -> dict[str, int]:
        """Return reason -> events lost (`sent` counts those that were not)."""
        self.flush()
        return dict(self.read("SELECT reason, n FROM dropped ORDER BY 1"))

    def take_drops(self) -> dict[str, int]:
        """Return `drops` and start counting anew."""
        drops = self.drops()
        with self.write() as db:
            db.execute("DELETE FROM dropped")
        return drops

    def forget_drops(self) -> None:
        """Forget what was not written yet; call within a transaction that empties the table."""
        self._unwritten.clear()

    def flush(self) -> None:
        """Write what was lost and is not written yet, if anything can be."""
        if self._unwritten:
            try:
                with self.write():
                    pass
            except sqlite3.Error:
                return

    def close(self) -> None:
        """Write what is unwritten and close the file; whoever still uses it gets sqlite3.Error."""
        self.flush()
        with self._lock:
            self._db.close()

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            # The file is no database any more. Nothing of it can be sent, so it is put aside.
            self._path.replace(self._path.with_suffix(".broken"))
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=5, check_same_thread=False, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA max_page_count = {self._pages}")
            db.executescript(_TABLES)
        except sqlite3.Error:
            db.close()
            raise
        return db
