"""What is written is read again; what is not what was written is told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from linewise_models.errors import DatasetError, TrainError
from linewise_models.train.dataset import Dataset, Example, Facts, Special, Split, write_dataset

FACTS = Facts(
    base="tiny.gguf",
    base_sha256="ab" * 32,
    vocabulary=100,
    end=Special("<|endoftext|>", 0),
    marks={"prefix": Special("<p>", 8), "suffix": Special("<s>", 9), "middle": Special("<m>", 10)},
    kinds=("rest", "line"),
    seed=7,
)
ROWS: dict[Split, list[tuple[list[int], int, int]]] = {
    "train": [([9, 8, 5, 6, 0], 3, 0), ([9, 50, 8, 7, 0], 4, 1)],
    "held_out": [([9, 8, 11, 0], 2, 1)],
}


def written(path: Path) -> Path:
    splits = {
        split: [Example(np.array(tokens, np.uint32), middle, kind) for tokens, middle, kind in rows]
        for split, rows in ROWS.items()
    }
    write_dataset(path, FACTS, splits, {"card.md": "# Card\n"})
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path / "data")
    for split, rows in ROWS.items():
        dataset = Dataset.open(path, split, verify=True)
        assert dataset.facts == FACTS
        assert [(e.tokens.tolist(), e.middle, e.kind) for e in dataset] == rows
        assert dataset.lengths.tolist() == [len(tokens) for tokens, _, _ in rows]
    assert (path / "card.md").read_text() == "# Card\n"


def test_a_dataset_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    first = written(tmp_path / "data")
    before = {file: file.read_bytes() for file in first.rglob("*") if file.is_file()}
    again = written(tmp_path / "data")
    assert {file: file.read_bytes() for file in again.rglob("*") if file.is_file()} == before
    assert [file.name for file in tmp_path.iterdir() if "data" in file.name] == ["data"]


def test_what_is_no_dataset_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("dear")
    with pytest.raises(TrainError, match="is not a dataset"):
        written(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "dear"


def test_a_disk_that_refuses_leaves_nothing_half(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainError, match="Nothing half is left"):
        written(tmp_path / "file" / "data")
    splits: dict[Split, list[Example]] = {"train": [], "held_out": []}
    with pytest.raises(TrainError, match="Nothing half is left"):
        write_dataset(tmp_path / "data", FACTS, splits, {"no/such/directory.md": ""})
    assert not [file for file in tmp_path.iterdir() if "data" in file.name]


def cut(path: Path) -> None:
    file = path / "train" / "tokens.npy"
    file.write_bytes(file.read_bytes()[:-4])


def flip(path: Path) -> None:
    file = path / "train" / "tokens.npy"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def swap(path: Path) -> None:
    data = path / "train"
    np.save(data / "kinds.npy", np.load(data / "kinds.npy").astype(np.int64))
    restate(path, "kinds")


def run_over(path: Path) -> None:
    np.save(path / "train" / "middles.npy", np.array([3, 5], np.int64))
    restate(path, "middles")


def restate(path: Path, name: str) -> None:
    """Make dataset.json agree with what an array's file has become."""
    file = path / "dataset.json"
    document = json.loads(file.read_text())
    data = (path / "train" / f"{name}.npy").read_bytes()
    stated = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    document["splits"]["train"]["arrays"][name] = stated
    file.write_text(json.dumps(document))


def foreign(path: Path) -> None:
    (path / "dataset.json").write_text('{"format": "parquet"}')


def newer(path: Path) -> None:
    file = path / "dataset.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": 99}))


def incomplete(path: Path) -> None:
    file = path / "dataset.json"
    document = json.loads(file.read_text())
    del document["marks"]
    file.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (cut, r"tokens\.npy has \d+ bytes and must have"),
        (flip, r"tokens\.npy is damaged"),
        (swap, r"kinds\.npy holds int64, not uint8"),
        (run_over, "do not fit"),
        (foreign, "does not describe a dataset"),
        (newer, "has version 99"),
        (incomplete, "is not complete: KeyError"),
        (lambda path: (path / "dataset.json").write_text("{"), "cannot be read"),
        (lambda path: (path / "dataset.json").unlink(), "There is no dataset"),
        (lambda path: (path / "train" / "starts.npy").unlink(), r"starts\.npy cannot be read"),
    ],
)
def test_damage_is_told(tmp_path: Path, damage: Callable[[Path], object], told: str) -> None:
    path = written(tmp_path / "data")
    damage(path)
    with pytest.raises(DatasetError, match=told):
        Dataset.open(path, "train", verify=True)
