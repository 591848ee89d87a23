"""Which of the sent records may be kept, and why the others may not.

In: records, the project they were sent to, the registry and the time. Out: a verdict each. Pure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, cast

from linewise_telemetry.events import MAX_COUNT, Registry, Wire

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from linewise_telemetry.collector.otlp import Sent

FUTURE_SECONDS = 23 * 3600
GRACE = timedelta(days=7)
"""So long after its end a week is open: weekly counts are sent after it, and machines rest."""
_EVENT_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Project:
    """Whom events are for: the product, or a catalogue with the `symbols` that it lists."""

    id: str
    kind: str
    symbols: Collection[str]


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that may be kept; `n` is how many it stands for, and is what its metrics add."""

    id: str
    name: str
    day: date
    n: int
    attributes: Mapping[str, Wire]
    text: str

    @property
    def week(self) -> date:
        """The Monday of its week."""
        return _monday(self.day)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What may be kept, and event id -> reason for what may not; `unnamed` had no usable id."""

    accepted: list[Accepted]
    dropped: dict[str, str]
    unnamed: int


def first_open_week(now: datetime) -> date:
    """Return the Monday of the oldest week of which events are still taken at `now`."""
    return _monday((now - GRACE).date())


def judge(registry: Registry, project: Project, records: list[Sent], now: float) -> Verdicts:
    """Return the verdicts on `records`, sent to `project` at `now` (Unix seconds)."""
    accepted: list[Accepted] = []
    dropped: dict[str, str] = {}
    unnamed = 0
    for record in records:
        attributes = dict(record.attributes)
        id_ = attributes.pop("event.id", None)
        if not isinstance(id_, str) or not _EVENT_ID.fullmatch(id_):
            unnamed += 1
            continue
        verdict = _judge(registry, project, record, id_, attributes, now)
        if isinstance(verdict, str):
            dropped[id_] = verdict
        else:
            accepted.append(verdict)
    return Verdicts(accepted, dropped, unnamed)


def _judge(
    registry: Registry,
    project: Project,
    record: Sent,
    id_: str,
    attributes: dict[str, object],
    now: float,
) -> Accepted | str:
    event = registry.events.get(record.name)
    if event is None:
        return "event"
    n = attributes.pop("n", None)
    names = None if n is None else registry.counter_fields[event.name]
    if n is not None and not (type(n) is int and 0 < n <= MAX_COUNT):
        return "n"
    if (reason := event.check(attributes, names)) is not None:
        return reason
    if event.to != "both" and event.to != project.kind:
        return "project"
    if "catalogue" in attributes and attributes["catalogue"] != project.id:
        return "catalogue"
    if "symbol" in attributes and attributes["symbol"] not in project.symbols:
        return "symbol"
    moment = record.time_ns / 1e9
    if moment > now + FUTURE_SECONDS:
        return "time"
    wire = cast("dict[str, Wire]", attributes)
    day = datetime.fromtimestamp(moment, UTC).date()
    if day < first_open_week(datetime.fromtimestamp(now, UTC)):
        return "time"
    count = n if isinstance(n, int) else registry.count_of(event.name, wire)
    text = json.dumps(wire, separators=(",", ":"))
    return Accepted(id_, event.name, day, count, wire, text)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
