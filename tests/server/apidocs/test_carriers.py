"""Whose adapter a text calls for: what it imports, installed or not, in its order."""

from __future__ import annotations

import pytest

from linewise_server.apidocs.carriers import carried, carriers
from linewise_server.apidocs.packages import Packages
from linewise_server.apidocs.source import Source
from linewise_telemetry.catalogue.document import Adapter, Catalogue, Entry

BASE = "b" * 64


def catalogue(name: str, package: str, *bases: str, symbol: str = "") -> Catalogue:
    symbols = (Entry(symbol or f"{package}.new", "function", "https://a.example/"),)
    adapters = tuple(Adapter(f"{name}.gguf", "a" * 64, 1, base, "MIT", "") for base in bases)
    return Catalogue(name, name, "M", 1, package, "", symbols, (), (), (), (), adapters, None)


HELD = (
    catalogue("other", "other-client", BASE, symbol="other.send"),
    catalogue("toys", "toy", BASE),
    catalogue("plain", "plain"),
    catalogue("elsewhere", "elsewhere", "c" * 64),
    # Of a package whose name another, installed one has for its module.
    catalogue("thief", "thief", BASE, symbol="toy.new"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import toy", ["toys"]),
        ("import toy.sub as t", ["toys"]),
        ("from toy import new", ["toys"]),
        ("def f():\n    import toy", ["toys"]),
        ("import toy\nimport other", ["toys", "other"]),
        ("import other\nimport toy", ["other", "toys"]),
        ("from other.parts import send", ["other"]),
        ("import other_client", []),
        ("import plain", []),
        ("import elsewhere", ["elsewhere"]),
        ("import json\n# import toy", []),
        ("toy = 1\ntoy.new()", []),
        ("from . import toy", []),
        ("", []),
    ],
)
def test_a_text_calls_for_the_adapters_of_what_it_imports(
    packages: Packages, text: str, expected: list[str]
) -> None:
    found = carriers(HELD, packages, Source(text, "python"))
    assert [each.id for each in found] == expected


def test_other_languages_call_for_none(packages: Packages) -> None:
    assert carriers(HELD, packages, Source("import toy", "javascript")) == []


def test_an_adapter_is_for_one_model() -> None:
    assert [each.catalogue.id for each in carried(HELD, BASE)] == ["other", "toys", "thief"]
    assert carried(HELD, "d" * 64) == []
