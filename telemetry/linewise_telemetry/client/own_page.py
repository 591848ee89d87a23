"""The user's own page: the figures that makers see of everybody, of this machine alone.

In: the local counts. Out: text for a terminal. Counted with the same functions as the dashboard's,
and followed by what others would see: what waits, what was sent, and what was lost.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from linewise_telemetry.client.records import HOUR, Queued
from linewise_telemetry.figures import share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linewise_telemetry.client.telemetry import Telemetry
    from linewise_telemetry.events import Metric, Registry

BAR = 24
MOST_VALUES = 8
MOST_EVENTS = 10

Cells = dict[tuple[str, str, str], tuple[int, int]]


def render(registry: Registry, client: Telemetry, days: int) -> str:
    """Return the page as lines of text."""
    cells = client.figures(days)
    lines = list(_figures(registry, cells, days))
    lines += ["", "What makers would see of you", ""]
    waiting, sent = client.waiting(), client.sent()
    lines += _events("Waits to be sent", waiting) + _events("Was sent", sent)
    if not waiting and not sent:
        lines.append("  Nothing: nothing waits, and nothing was sent.")
    drops = {reason: n for reason, n in client.drops().items() if reason != "sent"}
    if drops:
        lost = ", ".join(f"{n} {reason}" for reason, n in drops.items())
        lines.append(f"  Lost on the way: {lost}.")
    return "\n".join(lines) + "\n"


def _figures(registry: Registry, cells: Cells, days: int) -> Iterator[str]:
    yield from ("", f"Your last {days} days, on this machine only")
    found = False
    for chart in registry.charts.values():
        metrics = [registry.metrics[name] for name in chart.metrics]
        shown = [metric for metric in metrics if (metric.name, "", "") in cells]
        if shown:
            found = True
            yield from ("", f"  {chart.question}")
            for metric in shown:
                yield from _metric(metric, cells)
    if not found:
        yield from ("", "  Nothing was recorded yet.")


def _metric(metric: Metric, cells: Cells) -> Iterator[str]:
    num, den = cells[metric.name, "", ""]
    if metric.kind != "rate":
        yield f"    {metric.title}: {den:,}"
    else:
        part = share(num, den)
        interval = f"95 % interval {100 * part.low:.0f} to {100 * part.high:.0f} %"
        yield f"    {metric.title}: {100 * part.value:.0f} % ({num:,} of {den:,}; {interval})"
    for by in metric.by:
        parts = [
            (value, cell)
            for (name, split, value), cell in cells.items()
            if (name, split) == (metric.name, by)
        ]
        most = max(den for _, (_, den) in parts)
        for value, (num, den) in sorted(parts, key=lambda part: -part[1][1])[:MOST_VALUES]:
            length = BAR * den // most if metric.kind != "rate" else BAR * num // max(1, den)
            said = f"{den:,}" if metric.kind != "rate" else f"{num:,} of {den:,}"
            yield f"      {value[-28:]:<28} {'█' * length:<{BAR}} {said}"


def _events(title: str, events: list[Queued]) -> list[str]:
    if not events:
        return []
    lines = [f"  {title} ({len(events)}{' or more' if len(events) >= 100 else ''}):"]
    for event in events[:MOST_EVENTS]:
        hour = datetime.fromtimestamp(event.hour * HOUR, UTC).strftime("%Y-%m-%d %H:00")
        attributes = ", ".join(f"{name}={value}" for name, value in event.attributes.items())
        count = "" if event.n is None else f" x{event.n}"
        lines.append(f"    {hour}  {event.name}{count}: {attributes}")
    return lines
