"""What a model is to foretell: examples of either order, files, and what is neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from linewise_models.errors import DatasetError
from linewise_models.evaluate.errors import EvaluationError
from linewise_models.evaluate.passages import Chosen, choose, drawn
from linewise_models.evaluate.perplexity import Passage
from linewise_models.train.dataset import Example, Facts, Special, write_dataset

PREFIX, SUFFIX, MIDDLE, END, START = range(256, 261)
NAMES = {"<p>": PREFIX, "<s>": SUFFIX, "<m>": MIDDLE, "<end>": END, "<start>": START}
FACTS = Facts(
    base="letters.gguf",
    base_sha256="0",
    vocabulary=261,
    end=Special("<end>", END),
    marks={
        "prefix": Special("<p>", PREFIX),
        "suffix": Special("<s>", SUFFIX),
        "middle": Special("<m>", MIDDLE),
    },
    kinds=("line", "rest"),
    seed=0,
)


@dataclass
class Letters:
    """A vocabulary of bytes and five control tokens."""

    vocabulary_size: int = 261
    start: int | None = None

    def tokenise(self, text: str, special: bool = False) -> list[int]:
        return [NAMES[text]] if special and text in NAMES else list(text.encode())

    def pieces(self) -> list[bytes]:
        return [bytes([n]) for n in range(256)] + [b""] * 5

    def start_token(self) -> int | None:
        return self.start


def example(*parts: int | str, middle: str, ends: bool = True, kind: int = 0) -> Example:
    head = [t for part in parts for t in (part.encode() if isinstance(part, str) else [part])]
    tokens = [*head, *middle.encode(), *[END] * ends]
    return Example(np.array(tokens, np.uint32), len(head), kind)


SPM = example(SUFFIX, "z\n", PREFIX, "a\nb = ", middle="é")
PSM = example(START, PREFIX, "a\n", SUFFIX, "z\n", MIDDLE, "b = ", middle="é", ends=False, kind=1)


def dataset(path: Path, *held_out: Example) -> Path:
    write_dataset(path, FACTS, {"train": [SPM], "held_out": list(held_out)}, {})
    return path


def spelt(passage: Passage) -> tuple[str, str]:
    """Return the text before what is told, and that, control tokens by their names."""
    names = {token: name.encode() for name, token in NAMES.items()}
    parts: list[Sequence[int]] = [passage.tokens[: passage.first], passage.tokens[passage.first :]]
    before, told = (b"".join(names.get(t) or bytes([t]) for t in part) for part in parts)
    assert passage.bytes == sum(t < 256 for t in passage.tokens[passage.first :])
    return before.decode(), told.decode()


def asked(chosen: Chosen) -> set[tuple[str, str, str, str]]:
    return {(p.task, p.group, *spelt(p)) for p in chosen.passages}


def test_middles_are_asked_as_the_model_is_served_and_all_as_plain_code(tmp_path: Path) -> None:
    path = dataset(tmp_path / "data", SPM, PSM)
    code = ("code", "all kinds", "a", "\nb = éz\n")
    assert asked(choose(path, Letters(), fills_in=True)) == {
        ("middle", "line", "<s>z\n<p>a\nb = ", "é<end>"),
        ("middle", "rest", "<start><p>a\n<s>z\n<m>b = ", "é"),
        code,
    }
    assert asked(choose(path, Letters(), fills_in=False)) == {
        ("middle", "line", "a\nb = ", "é"),
        ("middle", "rest", "<start>a\nb = ", "é"),
        code,
    }


def test_a_middle_that_is_only_an_end_is_nothing_to_say_from_left_to_right(tmp_path: Path) -> None:
    path = dataset(tmp_path / "data", example(SUFFIX, PREFIX, "a = 1\n", middle=""))
    told = [spelt(p)[1] for p in choose(path, Letters(), fills_in=True).passages]
    assert told == ["<end>", " = 1\n"]
    assert [p.task for p in choose(path, Letters(), fills_in=False).passages] == ["code"]


@pytest.mark.parametrize("other", [replace(FACTS, vocabulary=7), FACTS])
def test_a_dataset_of_another_vocabulary_is_refused(tmp_path: Path, other: Facts) -> None:
    facts = other if other is not FACTS else replace(FACTS, end=Special("<m>", END))
    write_dataset(tmp_path / "data", facts, {"train": [SPM], "held_out": [SPM]}, {})
    with pytest.raises(DatasetError, match=r"vocabulary of letters\.gguf"):
        choose(tmp_path / "data", Letters(), fills_in=True)


def test_of_a_folder_all_code_is_told(tmp_path: Path) -> None:
    files = {"a.py": b"x = 1", "in/b.js": "é()".encode(), "bad.py": b"\xff", "c.txt": b"no code"}
    files |= {"empty.py": b"", ".hidden/d.py": b"no"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    chosen = choose(tmp_path, Letters(), fills_in=True)
    assert {(p.id, p.group, p.bytes) for p in chosen.passages} == {
        ("a.py", "python", 4),
        ("in/b.js", "javascript", 3),
    }
    assert (chosen.skipped, chosen.kind) == (["bad.py"], "code")


def test_a_start_token_foretells_the_first_letter(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ab")
    [one] = choose(tmp_path / "a.txt", Letters(start=START), fills_in=True).passages
    assert (one.group, *spelt(one)) == ("other", "<start>", "ab")


@pytest.mark.parametrize(
    ("path", "message"), [("gone", "no dataset, folder or file"), (".", "no code in it")]
)
def test_where_nothing_can_be_told(tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        choose(tmp_path / path, Letters(), fills_in=True)


def test_a_smaller_limit_is_the_beginning_of_a_larger_one() -> None:
    assert drawn(100, 10) == drawn(100, None)[:10]
    assert sorted(drawn(100, None)) == list(range(100))
    assert drawn(100, None) != list(range(100))
