"""Records as a picture: what is drawn, what is said, and that it needs nothing else."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from linewise_models.evaluate.figures import figures
from linewise_models.evaluate.perplexity import Told
from linewise_models.evaluate.plot import LABEL, VALUE, WIDTH, Drawn, draw
from linewise_models.evaluate.record import Record
from linewise_models.evaluate.run import Result

SVG = "{http://www.w3.org/2000/svg}"


def result(number: int, exact: bool, passed: bool | None, group: str = "line") -> Result:
    similarity = 1.0 if exact else 0.5
    return Result(str(number), group, exact, similarity, passed, False, "", "", "", 1)


def record(results: list[Result], complete: bool = True) -> Record[Result]:
    return Record(
        suite="safim",
        data={"chosen": 4},
        mode="editor",
        pipeline="full",
        rules={},
        model={"name": "tiny", "quantisation": "Q4_1"},
        machine={},
        started="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        complete=complete,
        results=results,
    )


FIRST = record([result(n, n < 1, n < 2) for n in range(4)])
SECOND = record([result(n, n < 3, None) for n in range(4)] + [result(9, True, None, "block")])


def drawn() -> ET.Element:
    pairs = [(FIRST, "before <1>"), (SECOND, 'a name "&" as long as it likes to be')]
    return ET.fromstring(draw([Drawn.of(*pair) for pair in pairs], "Before & after"))


def test_each_figure_is_a_bar_with_a_whisker() -> None:
    root = drawn()
    room = WIDTH - LABEL - VALUE
    bars = {}
    for bar in root.findall(f"{SVG}g"):
        rect, whisker = bar.find(f"{SVG}rect"), bar.find(f"{SVG}path")
        assert rect is not None
        assert whisker is not None
        low, high = re.findall(r"M([\d.]+) [\d.]+v8", whisker.attrib["d"])
        ends = [(float(x) - LABEL) / room for x in (low, high)]
        said = bar.findtext(f"{SVG}title") or ""
        bars[said.partition(":")[0]] = (float(rect.attrib["width"]) / room, *ends)
    name = 'a name "&" as long as it likes to be'
    assert set(bars) == {
        "before <1>, line, exact match",
        "before <1>, line, edit similarity",
        "before <1>, line, pass@1",
        f"{name}, line, exact match",
        f"{name}, line, edit similarity",
        f"{name}, block, exact match",
        f"{name}, block, edit similarity",
    }
    # Wilson's interval of one of four, worked out by hand.
    assert bars["before <1>, line, exact match"] == pytest.approx((0.25, 0.0456, 0.6994), abs=1e-3)
    assert all(low <= value <= high for value, low, high in bars.values())


def test_it_says_in_words_what_it_shows() -> None:
    root = drawn()
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]
    assert title.text == "Before & after"
    words = description.text or ""
    assert "before <1>, line, exact match: 25.0 % (4.6 to 69.9) of 4." in words
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert "25.0 % (4.6 to 69.9) of 4" in texts
    assert {"before <1>", 'a name "&" as long as it likes to be'} < set(texts)
    # Bars are told apart by numbers too: three measures of both, one of the first alone, one group.
    assert (texts.count("1"), texts.count("2")) == (1 + 3, 1 + 4)


def test_it_needs_nothing_else_and_is_read_in_the_dark() -> None:
    text = draw([Drawn.of(FIRST, "x")], "x")
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"<script|@import|url\(|href|<image|<link", text)
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_what_was_stopped_is_said_to_be() -> None:
    text = draw([Drawn.of(record(FIRST.results[:2], complete=False), "half")], "x")
    assert "half was stopped after 2 of 4." in text


def test_of_a_perplexity_only_shares_are_drawn() -> None:
    told = [
        Told("1", "middle", "line", 3.0, 4, 4, 9),
        Told("2", "middle", "rest", 3.0, 4, 2, 9),
        Told("1", "code", "all kinds", 9.0, 8, 2, 20),
    ]
    by_name = {(f.group, f.measure): f for f in figures(told)}
    assert by_name["middles", "next token"].value == 0.75
    assert by_name["middles", "exact match"].value == 0.5
    assert by_name["middles: rest", "next token"].value == 0.5
    assert by_name["code", "bits a byte"].words == "0.649"
    assert ("code", "exact match") not in by_name
    shares = {f.measure for f in Drawn("x", [f for f in figures(told) if f.low]).figures}
    assert shares == {"next token", "exact match"}
