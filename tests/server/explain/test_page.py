"""The page of an explanation: its figures in words, and nothing in it that could act or hide."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from math import log
from typing import Any

import pytest

from linewise_models.engine.contract import Part
from linewise_server.explain import words
from linewise_server.explain.explanation import Action, Cost, Explanation, Said, Shown
from linewise_server.explain.occlusion import Lean, first_groups
from linewise_server.explain.page import STEPS, page

HOSTILE = (
    "</pre></style><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}{% raw %}&amp;"
    "\"'`\x00\x1b[31m\u202e\u2066\u200b\ud800\U000e0041<!--"
)
LINES = "import os\n\n\ndef f(x):\n    y = x\n"


def explained(text: str = "y\n", **values: Any) -> Explanation:
    """Return an explanation in which `text` is wherever text can be."""
    groups = first_groups((Part("context", "# b.py\n"), Part("lines", LINES)), 9)
    fields: dict[str, Any] = {
        "uri": "file:///w/a%20b.py",
        "line": 5,
        "column": 11,
        "model": "tiny.gguf",
        "raw": text,
        "text": text,
        "dropped": False,
        "tokens": (Said(text, log(0.25)), Said("\n    ", log(0.5))),
        "least": -1.6,
        "parts": (
            Shown("context", "# b.py\n", False, 4, True),
            Shown("prefix", "", True, 1, True),
            Shown("line", text, False, 3, False),
        ),
        "first_line": 0,
        "suffix_line": 6,
        "actions": (Action("line_end", "Cut at the end.", text + "\n", text),),
        "leans": tuple(map(Lean, groups, (0.0, -1.0, 0.01, log(1500)))),
        "cost": Cost(4, 1234, 2.5),
    }
    return Explanation(**(fields | values))


class Reader(HTMLParser):
    """What a browser would make of a page, and what a screen reader would read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.said = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.said += " "
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.said += data


def test_it_says_its_figures_in_words() -> None:
    said = " ".join(Reader(page(explained())).said.split())
    for words_ in (
        "a b.py:6:12",
        "2 tokens, on average 35 % likely; the model was least sure of “y” (25 %).",
        "It leans most on line 5: without it the completion is 1,500 times less likely.",
        "1 line quoted from other files",
        "lines 1 to 3 import os 2.7 times more likely",
        "line 4 def f(x): as likely",
        "line break, 4 spaces 50 %",
        "the mark prefix 1 yes one token of the model's own",
        "line_end Cut at the end.",
        "4 requests that left something out, 1,234 tokens evaluated, 2.5 s.",
        "Zeiler and Fergus 2014",
        "Jain and Wallace 2019",
        "occlusion",
    ):
        assert words_ in said


def test_hostile_text_stays_text() -> None:
    plain = Reader(page(explained("x")))
    hostile = explained(
        HOSTILE,
        uri=f"file:///{HOSTILE}",
        model=HOSTILE,
        parts=(Shown("lines", HOSTILE, False, 1, True), *explained("x").parts[1:]),
        actions=(Action(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        leans=tuple(Lean(g, 1.0) for g in first_groups((Part("lines", HOSTILE),), 9)),
    )
    html = page(hostile)
    read = Reader(html)
    assert set(read.tags) == set(plain.tags)
    assert {name for name, _ in read.attributes} == {name for name, _ in plain.attributes}
    assert "script" not in read.tags
    assert "<script>alert(1)</script>" in read.said
    assert "{{ 7*7 }}" in read.said
    assert r"\u202e" in read.said
    # Whoever writes it to a file can: no lone surrogate, and nothing that hides or turns.
    assert not re.search(r"[^\n\t\x20-\x7e\u00a0-\uffff\U00010000-\U000dffff]", html)
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)
    html.encode()


def test_it_loads_and_runs_nothing() -> None:
    html = page(explained())
    read = Reader(html)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert ("content", policy) in read.attributes
    assert not {"script", "link", "img", "iframe", "object", "form", "a", "base"} & set(read.tags)
    assert not [name for name, _ in read.attributes if name in ("src", "href") or name[:2] == "on"]
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dropped": True}, "Filters hold this back"),
        ({"actions": (Action("trivial", "Drop it.", "y", None),)}, "trivial Drop it. y dropped"),
        ({"actions": ()}, "None: what the model said is what is shown."),
        ({"leans": ()}, "There is nothing to leave out"),
        ({"least": -0.5}, "not sure enough to be shown while typing"),
        ({"uri": "untitled:"}, "untitled:6:12"),
    ],
)
def test_it_says_what_is_special(changes: dict[str, Any], says: str) -> None:
    assert says in " ".join(Reader(page(replace(explained(), **changes))).said.split())


@pytest.mark.parametrize(
    ("fall", "said"),
    [
        (0.0, "as likely"),
        (-0.04, "as likely"),
        (0.06, "1.1 times less likely"),
        (log(7.4), "7.4 times less likely"),
        (-log(2), "2.0 times more likely"),
        (log(49351), "49,351 times less likely"),
        (1e9, "more than a million times less likely"),
        (-1e9, "more than a million times more likely"),
    ],
)
def test_falls_in_words(fall: float, said: str) -> None:
    assert words.likelihood(fall) == said


@pytest.mark.parametrize(
    ("probability", "said", "shade"),
    [
        (1.0, "100 %", 0),
        (0.999, "over 99 %", 0),
        (0.99, "99 %", 0),
        (0.5, "50 %", 0),
        (0.1, "10 %", 1),
        (0.01, "1 %", 3),
        (0.0099, "under 1 %", 3),
        (0.05, "5 %", 2),
        (1e-30, "under 1 %", STEPS - 1),
    ],
)
def test_a_probability_has_a_figure_and_a_shade(probability: float, said: str, shade: int) -> None:
    html = page(explained(tokens=(Said("y", log(probability)),)))
    assert f'<li class="shade{shade}"><code>y</code> <span class="figure">{said}</span>' in html


def test_what_nothing_is_seen_of_is_told_by_name() -> None:
    assert words.quoted(Said(" y ", -1.0)) == "“y”"
    assert words.quoted(Said("\n\n\t ", -1.0)) == "2 line breaks, tab, space"
    assert words.visible("a\r\nb\tc\x07") == "a\nb\tc\\u0007"
