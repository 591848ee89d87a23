"""Records on their way from the recorder to a collector.

In: nothing. Out: the types of records, batches, and of hours and weeks since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linewise_telemetry.consent import Level
    from linewise_telemetry.events import Wire

HOUR = 3600
WEEK_HOURS = 7 * 24
MONDAY = 4 * 24  # 1 January 1970 was a Thursday; the first Monday came 96 hours later


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it may be kept: `attributes` in wire form, `level` under which it was made."""

    name: str
    attributes: Mapping[str, Wire]
    counted: Mapping[str, Wire]
    n: int
    hour: int
    level: Level
    targets: tuple[tuple[str, str], ...]
    """(target, key) of everyone who gets it; empty below the level `counts`."""


@dataclass(frozen=True, slots=True)
class Queued:
    """One event that waits; `n` is None for an event and a number for a weekly count."""

    seq: int
    id: str
    hour: int
    name: str
    attributes: dict[str, Wire]
    n: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one collector and key, claimed by this process for a while."""

    target: str
    key: str
    events: tuple[Queued, ...]


def week_of(hour: int) -> int:
    """Return the hour at which the week of `hour` began, a Monday at midnight UTC."""
    return (hour - MONDAY) // WEEK_HOURS * WEEK_HOURS + MONDAY
