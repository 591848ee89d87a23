"""Survival is measured where the text is now, whatever was typed around and inside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linewise_telemetry.client.survival import DUE, Survivals, keep_ratio

TEXT = "return sum(values)"
BEFORE = f"def mean(values):\n    {TEXT}\n"
START = BEFORE.index(TEXT)


def measure(document: str, edits: list[tuple[int, int, str]]) -> tuple[str, float | None]:
    survivals = Survivals()
    survivals.watch("c", "file", START, TEXT, 0.0)
    for start, removed, inserted in edits:
        document = document[:start] + inserted + document[start + removed :]
        survivals.edit("file", start, removed, len(inserted))
    survival = next(survivals.due(30.0, lambda _: document))
    return survival.state, survival.percent


@pytest.mark.parametrize(
    ("edits", "state"),
    [
        ([], "kept"),
        ([(0, 0, "import math\n")], "kept"),
        ([(len(BEFORE), 0, "\n\nmore = 1\n")], "kept"),
        ([(START + len(TEXT), 0, " / len(values)")], "kept"),
        ([(START + 7, 0, "math.f")], "kept"),
        ([(START + 7, 11, "statistics.mean(values)")], "edited"),
        ([(START, len(TEXT), "")], "removed"),
        ([(START, len(TEXT), ""), (START, 0, TEXT)], "kept"),
        ([(0, len(BEFORE), "pass\n")], "removed"),
        ([(0, len(BEFORE), BEFORE)], "kept"),
    ],
)
def test_state(edits: list[tuple[int, int, str]], state: str) -> None:
    assert measure(BEFORE, edits)[0] == state


def test_closed_document_is_unknown_not_removed() -> None:
    survivals = Survivals()
    survivals.watch("c", "file", 0, TEXT, 0.0)
    assert [s.state for s in survivals.due(600.0, lambda _: None)] == ["unknown"] * len(DUE)


def test_each_time_is_due_once_also_after_a_pause() -> None:
    survivals = Survivals()
    survivals.watch("c", "file", 0, TEXT, 0.0)
    seen = [
        s.at
        for now in (0.0, 29.0, 130.0, 131.0, 5000.0, 9000.0)
        for s in survivals.due(now, lambda _: TEXT)
    ]
    assert seen == [30, 120, 300, 600]


def test_renamed_document_is_followed() -> None:
    survivals = Survivals()
    survivals.watch("c", "old", 0, TEXT, 0.0)
    survivals.rename("old", "new")
    survivals.edit("new", 0, 0, 3)
    assert next(survivals.due(30.0, {"new": "xy " + TEXT}.get)).percent == 100


@given(
    st.text(min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10), st.text(max_size=10)), max_size=8),
)
def test_edits_elsewhere_never_lower_it(text: str, edits: list[tuple[int, int, str]]) -> None:
    """Edits wholly before or after the text leave it kept in full."""
    document, start = "a" * 20 + text + "b" * 20, 20
    survivals = Survivals()
    survivals.watch("c", "file", start, text, 0.0)
    for at, removed, inserted in edits:
        position = min(at, len(document))
        removed = min(removed, len(document) - position)
        end = position + removed
        if not (end < start or position > start + len(text)):
            continue
        document = document[:position] + inserted + document[end:]
        survivals.edit("file", position, removed, len(inserted))
        if end < start:
            start += len(inserted) - removed
    assert next(survivals.due(30.0, lambda _: document)).percent == 100


@given(st.text(max_size=60), st.text(max_size=60))
def test_ratio_is_a_share(text: str, region: str) -> None:
    assert 0.0 <= keep_ratio(text, region) <= 1.0
    assert keep_ratio(text, text) == 1.0
    assert keep_ratio(text, "x" + text + "y") == 1.0
