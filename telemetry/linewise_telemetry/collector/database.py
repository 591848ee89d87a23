"""The database: opened by URL, brought to the newest tables, SQLite and PostgreSQL alike.

In: a SQLAlchemy URL. Out: an engine whose tables are up to date. A commit that was acknowledged is
on the disk: SQLite runs in WAL mode with full synchronisation. Errors, which end up in logs, do not
quote what a statement carried.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from linewise_telemetry.errors import CollectorError, DatabaseUrlError

if TYPE_CHECKING:
    from sqlalchemy.sql import Insert
    from sqlalchemy.sql.schema import Table

SQLITE_WAIT_SECONDS = 30


def connect(url: str) -> Engine:
    """Return an engine for `url`, e.g. `sqlite:///collector.db` or `postgresql://host/name`.

    Raises DatabaseUrlError where it is none, and CollectorError where the database cannot be
    reached or brought up to date.
    """
    try:
        engine = open_as_it_is(url)
        migrate(engine)
    except ArgumentError as error:
        raise DatabaseUrlError(
            f"{url.rpartition('@')[2]!r} is no database; --db takes a URL, such as "
            "sqlite:///collector.db or postgresql://host/name"
        ) from error
    except (SQLAlchemyError, ImportError, OSError) as error:
        where = url.rpartition("@")[2]  # without the password
        raise CollectorError(
            f"the database {where} cannot be used: {type(error).__name__}; check --db"
        ) from error
    return engine


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the tables up to a revision, all of it or nothing. Raises SQLAlchemyError."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def insert(engine: Engine, table: Table) -> Any:
    """Return the dialect's INSERT, which knows ON CONFLICT; the two have no common type."""
    statement: Insert
    if engine.dialect.name == "postgresql":
        statement = postgresql.insert(table)
    else:
        statement = sqlite.insert(table)
    return statement


def open_as_it_is(url: str) -> Engine:
    """Return an engine for `url`, whatever tables are there.

    Raises ArgumentError, ImportError or OSError for a URL that cannot be used.
    """
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return create_engine(
            parsed, hide_parameters=True, pool_size=16, max_overflow=16, pool_pre_ping=True
        )
    if parsed.database:
        Path(parsed.database).absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed, hide_parameters=True, connect_args={"timeout": SQLITE_WAIT_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver's own transactions would leave DDL outside of them.
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
