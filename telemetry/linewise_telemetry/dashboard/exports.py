"""The visible figures as files, and the week as a letter.

In: readings. Out: CSV, Parquet, Markdown. Nothing is in them that the pages do not show; numbers
for outside the team are rounded to five.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from linewise_telemetry.dashboard.charts import describe

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from sqlalchemy import Row

    from linewise_telemetry.dashboard.readings import Readings
    from linewise_telemetry.events import Registry

COLUMNS = ("project", "week", "metric", "split", "value", "num", "den", "installs")
ROUNDED = ("num", "den", "installs")


def as_csv(rows: Iterable[Row[Any]], *, outside: bool) -> str:
    """Return the rows as CSV with a header."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_values(row, outside=outside) for row in rows)
    return stream.getvalue()


def as_parquet(rows: Iterable[Row[Any]], *, outside: bool) -> bytes:
    """Return the rows as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = [_values(row, outside=outside) for row in rows]
    kinds = [pa.string(), pa.date32(), *[pa.string()] * 3, *[pa.int64()] * 3]
    columns = [[value[i] for value in values] for i in range(len(COLUMNS))]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    sink = io.BytesIO()
    pq.write_table(pa.table(dict(zip(COLUMNS, arrays, strict=True))), sink)
    return sink.getvalue()


def digest(registry: Registry, readings: Readings, project: str, today: date, waiting: int) -> str:
    """Return the newest visible week as Markdown, compared with the week before."""
    lines = [f"# {project}: week in figures", "", f"Written on {today}.", ""]
    for chart in registry.charts.values():
        found = []
        for name in chart.metrics:
            metric = registry.metrics[name]
            weeks = readings.weekly(name)
            if weeks:
                week, reading = weeks[-1]
                said = describe(reading, counts=metric.kind != "rate")
                change = ""
                if len(weeks) > 1 and metric.kind == "rate":
                    points = 100 * (reading.share.value - weeks[-2][1].share.value)
                    change = f", {points:+.1f} points on the visible week before"
                found.append(f"- {metric.title} (week of {week}): {said}{change}.")
        if found:
            lines += [f"## {chart.question}", "", *found, ""]
    lines += _work(readings)
    lines += ["## Feedback", "", f"{waiting} waiting for an answer.", ""]
    return "\n".join(lines)


def _work(readings: Readings) -> list[str]:
    gaps = readings.by("gaps", "symbol")[:10]
    if not gaps:
        return []
    lines = ["## What to write next", ""]
    lines += [
        f"{i}. `{gap.value}`: something was missing {gap.share.den:,} times."
        for i, gap in enumerate(gaps, 1)
    ]
    return [*lines, ""]


def _values(row: Row[Any], *, outside: bool) -> list[Any]:
    values = [getattr(row, name) for name in COLUMNS]
    if not outside:
        return values
    return [
        5 * round(value / 5) if name in ROUNDED else value
        for name, value in zip(COLUMNS, values, strict=True)
    ]
