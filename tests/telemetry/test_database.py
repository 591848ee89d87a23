"""Migrations make exactly the tables that the code uses, on both databases."""

from __future__ import annotations

import traceback
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from linewise_telemetry.collector.database import connect, migrate, open_as_it_is
from linewise_telemetry.collector.inbox import Inbox
from linewise_telemetry.collector.store import EventStore
from linewise_telemetry.collector.tables import metadata, published, tally
from linewise_telemetry.errors import CollectorError
from linewise_telemetry.events import load

if TYPE_CHECKING:
    from pathlib import Path


FEEDBACK = {
    "kind": "idea", "about": "product", "subject": None, "text": "Mind my words",
    "rating": None, "attachments": '["my code"]', "contact": "ada@example.org",
}  # fmt: skip


def test_migrations_make_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def test_opening_twice_changes_nothing(database_url: str) -> None:
    connect(database_url).dispose()
    engine = connect(database_url)
    assert "published" in inspect(engine).get_view_names()
    engine.dispose()


FIRST_DATA: dict[str, list[dict[str, Any]]] = {
    "project": [
        {"id": "acme", "name": "Acme", "kind": "catalogue", "key": "k", "installs_known": 9}
    ],
    "symbol": [{"project": "acme", "name": "acme.send"}],
    "event": [
        {
            "id": "e" * 32, "project": "acme", "name": "docs.shown", "day": date(2026, 11, 10),
            "contributor": "0" * 32, "n": 3, "attributes": '{"answered": false}',
        }
    ],
    "tally": [
        {
            "project": "acme", "week": week, "metric": "unanswered", "split": split, "value": value,
            "contributor": f"{install:032x}", "num": 4, "den": 10,
        }
        for week in (date(2026, 11, 9), date(2026, 11, 16))
        for split, value, installs in (("", "", 8), ("symbol", "acme.send", 6), ("symbol", "b", 2))
        for install in range(installs)
    ],
    "publication": [{"id": 1, "horizon": date(2026, 11, 16)}],
    "feedback": [
        {
            "project": "acme", "receipt_hash": sha256(receipt.encode()).hexdigest(),
            "day": date(2026, 11, 10), "kind": "idea", "about": "product", "subject": None,
            "text": "Grüße 🐢", "rating": 5, "attachments": '["x"]', "contact": None,
            "status": "fixed", "assignee": "ada", "answer": "Yes.", "release": "2.4",
            "merged_into": merged,
        }
        for receipt, merged in (("1" * 32, None), ("2" * 32, 1))
    ],
    "staff": [{"name": "ada", "password": "$argon2id$"}],
    "session": [
        {
            "token_hash": "t", "staff": "ada", "csrf": "c",
            "expires": datetime(2026, 12, 20, tzinfo=UTC),
        }
    ],
    "release": [{"project": "acme", "day": date(2026, 11, 9), "name": "2.4", "kind": "docs"}],
    "deletion": [{"receipt": "d" * 32, "day": date(2026, 11, 9), "events": 7}],
    "audit": [
        {"at": datetime(2026, 11, 9, tzinfo=UTC), "staff": "ada", "action": "export", "detail": "-"}
    ],
}  # fmt: skip
"""What a collector of the first release holds, in the tables of that time."""


def rows(engine: Engine, name: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT * FROM {name}"))
        return sorted((tuple(row) for row in found), key=repr)


def test_data_of_the_first_tables_survives_the_upgrade(empty_url: str) -> None:
    engine = open_as_it_is(empty_url)
    migrate(engine, "0001")
    old = MetaData()
    old.reflect(engine)
    with engine.begin() as connection:
        for name, data in FIRST_DATA.items():
            connection.execute(old.tables[name].insert(), data)
    same = FIRST_DATA.keys() - {"tally"}
    before = {name: rows(engine, name) for name in [*same, "published", "withheld"]}
    assert (len(before["published"]), len(before["withheld"])) == (1, 1)
    engine.dispose()

    engine = connect(empty_url)
    assert {name: rows(engine, name) for name in before} == before
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        weeks = connection.execute(select(tally.c.week, tally.c.event).distinct()).all()
    assert [tuple(row) for row in weeks] == [(date(2026, 11, 16), "docs.shown")]
    inbox = Inbox(engine)
    for receipt in ("1" * 32, "2" * 32):
        told = {"status": "fixed", "answer": "Yes.\nIn release 2.4."}
        assert inbox.status(receipt) == told
    assert inbox.add("acme", "3" * 32, FEEDBACK, date(2026, 11, 16))
    # The week that was open is published in its time, with what was counted before the upgrade.
    EventStore(engine, load(), publish_open_week=False).sweep(datetime(2026, 12, 8, tzinfo=UTC))
    with engine.connect() as connection:
        shown = connection.execute(select(published).where(published.c.split == "")).all()
    assert {(row.week, row.num, row.den) for row in shown} >= {(date(2026, 11, 16), 32, 80)}
    engine.dispose()


def test_only_the_metric_active_counts_installs() -> None:
    """The view's rule for cells of installs names this metric."""
    registry = load()
    assert [m.name for m in registry.metrics.values() if m.kind == "installs"] == ["active"]


def test_errors_do_not_quote_feedback(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE feedback"))
    with pytest.raises(SQLAlchemyError) as caught:
        Inbox(engine).add("acme", "1" * 32, FEEDBACK, date(2026, 11, 16))
    logged = "".join(traceback.format_exception(caught.value))
    assert "INSERT INTO feedback" in logged
    assert [said for said in ("Mind my", "my code", "ada@") if said in logged] == []


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://nobody:secret@127.0.0.1:1/x", "oracle://x"]
)
def test_unusable_database_is_said_without_its_password(url: str) -> None:
    with pytest.raises(CollectorError, match="--db") as caught:
        connect(url)
    assert "secret" not in str(caught.value)


def test_sqlite_directory_is_made(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'deep' / 'collector.db'}")
    engine.dispose()
    assert (tmp_path / "deep" / "collector.db").exists()
