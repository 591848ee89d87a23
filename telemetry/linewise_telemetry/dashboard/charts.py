"""Charts as SVG text: lines with their intervals and release marks, and bars.

In: figures. Out: markup without script, style or anything from another host. Sizes are in pixels of
the view box; colours come from the style sheet's classes. Each chart says in words what it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from linewise_telemetry.dashboard.readings import Reading

WIDTH, HEIGHT = 440, 180
"""About as wide as a card is on the screen, so that text is drawn at its own size."""
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 24, 28
ROW = 24
LETTER = 7.0
"""Width of a letter in a bar's name, about."""
LEAST_NAME, MOST_LETTERS = 70, 27
VALUE = 172
"""Room for a bar's figure behind it."""


def line(
    points: Sequence[tuple[date, Reading]],
    marks: Sequence[tuple[date, str]],
    *,
    title: str,
    counts: bool = False,
) -> Markup:
    """Return a metric week by week: a share with its interval's band, or with `counts` a number."""
    if not points:
        return Markup('<p class="empty">No week may be shown yet.</p>')
    first, last = points[0][0], points[-1][0]
    span = max(1, (last - first).days)
    top = max(reading.share.den for _, reading in points) if counts else 1.0

    def x(day: date) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / span

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top

    def value(reading: Reading) -> float:
        return reading.share.den if counts else reading.share.value

    parts = [_open(WIDTH, HEIGHT, title)]
    for step in range(5):
        at = top * step / 4
        parts.append(_stroke("grid", LEFT, y(at), WIDTH - RIGHT, y(at)))
        label = f"{at:,.0f}" if counts else f"{100 * at:.0f} %"
        parts.append(_text("axis", LEFT - 6, y(at) + 4, label, anchor="end"))
    for day, anchor in {first: "start", last: "end"}.items():
        parts.append(_text("axis", x(day), HEIGHT - 8, day.isoformat(), anchor=anchor))
    for day, name in marks:
        if first <= day <= last:
            parts.append(_stroke("mark", x(day), TOP - 18, x(day), HEIGHT - BOTTOM))
            parts.append(_text("mark-name", x(day) + 3, TOP - 10, name))
    if not counts:
        upper = [f"{x(day):.1f},{y(reading.share.high):.1f}" for day, reading in points]
        lower = [f"{x(day):.1f},{y(reading.share.low):.1f}" for day, reading in reversed(points)]
        parts.append(f'<polygon class="band" points="{" ".join(upper + lower)}"/>')
    path = " ".join(f"{x(day):.1f},{y(value(reading)):.1f}" for day, reading in points)
    parts.append(f'<polyline class="line" points="{path}"/>')
    for day, reading in points:
        said = escape(f"{day}: {describe(reading, counts=counts)}")
        at_x, at_y = x(day), y(value(reading))
        parts.append(f'<circle class="dot" cx="{at_x:.1f}" cy="{at_y:.1f}" r="3">')
        parts.append(f"<title>{said}</title></circle>")
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 (all in it is escaped or a number)


def bars(readings: Sequence[Reading], *, title: str, counts: bool, words: bool = False) -> Markup:
    """Return a bar a value: its share with a whisker for the interval, or its count.

    With `words` the values are words of the registry and are written as such: `no_page` as no page.
    """
    if not readings:
        return Markup('<p class="empty">Nothing may be shown yet.</p>')
    height = ROW * len(readings) + 8
    most = max(reading.share.den for reading in readings) if counts else 1.0
    names = [_short(r.value.replace("_", " ") if words else r.value) for r in readings]
    label = max(LEAST_NAME, 14 + LETTER * max(map(len, names)))
    room = WIDTH - label - (60 if counts else VALUE)
    parts = [_open(WIDTH, height, title)]
    for row, (name, reading) in enumerate(zip(names, readings, strict=True)):
        middle = ROW * row + ROW / 2 + 4
        value = reading.share.den / most if counts else reading.share.value
        text = f"{reading.share.den:,}"
        if not counts:
            part = reading.share
            text = f"{100 * value:.0f} % ({100 * part.low:.0f} to {100 * part.high:.0f}) of {text}"
        said = escape(f"{reading.value}: {describe(reading, counts=counts)}")
        parts.append(_text("name", label - 8, middle + 4, name, anchor="end"))
        parts.append(
            f'<rect class="bar" x="{label:.1f}" y="{middle - 7:.1f}" height="14"'
            f' width="{max(1.0, room * value):.1f}"><title>{said}</title></rect>'
        )
        parts.append(_text("value", label + room + 8, middle + 4, text))
        if not counts:
            low, high = label + room * reading.share.low, label + room * reading.share.high
            parts.append(_stroke("whisker", low, middle, high, middle))
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 (all in it is escaped or a number)


def describe(reading: Reading, *, counts: bool) -> str:
    """Return a figure in words, with its base and its interval."""
    part = reading.share
    base = f"at least {reading.installs} installs in a week"
    if counts:
        return f"{part.den:,} from {base}"
    return (
        f"{100 * part.value:.1f} % ({part.num:,} of {part.den:,}; 95 % interval "
        f"{100 * part.low:.1f} to {100 * part.high:.1f} %; {base})"
    )


def _open(width: int, height: int, title: str) -> str:
    name = escape(title)
    box = f"0 0 {width} {height}"
    return f'<svg class="chart" viewBox="{box}" role="img" aria-label="{name}">'


def _text(kind: str, x: float, y: float, text: str, *, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{escape(text)}</text>'


def _stroke(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _short(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else "…" + text[1 - MOST_LETTERS :]
