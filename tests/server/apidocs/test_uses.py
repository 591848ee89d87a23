"""Which names of a Python text are worth resolving."""

from __future__ import annotations

import pytest

from linewise_server.apidocs.python.scope import parse
from linewise_server.apidocs.python.uses import called_names, imports, used_names
from linewise_server.apidocs.source import Span

TEXT = """import os.path, numpy as np
from json import (dumps, loads as l)
from .mine import thing
@np.vectorize
def f(x, y=np.pi):
    z = len(x)
    return os.path.join(dumps(z).strip(), key=x)
"""


def spelled(spans: list[Span]) -> list[str]:
    return [TEXT[span.start : span.end] for span in spans]


def test_calls_and_decorators() -> None:
    assert spelled(called_names(parse(TEXT))) == ["vectorize", "len", "join", "strip", "dumps"]


def test_imports_with_their_full_names() -> None:
    found = imports(parse(TEXT))
    assert [each.full for each in found] == [
        "os.path", "numpy", "json", "json.dumps", "json.loads",
    ]  # fmt: skip
    assert spelled([each.span for each in found]) == ["os.path", "numpy", "json", "dumps", "loads"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("z = len(x)", ["len"]),
        ("os.path.join(dumps(z).strip(), key=x)", ["join", "dumps", "strip"]),
        ("y=np.pi", ["pi"]),
        ("x, y", []),
    ],
)
def test_names_in_a_stretch(part: str, expected: list[str]) -> None:
    start = TEXT.index(part)
    within = Span(start, start + len(part))
    assert spelled(used_names(parse(TEXT), within)) == expected
