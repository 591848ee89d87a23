"""Migrations make exactly the tables that the code uses, on both databases."""

from __future__ import annotations

import traceback
from datetime import date
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from linewise_telemetry.collector.database import connect
from linewise_telemetry.collector.inbox import Inbox
from linewise_telemetry.collector.tables import metadata
from linewise_telemetry.errors import CollectorError
from linewise_telemetry.events import load

if TYPE_CHECKING:
    from pathlib import Path


def test_migrations_make_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def test_opening_twice_changes_nothing(database_url: str) -> None:
    connect(database_url).dispose()
    engine = connect(database_url)
    assert "published" in inspect(engine).get_view_names()
    engine.dispose()


def test_only_the_metric_active_counts_installs() -> None:
    """The view's rule for cells of installs names this metric."""
    registry = load()
    assert [m.name for m in registry.metrics.values() if m.kind == "installs"] == ["active"]


def test_errors_do_not_quote_feedback(engine: Engine) -> None:
    feedback = {
        "kind": "idea", "about": "product", "subject": None, "text": "Mind my words",
        "rating": None, "attachments": '["my code"]', "contact": "ada@example.org",
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE feedback"))
    with pytest.raises(SQLAlchemyError) as caught:
        Inbox(engine).add("acme", "1" * 32, feedback, date(2026, 11, 16))
    logged = "".join(traceback.format_exception(caught.value))
    assert "INSERT INTO feedback" in logged
    assert [said for said in ("Mind my", "my code", "ada@") if said in logged] == []


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://nobody:secret@127.0.0.1:1/x", "oracle://x"]
)
def test_unusable_database_is_said_without_its_password(url: str) -> None:
    with pytest.raises(CollectorError, match="check --db") as caught:
        connect(url)
    assert "secret" not in str(caught.value)


def test_sqlite_directory_is_made(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'deep' / 'collector.db'}")
    engine.dispose()
    assert (tmp_path / "deep" / "collector.db").exists()
