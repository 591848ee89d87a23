"""Holes lie where an editor's cursor can stand, and are what their kind says."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from linewise_models.train.code import Span, survey
from linewise_models.train.holes import Hole, Rows, find_hole

TEXT = '''import math


@cached
def area(width: int, height: int) -> int:
    """Return the area of a rectangle."""
    if width < 0 or height < 0:
        raise ValueError("sides", width, height)

    # What a rectangle has inside.
    inside = [math.floor(side) for side in (width, height)]
    return inside[0] * inside[1]


class Box:
    def side(self, number):
        return area(
            number,
            self.height,
        )
'''


def line_of(hole: Hole) -> str:
    start = TEXT.rfind("\n", 0, hole.start) + 1
    return TEXT[start : TEXT.find("\n", hole.start)]


def whole_line(hole: Hole) -> bool:
    return TEXT[hole.start : hole.end] == line_of(hole).lstrip()


def in_one_line(hole: Hole) -> bool:
    return "\n" not in TEXT[hole.start : hole.end] and hole.end > hole.start


def to_line_end(hole: Hole) -> bool:
    return TEXT[hole.end] == "\n" and "\n" not in TEXT[hole.start : hole.end]


def whole_lines(hole: Hole) -> bool:
    said = TEXT[hole.start : hole.end]
    begins = not line_of(hole)[: hole.start - TEXT.rfind("\n", 0, hole.start) - 1].strip()
    return TEXT[hole.end] == "\n" and "\n" in said and (begins or said[0] == "\n")


def closed(hole: Hole) -> bool:
    said = TEXT[hole.start : hole.end]
    return all(said.count(a) == said.count(b) for a, b in ("()", "[]"))


def near(hole: Hole) -> bool:
    return TEXT[hole.start : hole.end].count("\n") <= 3


def to_the_end(hole: Hole) -> bool:
    return hole.onward and TEXT[hole.end - 1] in ")]"


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("character", in_one_line),
        ("rest", to_line_end),
        ("line", whole_line),
        ("lines", whole_lines),
        ("node", closed),
        ("span", near),
        ("onward", to_the_end),
    ],
)
def test_kinds(kind: str, holds: Callable[[Hole], bool]) -> None:
    found = survey("box.py", TEXT)
    assert found is not None
    rows, random = Rows(TEXT), Random(1)
    for function in found.functions:
        holes = {find_hole(kind, rows, found, function.span, 0.0, random) for _ in range(200)}
        holes.discard(None)
        assert holes
        for hole in holes:
            assert hole is not None
            assert holds(hole), TEXT[hole.start : hole.end]
            typed = TEXT[TEXT.rfind("\n", 0, hole.start) + 1 : hole.start]
            assert typed.strip() or TEXT[hole.start] not in " \t"
            assert function.span.start - 1 <= hole.start


def test_what_is_dull_is_left_to_its_share() -> None:
    found = survey("box.py", TEXT)
    assert found is not None
    rows, random = Rows(TEXT), Random(1)
    place = Span(0, len(TEXT))
    lines = {
        TEXT[hole.start : hole.end]
        for _ in range(300)
        if (hole := find_hole("line", rows, found, place, 0.0, random))
    }
    assert "return inside[0] * inside[1]" in lines
    assert not lines & {")", "# What a rectangle has inside."}
    assert not any("Return the area" in line for line in lines)


def test_a_survey_knows_functions_and_names() -> None:
    found = survey("box.py", TEXT)
    assert found is not None
    facts = [(f.top, f.documented, f.typed, f.lines) for f in found.functions]
    assert facts == [(True, True, True, 9), (False, False, False, 5)]
    assert TEXT[found.functions[0].span.start :].startswith("@cached")
    assert [name for name, _ in found.definitions] == ["area", "Box"]
    assert [TEXT[span.start : span.end] for span in found.imports] == ["import math"]
    assert survey("box.py", "def (:\n") is None


def test_places_are_code_points() -> None:
    text = "s = 'éü→𝄞'\n\n\ndef f(x):\n    return g(x)\n"
    found = survey("a.py", text)
    assert found is not None
    assert text[found.functions[0].span.start :].startswith("def f(x):")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.js", "function f(x) {\n  return g(x);\n}\n"),
        ("a.ts", "function f(x: number): number {\n  return g(x);\n}\n"),
        ("a.go", "package a\n\nfunc f(x int) int {\n\treturn g(x)\n}\n"),
        ("a.rs", "fn f(x: i32) -> i32 {\n    g(x)\n}\n"),
        ("a.java", "class A {\n  int f(int x) {\n    return g(x);\n  }\n}\n"),
        ("a.c", "int f(int x) {\n  return g(x);\n}\n"),
        ("a.cpp", "int f(int x) {\n  return g(x);\n}\n"),
    ],
)
def test_other_languages_have_functions_and_nodes(path: str, text: str) -> None:
    found = survey(path, text)
    assert found is not None
    assert len(found.functions) == 1
    assert {"arguments", "body"} <= {category for category, _ in found.nodes}
