"""The event registry: what may be recorded, in which form, and what is counted from it.

In: `events.yaml` beside this file. Out: a `Registry` of events, metrics and charts, with the two
checks that everything else relies on: `Event.encode` (the recorder: raw values to wire values) and
`Event.check` (the collector: are these wire values allowed). It never reads anything else.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Literal, cast

import yaml

from linewise_telemetry.errors import FieldError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

Kind = Literal["bool", "enum", "bucket", "count", "catalogue", "symbol", "version"]
To = Literal["product", "catalogue", "both"]
MetricKind = Literal["installs", "rate", "histogram"]
Wire = str | bool | int

MAX_COUNT = 1_000_000
_PATTERNS: dict[Kind, re.Pattern[str]] = {
    "catalogue": re.compile(r"[a-z0-9][a-z0-9._-]{0,63}"),
    "symbol": re.compile(r"[A-Za-z_][A-Za-z0-9_.:#$~/-]{0,159}"),
    "version": re.compile(r"\d{1,4}(\.\d{1,4}){0,2}"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute of an event; `values` are the words of an enum or the labels of a bucket."""

    event: str
    name: str
    kind: Kind
    says: str
    values: tuple[str, ...]
    edges: tuple[int, ...]
    unit: str

    def encode(self, value: object) -> Wire:
        """Return `value` as it is stored and sent.

        Raises FieldError where the registry does not allow it; the error does not hold the value.
        """
        if self.kind == "bucket" and isinstance(value, int | float):
            return self.values[bisect_right(self.edges, value)]
        if self.kind == "enum" and value not in self.values and "other" in self.values:
            return "other"
        if self.kind == "count" and isinstance(value, int):
            value = min(value, MAX_COUNT)
        if not self.allows(value):
            raise FieldError(self.event, self.name, f"not a {self.kind} of the registry")
        return cast("Wire", value)

    def allows(self, value: object) -> bool:
        """Return whether `value` may stand on the wire."""
        if self.kind == "bool":
            return isinstance(value, bool)
        if self.kind == "count":
            return (
                isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT
            )
        if self.kind in ("enum", "bucket"):
            return isinstance(value, str) and value in self.values
        return isinstance(value, str) and _PATTERNS[self.kind].fullmatch(value) is not None


@dataclass(frozen=True)
class Event:
    """One kind of event: why it exists, who answers for it, and its closed fields."""

    name: str
    why: str
    owner: str
    to: To
    since: str
    expires: date
    notice: int
    fields: dict[str, Field]

    def encode(self, values: Mapping[str, object]) -> dict[str, Wire]:
        """Return the wire form of an event with `values` for exactly its fields.

        Raises FieldError for a field that is missing, unknown or not allowed.
        """
        if values.keys() != self.fields.keys():
            odd = next(iter(values.keys() ^ self.fields.keys()))
            raise FieldError(self.name, odd, "unknown" if odd in values else "missing")
        return {name: field.encode(values[name]) for name, field in self.fields.items()}

    def check(
        self, attributes: Mapping[str, object], names: Iterable[str] | None = None
    ) -> str | None:
        """Return why `attributes` may not be stored, or None if they may.

        `names` are the fields that must be there, all of the event's by default.
        """
        wanted = self.fields.keys() if names is None else set(names)
        if attributes.keys() != wanted:
            return "fields"
        for name, value in attributes.items():
            if not self.fields[name].allows(value):
                return f"field {name}"
        return None


@dataclass(frozen=True, slots=True)
class Selection:
    """The events of one kind whose fields have one of the listed values."""

    event: str
    where: dict[str, frozenset[Wire]]

    def matches(self, attributes: Mapping[str, Wire]) -> bool:
        """Return whether an event of this kind is selected."""
        return all(attributes[name] in allowed for name, allowed in self.where.items())


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: how many of the events `of` are also `counts`, split by one field at a time."""

    name: str
    title: str
    says: str
    kind: MetricKind
    of: Selection
    counts: Selection
    by: tuple[str, ...]
    weight: str | None

    @property
    def fields(self) -> set[str]:
        """The names of the event's fields that the metric reads."""
        weight = {self.weight} if self.weight else set()
        return {*self.of.where, *self.counts.where, *self.by} | weight


@dataclass(frozen=True, slots=True)
class Chart:
    """A question that a page of the dashboard answers, and the metrics that answer it."""

    name: str
    page: str
    question: str
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Registry:
    """Everything that may be recorded and drawn."""

    schema: int
    notice: int
    notice_date: date
    events: dict[str, Event]
    metrics: dict[str, Metric]
    charts: dict[str, Chart]

    @cached_property
    def metrics_of(self) -> dict[str, tuple[Metric, ...]]:
        """Event name -> the metrics that count it."""
        return {
            name: tuple(metric for metric in self.metrics.values() if metric.of.event == name)
            for name in self.events
        }

    @cached_property
    def counter_fields(self) -> dict[str, tuple[str, ...]]:
        """Event name -> the fields that its weekly counts keep, in the event's order.

        A weight is a number to add up, not a field to split by, so it is not among them.
        """
        return {
            name: tuple(
                field
                for field in event.fields
                if any(
                    field in metric.fields and field != metric.weight
                    for metric in self.metrics_of[name]
                )
                or event.fields[field].kind == "catalogue"
            )
            for name, event in self.events.items()
        }

    def count_of(self, name: str, attributes: Mapping[str, Wire]) -> int:
        """Return how much one event adds to a count: its weight, or 1."""
        weights = [metric.weight for metric in self.metrics_of[name] if metric.weight]
        return int(attributes[weights[0]]) if weights else 1


