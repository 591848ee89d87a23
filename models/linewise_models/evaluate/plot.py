"""Scores as an SVG picture: a bar a record and measure, with a whisker for the 95 % interval.

In: records. Out: one SVG document, which needs no script, font, style sheet or network, says in
words all that it shows, and is read on light and on dark ground. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from linewise_models.evaluate.figures import Figure, figures
from linewise_models.evaluate.record import Record

WIDTH, LABEL, VALUE = 720, 150, 200
"""Pixels of the view box: of all, of the measures on the left, of the figures on the right."""
ROW, HEADING, GAP, MARGIN = 20, 26, 10, 16
COLOURS = 6
"""Records have colours in turn, and numbers, so that nothing depends on telling colours apart."""

_STYLE = """
svg { color-scheme: light dark; font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
.ground { fill: #ffffff } text { fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .group { font-weight: 600 }
.measure, .axis, .remark, .number { fill: #59636e } .axis, .remark { font-size: 11px }
.grid { stroke: #d1d9e0 } .whisker { stroke: #1f2328; stroke-width: 1.5 }
.c0 { fill: #3b82c4 } .c1 { fill: #d9822b } .c2 { fill: #4c9f70 }
.c3 { fill: #9467bd } .c4 { fill: #c44e52 } .c5 { fill: #7f7f7f }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117 } text { fill: #e6edf3 }
.measure, .axis, .remark, .number { fill: #9198a1 }
.grid { stroke: #3d444d } .whisker { stroke: #e6edf3 }
.c0 { fill: #4a8fd0 } .c1 { fill: #d08a3e } .c2 { fill: #57a97b }
.c3 { fill: #a37bcb } .c4 { fill: #cf6064 } .c5 { fill: #8c8c8c }
}
"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A record under the name that the picture gives it."""

    name: str
    figures: Sequence[Figure]
    remark: str = ""
    """What has to be known of it, such as that it was stopped."""

    @classmethod
    def of(cls, record: Record[Any], name: str) -> Drawn:
        """Return what is drawn of a record: its shares, which alone have an interval."""
        shares = [figure for figure in figures(record.results) if figure.low is not None]
        chosen = record.data.get("chosen", "?")
        stopped = f"{name} was stopped after {len(record.results)} of {chosen}."
        return cls(name, shares, "" if record.complete else stopped)


def draw(records: Sequence[Drawn], title: str) -> str:
    """Return the picture as the text of an SVG file."""
    y = MARGIN + 20.0
    body = [_text("title", MARGIN, y, title)]
    for number, record in enumerate(records):
        y += ROW
        body.append(_mark(MARGIN, y, number))
        body.append(_text("name", MARGIN + 34, y + 10, record.name))
    y += ROW
    top = y
    for group, measures in _groups(records).items():
        y += HEADING
        body.append(_text("group", MARGIN, y, group))
        for measure in measures:
            y += GAP
            body.append(_text("measure", MARGIN, y + ROW / 2 + 4, measure))
            for number, record in enumerate(records):
                figure = _find(record, group, measure)
                if figure is not None:
                    body.append(_bar(y, number, record.name, figure))
                    y += ROW
    grid = list(_grid(top + GAP, y + 4))
    y += 22
    remarks = ["Lines: 95 % intervals.", *(record.remark for record in records if record.remark)]
    for remark in remarks:
        y += 16
        body.append(_text("remark", MARGIN, y, remark))
    height = round(y + MARGIN)
    ground = f'<rect class="ground" width="{WIDTH}" height="{height}"/>'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="title desc">'
        f'<title id="title">{escape(title)}</title>'
        f'<desc id="desc">{escape(" ".join([*_words(records), *remarks]))}</desc>'
        f"<style>{_STYLE}</style>"
    )
    return "\n".join([head, ground, *grid, *body, "</svg>", ""])


def _groups(records: Sequence[Drawn]) -> dict[str, list[str]]:
    """Return the measures of each group that any record has, in the order of the records."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for figure in record.figures:
            found.setdefault(figure.group, {})[figure.measure] = None
    return {group: list(measures) for group, measures in found.items()}


def _find(record: Drawn, group: str, measure: str) -> Figure | None:
    return next((f for f in record.figures if (f.group, f.measure) == (group, measure)), None)


def _words(records: Sequence[Drawn]) -> Iterator[str]:
    for record in records:
        for figure in record.figures:
            yield f"{record.name}, {figure.group}, {figure.measure}: {figure.words}."


def _x(share: float) -> float:
    return LABEL + (WIDTH - LABEL - VALUE) * share


def _mark(x: float, y: float, number: int) -> str:
    """Return a record's number and its colour."""
    square = f'<rect class="c{number % COLOURS}" x="{x + 16:.1f}" y="{y:.1f}" width="12" '
    return f'{_text("number", x, y + 10, str(number + 1))}{square}height="12" rx="2"/>'


def _bar(y: float, number: int, name: str, figure: Figure) -> str:
    middle = y + ROW / 2
    low, high = _x(figure.low or 0.0), _x(1.0 if figure.high is None else figure.high)
    said = f"{name}, {figure.group}, {figure.measure}: {figure.words}"
    width = _x(figure.value) - LABEL
    ends = "".join(f"M{x:.1f} {middle - 4:.1f}v8" for x in (low, high))
    return (
        f"<g><title>{escape(said)}</title>"
        f"{_text('number', LABEL - 8, middle + 4, str(number + 1), anchor='end')}"
        f'<rect class="c{number % COLOURS}" x="{LABEL}" y="{y + 4:.1f}" width="{width:.1f}" '
        f'height="{ROW - 8}" rx="2"/>'
        f'<path class="whisker" fill="none" d="M{low:.1f} {middle:.1f}H{high:.1f}{ends}"/>'
        f"{_text('value', WIDTH - VALUE + 12, middle + 4, figure.words)}</g>"
    )


def _grid(top: float, bottom: float) -> Iterator[str]:
    for step in range(5):
        x = _x(step / 4)
        yield f'<path class="grid" d="M{x:.1f} {top:.1f}V{bottom:.1f}"/>'
        yield _text("axis", x, bottom + 14, f"{25 * step} %", anchor="middle")


def _text(kind: str, x: float, y: float, text: str, *, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{escape(text)}</text>'
