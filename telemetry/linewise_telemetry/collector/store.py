"""What the collector keeps of events: the events themselves, and who added what to which figure.

In: accepted events of one contributor. Out: rows, once each however often they are sent; deletion
with a receipt; retention; figures, once a week. Who added what is kept until its week's figures are
published, which then stay as they are: nothing that comes or goes later can be seen in them. Nobody
reads figures here: charts read the view `published` alone.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, delete, func, select

from linewise_telemetry.collector import inbox, tables
from linewise_telemetry.collector.database import insert
from linewise_telemetry.collector.intake import Accepted, Project, first_open_week
from linewise_telemetry.figures import increments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linewise_telemetry.events import Registry

EVENT_DAYS = 90
FIGURE_DAYS = 400
SETTLING = timedelta(hours=1)
"""So long after the last event of a week was taken, which may still be on its way into the tables,
its figures are published."""
RECEIPT_DAYS = 400

Cell = tuple[date, str, str, str]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a deletion."""

    receipt: str
    day: date
    events: int


def contributor(project: str, key: str) -> str:
    """Return what is kept of an install's key: a hash that nobody can send or delete with."""
    return hashlib.sha256(f"{project}|{key}".encode()).hexdigest()[:32]


class EventStore:
    """The tables of events in one database.

    `publish_open_week` shows weeks that are not finished too, figures changing as events come.
    """

    def __init__(self, engine: Engine, registry: Registry, *, publish_open_week: bool) -> None:
        self._engine = engine
        self._registry = registry
        self._open_week = publish_open_week
        # SQLite has one writer at a time; waiting here is fair, its own busy wait is not.
        one_writer = engine.dialect.name == "sqlite"
        self._writing: Any = threading.Lock() if one_writer else nullcontext()
        self._insert_event = (
            insert(engine, tables.event)
            .on_conflict_do_nothing(index_elements=[tables.event.c.id])
            .returning(tables.event.c.id)
        )
        upsert = insert(engine, tables.tally)
        keys = [column.name for column in tables.tally.primary_key.columns]
        self._add = upsert.on_conflict_do_update(
            index_elements=keys,
            set_={
                "num": tables.tally.c.num + upsert.excluded.num,
                "den": tables.tally.c.den + upsert.excluded.den,
            },
        )
        self._note = upsert.on_conflict_do_nothing()

    def project(self, key: str) -> Project | None:
        """Return the project with a public key, with everything its catalogue lists, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(
                select(tables.project).where(tables.project.c.key == key)
            ).one_or_none()
            if row is None:
                return None
            names = connection.execute(
                select(tables.symbol.c.name).where(tables.symbol.c.project == row.id)
            ).scalars()
            return Project(row.id, row.kind, frozenset(names))

    def add(self, project: str, who: str, events: list[Accepted]) -> int:
        """Keep `events` of the contributor `who`; return how many were new."""
        if not events:
            return 0
        rows = [
            {
                "id": event.id,
                "project": project,
                "name": event.name,
                "day": event.day,
                "contributor": who,
                "n": event.n,
                "attributes": event.text,
            }
            for event in {event.id: event for event in events}.values()
        ]
        with self._writing, self._engine.begin() as connection:
            new = set(connection.execute(self._insert_event, rows).scalars())
            if new:
                fresh = {event.id: event for event in events if event.id in new}.values()
                self._tally(connection, project, who, fresh)
        return len(new)

    def forget(self, who: str, today: date) -> Receipt:
        """Delete everything of the contributor `who`, and return the receipt."""
        receipt = secrets.token_hex(16)
        with self._writing, self._engine.begin() as connection:
            gone = connection.execute(
                delete(tables.event).where(tables.event.c.contributor == who)
            ).rowcount
            connection.execute(delete(tables.tally).where(tables.tally.c.contributor == who))
            connection.execute(
                tables.deletion.insert().values(receipt=receipt, day=today, events=gone)
            )
        return Receipt(receipt, today, gone)

    def deletion(self, receipt: str) -> Receipt | None:
        """Return the deletion with this receipt, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(
                select(tables.deletion).where(tables.deletion.c.receipt == receipt)
            ).one_or_none()
        return None if row is None else Receipt(row.receipt, row.day, row.events)

    def sweep(self, now: datetime) -> int:
        """Delete what is past its time and publish weeks; return how many rows were deleted."""
        today = now.date()
        old = [
            delete(tables.event).where(tables.event.c.day < today - timedelta(EVENT_DAYS)),
            delete(tables.figure).where(tables.figure.c.week < today - timedelta(FIGURE_DAYS)),
            delete(tables.silence).where(tables.silence.c.week < today - timedelta(FIGURE_DAYS)),
            delete(tables.deletion).where(tables.deletion.c.day < today - timedelta(RECEIPT_DAYS)),
            delete(tables.session).where(tables.session.c.expires < now),
        ]
        with self._writing, self._engine.begin() as connection:
            self._publish(connection, first_open_week(now - SETTLING))
            gone = sum(connection.execute(statement).rowcount for statement in old)
            return gone + inbox.retire(connection, today)

    def is_alive(self) -> bool:
        """Return whether the database answers; raises SQLAlchemyError where it does not."""
        with self._engine.connect() as connection:
            return (
                connection.execute(select(func.count()).select_from(tables.publication)).scalar()
                == 1
            )

    def _publish(self, connection: Connection, horizon: date) -> None:
        """Fix the figures of the weeks before `horizon`, and forget who added what to them."""
        # First, because it waits for another collector of this database that is at the same.
        self._move(connection, horizon)
        cell, shown = [c.name for c in tables.silence.columns][:4], tables.judged.c
        figures = select(*(shown[c.name] for c in tables.figure.columns)).where(shown.visible == 1)
        silence = (
            select(*(shown[name] for name in cell), func.count())
            .where(shown.visible == 0)
            .group_by(*(shown[name] for name in cell))
        )
        for table, query in ((tables.figure, figures), (tables.silence, silence)):
            # A week is published once: what a straggler would change stays as it is.
            names = [column.name for column in table.columns]
            fix = insert(self._engine, table).from_select(names, query)
            connection.execute(fix.on_conflict_do_nothing())
        connection.execute(delete(tables.tally).where(tables.tally.c.week < horizon))
        if self._open_week:
            self._move(connection, date.max)

    def _move(self, connection: Connection, horizon: date) -> None:
        move = insert(self._engine, tables.publication).values(id=1, horizon=horizon)
        connection.execute(
            move.on_conflict_do_update(index_elements=["id"], set_={"horizon": horizon})
        )

    def _tally(
        self, connection: Connection, project: str, who: str, events: Iterable[Accepted]
    ) -> None:
        sums: defaultdict[Cell, list[int]] = defaultdict(lambda: [0, 0])
        seen: set[Cell] = set()
        for event in events:
            week = event.week
            for add in increments(self._registry, event.name, event.attributes, event.n):
                cell = (week, add.metric, add.by, add.value)
                if self._registry.metrics[add.metric].kind == "installs":
                    seen.add(cell)
                else:
                    sums[cell][0] += add.num
                    sums[cell][1] += add.den
        # Sorted, so that two requests of one contributor lock the rows in the same order.
        if sums:
            rows = [self._row(project, who, cell, *sums[cell]) for cell in sorted(sums)]
            connection.execute(self._add, rows)
        if seen:
            connection.execute(
                self._note, [self._row(project, who, cell, 1, 1) for cell in sorted(seen)]
            )

    def _row(self, project: str, who: str, cell: Cell, num: int, den: int) -> dict[str, object]:
        week, metric, split, value = cell
        return {
            "project": project,
            "week": week,
            "metric": metric,
            "split": split,
            "value": value,
            "contributor": who,
            "event": self._registry.metrics[metric].of.event,
            "num": num,
            "den": den,
        }


def now_utc(clock: float) -> datetime:
    """Return Unix seconds as a moment in UTC."""
    return datetime.fromtimestamp(clock, UTC)
