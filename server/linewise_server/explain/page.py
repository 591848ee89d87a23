"""An explanation as a page: one HTML file that loads nothing and runs nothing.

In: an explanation. Out: HTML. Everything in it that comes from documents, models or filters is
escaped, and characters that hide are spelt out. Colours lie over the reader's own background, light
or dark, and each says in colour what a figure beside it says in text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from linewise_server.explain import words
from linewise_server.explain.explanation import Explanation, Said

STEPS = 5
"""Shades of a probability, evenly apart in its logarithm."""
LEAST_SHADED = log(1e-3)
"""Log-probability from which on the shade is the strongest."""
WIDEST = 100
"""Per cent of its column that the longest bar takes."""


@dataclass(frozen=True, slots=True)
class _Token:
    shown: str
    words: str
    """What it is where nothing of it can be seen; empty elsewhere."""
    percent: str
    shade: int
    breaks: bool
    """Whether a new line begins after it."""


@dataclass(frozen=True, slots=True)
class _Row:
    where: str
    text: str
    words: str
    width: int
    helps: bool
    """Whether the completion is less likely without it."""


def page(explanation: Explanation) -> str:
    """Return the HTML of an explanation."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("linewise_server.explain", "."),
        autoescape=True,
        finalize=lambda value: words.visible(value) if isinstance(value, str) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["part_name"] = words.part_name
    return environment.get_template("page.html").render(
        place=place(explanation),
        shown=explanation,
        summary=words.summary(explanation),
        tokens=[_token(token) for token in explanation.tokens],
        rows=list(_rows(explanation)),
        method=words.METHOD,
        sources=words.SOURCES,
        cost=words.cost(explanation),
    )


def place(explanation: Explanation) -> str:
    """Return where the completion is, as FILE:LINE:COL without its folders."""
    name = PurePosixPath(unquote(urlsplit(explanation.uri).path)).name or "untitled"
    return f"{name}:{explanation.line + 1}:{explanation.column + 1}"


def _token(token: Said) -> _Token:
    shade = min(STEPS - 1, int(token.logprob / LEAST_SHADED * STEPS))
    shown = token.text.strip("\r\n") if token.text.strip() else ""
    return _Token(
        shown=shown,
        words="" if shown else words.blank(token.text),
        percent=words.percent(token.probability),
        shade=max(0, shade),
        breaks="\n" in token.text,
    )


def _rows(explanation: Explanation) -> Iterator[_Row]:
    widest = max((abs(lean.fall) for lean in explanation.leans), default=0.0)
    for lean in explanation.leans:
        yield _Row(
            where=words.where(explanation, lean),
            text=lean.group.text.rstrip(),
            words=words.likelihood(lean.fall),
            width=round(WIDEST * abs(lean.fall) / widest) if widest > words.NOTHING else 0,
            helps=lean.fall >= 0,
        )
