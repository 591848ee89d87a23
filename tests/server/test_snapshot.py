"""Lines and places of a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linewise_server.snapshot import Snapshot, split_lines

TEXTS = st.text(alphabet="ab\r\n\f\u2028é😀", max_size=40)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a\n", ""]),
        ("a\r\nb\rc\n", ["a\r\n", "b\r", "c\n", ""]),
        ("a\fb\u2028c\x85d", ["a\fb\u2028c\x85d"]),
    ],
)
def test_only_lsp_line_endings_split(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines


@given(TEXTS)
def test_lines_are_the_text(text: str) -> None:
    assert "".join(split_lines(text)) == text


@given(TEXTS, st.integers(0, 50))
def test_before_and_after_meet_at_every_place(text: str, offset: int) -> None:
    snapshot = Snapshot.of(text)
    line, column = snapshot.place(min(offset, len(text)))
    assert snapshot.before(line, column) + snapshot.after(line, column) == text
    assert snapshot.offset(line, column) == min(offset, len(text))
