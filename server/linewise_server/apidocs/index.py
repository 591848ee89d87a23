"""The index of all docs that this machine knows: inventories in, symbols by name out.

One SQLite file holds every docset. A look-up reads a few pages of it, so that a hundred thousand
symbols cost neither start-up time nor memory. A file that is damaged is put
aside and a new one begun; one of the format before is brought up to date, any other emptied.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from linewise_server.apidocs.inventory import Inventory, Symbol

Origin = Literal["bundled", "added", "fetched", "catalogue"]

_FORMAT = 2
_SCHEMA = f"""
CREATE TABLE docset (
  id INTEGER PRIMARY KEY,
  package TEXT NOT NULL, version TEXT NOT NULL, base TEXT NOT NULL, origin TEXT NOT NULL,
  source TEXT NOT NULL, etag TEXT NOT NULL, checked REAL NOT NULL, symbols INTEGER NOT NULL,
  sought TEXT NOT NULL DEFAULT '',
  UNIQUE (package, source)
);
CREATE TABLE symbol (
  docset INTEGER NOT NULL REFERENCES docset ON DELETE CASCADE,
  name TEXT NOT NULL, last TEXT NOT NULL, role TEXT NOT NULL, location TEXT NOT NULL,
  PRIMARY KEY (docset, name)
) WITHOUT ROWID;
CREATE INDEX symbol_last ON symbol (docset, last);
PRAGMA user_version = {_FORMAT};
"""

_FROM_BEFORE = (
    "ALTER TABLE docset ADD COLUMN sought TEXT NOT NULL DEFAULT ''",
    f"PRAGMA user_version = {_FORMAT}",
)
"""Brings a file of the format before up to date, so that nothing has to be fetched again."""

_UNLINKED = ("functionParam", "templateParam", "parameter")
_LINKED = ("py", "js", "c", "cpp", "css", "html")
_LINKED_ROLES = ("std:fixture",)


@dataclass(frozen=True, slots=True)
class Docset:
    """One package's docs in one version.

    `base` ends in a slash and may hold `{python}`, which stands for the Python version in use; it
    is empty where locations are whole URLs.
    `source` says where the inventory came from (URL, path or `bundled`), `etag` what its host
    called it, `checked` when (seconds since the epoch) it was last compared with its source,
    `sought` the installed version that it was last fetched for.
    """

    id: int
    package: str
    version: str
    base: str
    origin: Origin
    source: str
    etag: str
    checked: float
    symbols: int
    sought: str


class Index:
    """Docsets and their symbols in the file `path`; without a path, in memory.

    Threads may share it.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._database = _connect(path)
        self._writer = threading.Lock()

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def docsets(self, package: str | None = None) -> list[Docset]:
        """Return all docsets, or those of one package (a normalised distribution name)."""
        rows = self._database.execute(
            "SELECT id, package, version, base, origin, source, etag, checked, symbols, sought"
            " FROM docset WHERE ?1 IS NULL OR package = ?1 ORDER BY package, version",
            (package,),
        )
        return [Docset(*row) for row in rows]

    def put(
        self,
        package: str,
        inventory: Inventory,
        *,
        base: str,
        origin: Origin,
        source: str,
        etag: str = "",
        checked: float = 0.0,
        sought: str = "",
    ) -> Docset:
        """Keep `inventory`, replacing what came from the same source."""
        linked = _first_of_each(inventory)
        named = (package, inventory.version, base, origin, source, etag)
        values = (*named, checked, len(linked), sought)
        with self._writing() as database:
            database.execute(
                "DELETE FROM docset WHERE package = ? AND source = ?", (package, source)
            )
            key = database.execute(
                "INSERT INTO docset"
                " (package, version, base, origin, source, etag, checked, symbols, sought)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            ).lastrowid
            rows = ((key, s.name, _last(s.name), s.role, s.location) for s in linked)
            database.executemany("INSERT INTO symbol VALUES (?, ?, ?, ?, ?)", rows)
        return Docset(key or 0, *values)

    def touch(self, docset: Docset, checked: float, sought: str) -> Docset:
        """Note that the source has nothing newer for the installed version."""
        with self._writing() as database:
            database.execute(
                "UPDATE docset SET checked = ?, sought = ? WHERE id = ?",
                (checked, sought, docset.id),
            )
        return replace(docset, checked=checked, sought=sought)

    def remove(self, docset: Docset) -> None:
        """Forget a docset and its symbols."""
        with self._writing() as database:
            database.execute("DELETE FROM docset WHERE id = ?", (docset.id,))

    def find(self, docset: Docset, name: str) -> Symbol | None:
        """Return the symbol of exactly this name."""
        row = self._database.execute(
            "SELECT name, role, location FROM symbol WHERE docset = ? AND name = ?",
            (docset.id, name),
        ).fetchone()
        return Symbol(*row) if row else None

    def ending(self, docset: Docset, suffix: str) -> list[Symbol]:
        """Return the symbols whose dotted name is `suffix` or ends in `.suffix`, shortest first."""
        rows = self._database.execute(
            "SELECT name, role, location FROM symbol WHERE docset = ? AND last = ?"
            " ORDER BY length(name), name",
            (docset.id, _last(suffix)),
        )
        symbols = (Symbol(*row) for row in rows)
        return [s for s in symbols if s.name == suffix or s.name.endswith(f".{suffix}")]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._writer, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            yield self._database


def _connect(path: Path | None) -> sqlite3.Connection:
    try:
        return _open(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        if path is None:
            raise
        path.replace(path.with_suffix(".damaged"))
        return _open(path)


def _open(path: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(
        path or ":memory:", timeout=5, isolation_level=None, check_same_thread=False
    )
    try:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("PRAGMA cache_size = -4096")
        if path is not None:
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        with closing(database.execute("PRAGMA user_version")) as cursor:
            found = int(cursor.fetchone()[0])
        if found == _FORMAT - 1:
            for statement in _FROM_BEFORE:
                database.execute(statement)
        elif found != _FORMAT:
            _create(database)
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


def _create(database: sqlite3.Connection) -> None:
    for table in ("symbol", "docset"):
        database.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in filter(str.strip, _SCHEMA.split(";")):
        database.execute(statement)


def _first_of_each(inventory: Inventory) -> list[Symbol]:
    """Return what can be linked from code; the first of several entries of one name wins."""
    kept: dict[str, Symbol] = {}
    for symbol in inventory.symbols:
        domain = symbol.role.partition(":")[0]
        code = domain in _LINKED or symbol.role in _LINKED_ROLES
        if code and symbol.kind not in _UNLINKED:
            kept.setdefault(symbol.name, symbol)
    return list(kept.values())


def _last(name: str) -> str:
    return name.rpartition(".")[2]