def load(text: str | None = None) -> Registry:
    """Return the registry in `text`, by default that of events.yaml.

    Raises RegistryError saying which entry contradicts which.
    """
    if text is None:
        text = (files("linewise_telemetry") / "events.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load(text, Loader=loader)  # noqa: S506 (both are safe; the C one is ten times faster)
    try:
        events = {
            name: _event(name, entry, data["buckets"]) for name, entry in data["events"].items()
        }
        metrics = {name: _metric(name, entry) for name, entry in data["metrics"].items()}
        charts = {
            name: Chart(name, entry["page"], entry["question"], tuple(entry["metrics"]))
            for name, entry in data["charts"].items()
        }
        notice = data["notice"]
        registry = Registry(
            data["schema"], notice["version"], notice["date"], events, metrics, charts
        )
        _check(registry)
    except KeyError as error:
        raise RegistryError(f"events.yaml: {error.args[0]!r} is missing or unknown") from error
    return registry


def _event(name: str, entry: dict[str, Any], buckets: dict[str, list[int]]) -> Event:
    fields = {key: _field(name, key, value, buckets) for key, value in entry["fields"].items()}
    return Event(
        name=name,
        why=entry["why"],
        owner=entry["owner"],
        to=entry["to"],
        since=entry["since"],
        expires=entry["expires"],
        notice=entry["notice"],
        fields=fields,
    )


def _field(event: str, name: str, entry: dict[str, Any], buckets: dict[str, list[int]]) -> Field:
    kinds = entry.keys() - {"says", "unit"}
    if len(kinds) != 1:
        raise RegistryError(f"events.yaml: {event}.{name} must have exactly one kind")
    kind = kinds.pop()
    edges: tuple[int, ...] = ()
    values: tuple[str, ...] = ()
    if kind == "bucket":
        edges = tuple(buckets[entry["bucket"]])
        values = (*(f"<{edge}" for edge in edges), f">={edges[-1]}")
    elif kind == "enum":
        values = tuple(entry["enum"])
    return Field(
        event, name, cast("Kind", kind), entry["says"], values, edges, entry.get("unit", "")
    )


def _metric(name: str, entry: dict[str, Any]) -> Metric:
    of = _selection(entry["of"])
    narrower = _selection({"event": of.event} | entry.get("counts", {}))
    return Metric(
        name=name,
        title=entry["title"],
        says=entry["says"],
        kind=entry["kind"],
        of=of,
        counts=Selection(of.event, narrower.where),
        by=tuple(entry["by"]),
        weight=entry.get("weight"),
    )


def _selection(entry: dict[str, Any]) -> Selection:
    where = {name: frozenset(values) for name, values in entry.get("where", {}).items()}
    return Selection(entry["event"], where)


def _check(registry: Registry) -> None:
    for metric in registry.metrics.values():
        event = registry.events[metric.of.event]
        for name in metric.fields:
            if name not in event.fields:
                raise RegistryError(f"metric {metric.name}: {event.name} has no field {name}")
        for selection in (metric.of, metric.counts):
            for name, values in selection.where.items():
                for value in values:
                    if not event.fields[name].allows(value):
                        raise RegistryError(f"metric {metric.name}: {name} is never {value!r}")
    for event in registry.events.values():
        if event.notice > registry.notice:
            raise RegistryError(f"{event.name}: there is no notice {event.notice} yet")
        if (
            event.to != "product"
            and event.name != "session.started"
            and "catalogue" not in event.fields
        ):
            raise RegistryError(f"{event.name}: goes to a catalogue's maker but names no catalogue")
    for event in registry.events.values():
        for one, other in combinations(registry.metrics_of[event.name], 2):
            if not _keep_apart(event, one, other):
                raise RegistryError(
                    f"metrics {one.name} and {other.name}: a third figure is their difference"
                )
    drawn = {name for chart in registry.charts.values() for name in chart.metrics}
    for name in drawn ^ registry.metrics.keys():
        raise RegistryError(f"metric {name}: it must be both defined and drawn by a chart")
    counted = {metric.of.event for metric in registry.metrics.values()}
    for name in registry.events.keys() - counted:
        raise RegistryError(f"{name}: no chart draws it, so it must not be recorded")


def _keep_apart(event: Event, one: Metric, other: Metric) -> bool:
    """Return whether subtracting one metric from another gives nothing that neither of them shows.

    The collector hides small sums metric by metric, and relies on it.
    """
    fields = sorted({*one.of.where, *one.counts.where, *other.of.where, *other.counts.where})
    values: list[tuple[Wire, ...]] = [event.fields[name].values or (False, True) for name in fields]
    cases = [dict(zip(fields, case, strict=True)) for case in product(*values)]
    (first, *firsts), (second, *seconds) = _sums(one, cases), _sums(other, cases)
    if not first & second:
        return True
    for metric, beside in ((one, other), (other, one)):
        if {*beside.of.where, *beside.counts.where} & {*metric.by}:
            return False
    return first == second or first in seconds or second in firsts


def _sums(metric: Metric, cases: list[dict[str, Wire]]) -> tuple[set[int], set[int], set[int]]:
    """Return which cases a metric's denominator, its numerator and what is left are made of."""
    of = {i for i, case in enumerate(cases) if metric.of.matches(case)}
    counted = {i for i in of if metric.counts.matches(cases[i])}
    return of, counted, of - counted
