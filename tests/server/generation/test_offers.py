"""What is offered at a place, as people ask and as editors do by themselves."""

from __future__ import annotations

import pytest

from linewise_server.generation.offers import offers
from linewise_server.snapshot import Snapshot


@pytest.mark.parametrize(
    ("language", "marked", "asked", "unasked"),
    [
        ("python", "def f(x):\n    ║\n", ["implement", "docstring"], ["implement"]),
        ("python", "def f(x):\n    return x║\n", ["docstring", "tests", "explain"], []),
        ("python", "x = 1\n# add one║\n", ["comment"], []),
        ("python", "x = 1║\n", [], []),
        ("python", "⟦x = 1⟧\n", ["explain", "instruction", "translate"], []),
        (
            "python",
            "def f(x):\n    ⟦return x⟧\n",
            ["docstring", "tests", "explain", "instruction", "translate"],
            [],
        ),
        ("typescript", "function f() {║\n}\n", ["implement", "docstring"], ["implement"]),
        ("kotlin", "⟦val x = 1⟧\n", ["explain", "instruction", "translate"], []),
        ("plaintext", "words║\n", [], []),
    ],
)
def test_offers(language: str, marked: str, asked: list[str], unasked: list[str]) -> None:
    start = marked.index("║" if "║" in marked else "⟦")
    end = start if "║" in marked else marked.index("⟧") - 1
    snapshot = Snapshot.of("".join(c for c in marked if c not in "║⟦⟧"), "file:///a", language)
    assert offers(snapshot, start, end, asked=True) == asked
    assert offers(snapshot, start, end, asked=False) == unasked
