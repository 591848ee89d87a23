"""What says the same again, and what shares a run of words."""

from __future__ import annotations

from pathlib import Path

import pytest

from linewise_models.errors import ConfigError
from linewise_models.train.duplicates import Excluded, Seen, read_texts, words_of

WORDS = " ".join(f"word{number}" for number in range(200))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (WORDS, "exact duplicate"),
        (WORDS.replace(" ", "\n\t"), "exact duplicate"),
        (WORDS + " and_one_more", "near duplicate"),
        ("# A licence\n" + WORDS + " more", "near duplicate"),
        (WORDS.replace("word", "other"), None),
        (WORDS[: len(WORDS) // 3], None),
    ],
)
def test_duplicates(text: str, reason: str | None) -> None:
    seen = Seen(similarity=0.7)
    assert seen.reason(WORDS, words_of(WORDS)) is None
    assert seen.reason(text, words_of(text)) == reason


@pytest.mark.parametrize(
    ("text", "touches"),
    [
        ("first " + " ".join(f"word{n}" for n in range(50, 62)), True),
        ("first " + " ".join(f"word{n}" for n in range(50, 61)), False),
        ("a\n# word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11 word12", False),
        ("", False),
    ],
)
def test_runs(text: str, touches: bool) -> None:
    assert Excluded([WORDS], run=12).touches(words_of(text)) is touches
    assert not Excluded([], run=12).touches(words_of(text))


def test_texts_of_a_benchmark(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "x", "n": 1, "more": ["y", {"z": "z"}]}\n\n')
    (tmp_path / "notes.txt").write_text("not read")
    assert list(read_texts(tmp_path)) == ["x", "y", "z"]
    assert list(read_texts(tmp_path / "notes.txt")) == ["not read"]
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_texts(tmp_path / "missing.jsonl"))
