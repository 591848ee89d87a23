"""Token healing: what is taken back, and what may follow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linewise_models.engine.vocabulary import Vocabulary, fork, take_back

PIECES = [
    b"",
    b" ",
    b"\n",
    b"\n   ",
    b"    ",
    b"len",
    b"(",
    b"()",
    b"(x",
    b"x",
    b"l",
    b"le",
    b"\xc3\xa9",
]
VOCABULARY = Vocabulary(PIECES)


def ids(*pieces: bytes) -> list[int]:
    return [PIECES.index(piece) for piece in pieces]


@pytest.mark.parametrize(
    ("tokens", "kept", "taken"),
    [
        ([], 0, b""),
        (ids(b"len", b"("), 1, b"("),
        (ids(b"len"), 0, b"len"),
        (ids(b"x", b"\n   ", b" "), 1, b"\n    "),
        (ids(b"x", b"\n", b"\n   ", b" "), 1, b"\n\n    "),
        (ids(b" "), 0, b" "),
    ],
)
def test_takes_back_white_space_or_the_last_token(
    tokens: list[int], kept: int, taken: bytes
) -> None:
    assert take_back(tokens, VOCABULARY) == (kept, taken)


@pytest.mark.parametrize(
    ("rest", "allowed"),
    [
        (b"(", [b"(", b"()", b"(x"]),
        (b"le", [b"l", b"le", b"len"]),
        (b"\n    ", [b"\n", b"\n   "]),
        (b"\xc3", [b"\xc3\xa9"]),
        (b"z", []),
    ],
)
def test_allows_what_spells_the_rest_or_its_beginning(rest: bytes, allowed: list[bytes]) -> None:
    assert sorted(PIECES[token] for token in VOCABULARY.spelling(rest)) == sorted(allowed)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.binary(min_size=1, max_size=5))
def test_spelling_is_exactly_the_compatible_tokens(pieces: list[bytes], rest: bytes) -> None:
    expected = {
        token
        for token, piece in enumerate(pieces)
        if piece and (piece.startswith(rest) or rest.startswith(piece))
    }
    assert set(Vocabulary(pieces).spelling(rest).tolist()) == expected


@pytest.mark.parametrize(
    ("kept", "whole", "stand"),
    [
        (2, ids(b"x", b"(", b"len"), 2),
        (2, ids(b"x", b"(x", b"len"), 1),
        (2, ids(b"len"), 0),
        (1, ids(b"x", b"(", b"len"), 1),
        (2, [], 0),
    ],
)
def test_a_prompt_stands_as_far_as_the_whole_text_is_split_alike(
    kept: int, whole: list[int], stand: int
) -> None:
    assert fork(ids(b"x", b"(", b"()"), kept, whole) == stand
