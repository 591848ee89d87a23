"""What the dashboard reads: figures from the view `published`, and nothing else of the events.

In: a project and a number of weeks. Out: shares and counts, pooled over the weeks that may be seen.
A pooled figure is the sum of visible weekly cells only, so that it tells nothing that they do not.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, Row, Select, func, select

from linewise_telemetry.collector import tables
from linewise_telemetry.figures import Share, difference, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linewise_telemetry.events import Registry

AFTER_WEEKS = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure: a share with its base, over so many weeks.

    `installs` is the least number of installs of the week that had most of them.
    """

    value: str
    share: Share
    installs: int
    weeks: int


@dataclass(frozen=True, slots=True)
class Change:
    """A metric before and after a release, with the change and its 95 % interval."""

    metric: str
    before: Share
    after: Share
    change: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out no change at all."""
        return self.low > 0 or self.high < 0


class Readings:
    """The figures of one project since a Monday."""

    def __init__(self, engine: Engine, registry: Registry, project: str, since: date) -> None:
        self._engine = engine
        self._registry = registry
        self._project = project
        self._since = since

    def weekly(self, metric: str, split: str = "", value: str = "") -> list[tuple[date, Reading]]:
        """Return one cell week by week; weeks in which it may not be seen are left out."""
        published = tables.published.c
        query = self._cells(metric, split).where(published.value == value).order_by(published.week)
        return [
            (row.week, Reading(row.value, share(row.num, row.den), row.installs, 1))
            for row in self._rows(query)
        ]

    def total(self, metric: str, split: str = "", value: str = "") -> Reading:
        """Return one cell pooled over the weeks."""
        return _pool(value, [reading for _, reading in self.weekly(metric, split, value)])

    def by(self, metric: str, split: str) -> list[Reading]:
        """Return every cell of a split pooled over the weeks, the largest first.

        Installs of several weeks cannot be added up: of them it is the newest visible week.
        """
        cells: defaultdict[str, list[Reading]] = defaultdict(list)
        rows = self._rows(self._cells(metric, split))
        if self._registry.metrics[metric].kind == "installs":
            newest = max((row.week for row in rows), default=None)
            rows = [row for row in rows if row.week == newest]
        for row in rows:
            reading = Reading(row.value, share(row.num, row.den), row.installs, 1)
            cells[row.value].append(reading)
        pooled = [_pool(value, readings) for value, readings in cells.items()]
        return sorted(pooled, key=lambda reading: (-reading.share.den, reading.value))

    def withheld(self) -> dict[str, int]:
        """Return metric -> cells that may not be seen."""
        withheld = tables.withheld.c
        query = (
            select(withheld.metric, func.sum(withheld.cells).label("cells"))
            .where(withheld.project == self._project, withheld.week >= self._since)
            .group_by(withheld.metric)
            .order_by(withheld.metric)
        )
        return {row.metric: int(row.cells) for row in self._rows(query)}

    def quantile(self, metric: str, part: float) -> str:
        """Return the range that holds the quantile `part` of a histogram of a bucketed field.

        What may not be seen may lie anywhere, so there may be two ranges between which it is.
        """
        of = self._registry.metrics[metric]
        field = self._registry.events[of.of.event].fields[of.by[0]]
        counts = {reading.value: reading.share.den for reading in self.by(metric, field.name)}
        if not counts:
            return "no data"
        seen = sum(counts.values())
        unseen = max(0, self.total(metric).share.den - seen)
        low, high = (
            _label(field.values, counts, part * (seen + unseen) - below) for below in (unseen, 0)
        )
        return f"{low} {field.unit}" if low == high else f"{low} to {high} {field.unit}"

    def releases(self) -> list[Row[Any]]:
        """Return the project's releases, newest first."""
        release = tables.release.c
        query = select(tables.release).where(release.project == self._project)
        return self._rows(query.order_by(release.day.desc(), release.id.desc()))

    def around(self, day: date) -> list[Change]:
        """Return every rate in the four weeks before and after `day`, its own week left out."""
        monday = day - timedelta(days=day.weekday())
        changes = []
        for metric in self._registry.metrics.values():
            if metric.kind != "rate":
                continue
            before, after = [], []
            for week, reading in self.weekly(metric.name):
                if 0 < (monday - week).days <= 7 * AFTER_WEEKS:
                    before.append(reading)
                elif 0 < (week - monday).days <= 7 * AFTER_WEEKS:
                    after.append(reading)
            if before and after:
                old, new = _pool("", before).share, _pool("", after).share
                changes.append(Change(metric.name, old, new, *difference(old, new)))
        return changes

    def rows(self) -> list[Row[Any]]:
        """Return every visible cell, for exports."""
        published = tables.published.c
        query = select(tables.published).where(
            published.project == self._project, published.week >= self._since
        )
        order = (published.week, published.metric, published.split, published.value)
        return self._rows(query.order_by(*order))

    def _cells(self, metric: str, split: str) -> Select[Any]:
        published = tables.published.c
        return select(tables.published).where(
            published.project == self._project,
            published.week >= self._since,
            published.metric == metric,
            published.split == split,
        )

    def _rows(self, query: Select[Any]) -> list[Row[Any]]:
        with self._engine.connect() as connection:
            return list(connection.execute(query))


def _pool(value: str, readings: list[Reading]) -> Reading:
    num = sum(reading.share.num for reading in readings)
    den = sum(reading.share.den for reading in readings)
    installs = max((reading.installs for reading in readings), default=0)
    return Reading(value, share(num, den), installs, len(readings))


def _label(labels: Iterable[str], counts: Mapping[str, int], rank: float) -> str:
    """Return the label at which so many are reached, the last one where they never are."""
    label = ""
    for label in labels:
        rank -= counts.get(label, 0)
        if rank <= 0:
            break
    return label
