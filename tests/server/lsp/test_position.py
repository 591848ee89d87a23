"""Columns in the three encodings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linewise_server.lsp.position import Encoding, to_character, to_column

ENCODINGS: list[Encoding] = ["utf-8", "utf-16", "utf-32"]
LINES = st.text(alphabet="aé€😀\u0301\u200d", max_size=20)


@pytest.mark.parametrize(
    ("line", "column", "characters"),
    [
        ("abc\n", 2, (2, 2, 2)),
        ("é😀x", 2, (6, 3, 2)),
        ("e\u0301x", 2, (3, 2, 2)),
        ("👩\u200d💻=", 3, (11, 5, 3)),
    ],
)
def test_columns(line: str, column: int, characters: tuple[int, int, int]) -> None:
    for encoding, character in zip(ENCODINGS, characters, strict=True):
        assert to_character(line, column, encoding) == character
        assert to_column(line, character, encoding) == column


@given(LINES, st.sampled_from(ENCODINGS), st.data())
def test_there_and_back(line: str, encoding: Encoding, data: st.DataObject) -> None:
    column = data.draw(st.integers(0, len(line)))
    assert to_column(line, to_character(line, column, encoding), encoding) == column


@given(
    LINES, st.sampled_from(["", "\n", "\r\n", "\r"]), st.sampled_from(ENCODINGS), st.integers(0, 99)
)
def test_any_number_is_a_place_on_the_line(
    body: str, ending: str, encoding: Encoding, character: int
) -> None:
    assert 0 <= to_column(body + ending, character, encoding) <= len(body)


def test_inside_a_character_is_before_it() -> None:
    assert to_column("😀x", 1, "utf-16") == 0
    assert to_column("é", 1, "utf-8") == 0
