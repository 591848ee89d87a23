"""A prepared dataset on disk: examples as tokens, with the place where what is learnt begins.

In: examples, and facts about them. Out: a directory that is whole or not there, and its splits
memory-mapped. Knows nothing of text, tokenizers or training: the layout of an example (marks,
suffix, prefix, middle, end) is data.

    dataset.json          `Facts`: the tokenizer, the marks, the kinds, and each array's SHA-256
    SPLIT/tokens.npy      uint32 [tokens of all examples]
    SPLIT/starts.npy      int64  [examples + 1]: example i is tokens[starts[i]:starts[i + 1]]
    SPLIT/middles.npy     int64  [examples]: where the middle begins within an example; the loss is
                          over tokens[middle:], each predicted from all before it
    SPLIT/kinds.npy       uint8  [examples]: index into `Facts.kinds`
    card.md, card.json    the data card, for people and for programs
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from linewise_models.errors import DatasetError, TrainError

FORMAT = "linewise.dataset"
VERSION = 1
AGAIN = "Prepare the dataset again: linewise models prepare."

Split = Literal["train", "held_out"]
SPLITS: tuple[Split, ...] = ("train", "held_out")

_ARRAYS: dict[str, type[np.generic]] = {
    "tokens": np.uint32,
    "starts": np.int64,
    "middles": np.int64,
    "kinds": np.uint8,
}


@dataclass(frozen=True, slots=True)
class Special:
    """A token with a meaning: its text in the base's vocabulary and its id there."""

    text: str
    id: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a trainer and an exporter must know of a dataset."""

    base: str
    """File name of the GGUF whose tokenizer made the tokens."""
    base_sha256: str
    vocabulary: int
    """Tokens in that vocabulary; every id is below it."""
    end: Special
    """Ends a middle that ends by itself."""
    marks: Mapping[str, Special]
    """`prefix`, `suffix`, `middle` -> the token that stands for the mark."""
    kinds: tuple[str, ...]
    """What the numbers in kinds.npy mean."""
    seed: int


@dataclass(frozen=True, slots=True)
class Example:
    """One example: its tokens [n], the index at which its middle begins, and its kind."""

    tokens: NDArray[np.uint32]
    middle: int
    kind: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """One split of a dataset, memory-mapped."""

    path: Path
    split: Split
    facts: Facts
    tokens: NDArray[np.uint32]
    starts: NDArray[np.int64]
    middles: NDArray[np.int64]
    kinds: NDArray[np.uint8]

    @classmethod
    def open(cls, path: Path, split: Split, *, verify: bool = False) -> Self:
        """Return a split of the dataset at `path`; with `verify`, hash its arrays first.

        Raises DatasetError for a file that is missing, foreign, cut off, or not what was written;
        without `verify` a change that leaves size and shape alone is not seen.
        """
        document = _read_document(path)
        facts = _facts(path, document)
        arrays = {
            name: _load(path, split, name, _stated(path, document, split, name), verify)
            for name in _ARRAYS
        }
        dataset = cls(path, split, facts, **arrays)
        dataset._check()
        return dataset

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.middles)

    def __getitem__(self, index: int) -> Example:
        """Return an example; its tokens are a view into the file."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        tokens = self.tokens[self.starts[index] : self.starts[index + 1]]
        return Example(tokens, int(self.middles[index]), int(self.kinds[index]))

    def __iter__(self) -> Iterator[Example]:
        """Yield the examples in order."""
        return (self[index] for index in range(len(self)))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each example, [examples]."""
        return np.diff(self.starts)

    def _check(self) -> None:
        count, starts, lengths = len(self.middles), self.starts, np.diff(self.starts)
        sound = (
            len(starts) == count + 1
            and len(self.kinds) == count
            and starts[0] == 0
            and starts[-1] == len(self.tokens)
            and bool(np.all(lengths > 0))
            and bool(np.all((self.middles >= 0) & (self.middles < lengths)))
            and bool(np.all(self.kinds < len(self.facts.kinds)))
        )
        if not sound:
            raise DatasetError(f"The arrays in {self.path / self.split} do not fit. {AGAIN}")


def write_dataset(
    path: Path,
    facts: Facts,
    splits: Mapping[Split, Sequence[Example]],
    documents: Mapping[str, str],
) -> None:
    """Write a dataset to the directory `path`, whole or not at all; a dataset there is replaced.

    `documents` are further files, name -> text. Raises TrainError where `path` is something else,
    or where the disk refuses.
    """
    if path.exists() and not (path / "dataset.json").is_file():
        raise TrainError(f"{path} is there and is not a dataset. Name another directory.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=f".{path.name}.half-", dir=path.parent))
    except OSError as error:
        raise _refused(path, error) from error
    try:
        described = {split: _write_split(half / split, splits[split]) for split in SPLITS}
        document = {"format": FORMAT, "version": VERSION, **asdict(facts), "splits": described}
        text = json.dumps(document, indent=2, sort_keys=True) + "\n"
        for name, content in {**documents, "dataset.json": text}.items():
            (half / name).write_text(content, encoding="utf-8")
        half.chmod(0o755)
        _replace(half, path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _replace(half: Path, path: Path) -> None:
    """Put the directory `half` in the place of `path`."""
    if not path.exists():
        half.rename(path)
        return
    old = path.with_name(f"{half.name}.old")
    path.rename(old)
    half.rename(path)
    shutil.rmtree(old)


def _refused(path: Path, error: OSError) -> TrainError:
    reason = os.strerror(error.errno or 0)
    return TrainError(
        f"The dataset could not be written to {path}: {reason}. Nothing half is left."
    )


def _write_split(directory: Path, examples: Sequence[Example]) -> dict[str, Any]:
    lengths = np.array([len(example.tokens) for example in examples], dtype=np.int64)
    arrays: dict[str, NDArray[Any]] = {
        "tokens": np.concatenate([np.zeros(0, np.uint32), *(e.tokens for e in examples)]),
        "starts": np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)]),
        "middles": np.array([example.middle for example in examples], dtype=np.int64),
        "kinds": np.array([example.kind for example in examples], dtype=np.uint8),
    }
    directory.mkdir()
    stated = {name: _write(directory / f"{name}.npy", arrays[name]) for name in _ARRAYS}
    return {
        "examples": len(examples),
        "tokens": int(lengths.sum()),
        "middle_tokens": int(lengths.sum() - arrays["middles"].sum()),
        "longest": int(lengths.max(initial=0)),
        "arrays": stated,
    }


def _write(file: Path, array: NDArray[Any]) -> dict[str, Any]:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    data = buffer.getvalue()
    file.write_bytes(data)
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _read_document(path: Path) -> dict[str, Any]:
    file = path / "dataset.json"
    if not file.is_file():
        raise DatasetError(f"There is no dataset in {path}. Make one: linewise models prepare.")
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{file} cannot be read: {error}. {AGAIN}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DatasetError(f"{file} does not describe a dataset of Linewise. {AGAIN}")
    if document.get("version") != VERSION:
        raise DatasetError(
            f"{file} has version {document.get('version')}, this Linewise reads {VERSION}. {AGAIN}"
        )
    return document


def _facts(path: Path, document: Mapping[str, Any]) -> Facts:
    try:
        return Facts(
            base=str(document["base"]),
            base_sha256=str(document["base_sha256"]),
            vocabulary=int(document["vocabulary"]),
            end=Special(**document["end"]),
            marks={name: Special(**mark) for name, mark in document["marks"].items()},
            kinds=tuple(document["kinds"]),
            seed=int(document["seed"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _incomplete(path, error) from error


def _stated(path: Path, document: Mapping[str, Any], split: Split, name: str) -> tuple[int, str]:
    """Return the size in bytes and the SHA-256 that an array's file must have."""
    try:
        entry = document["splits"][split]["arrays"][name]
        return int(entry["bytes"]), str(entry["sha256"])
    except (KeyError, TypeError, ValueError) as error:
        raise _incomplete(path, error) from error


def _incomplete(path: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{path / 'dataset.json'} is not complete: {error!r}. {AGAIN}")


def _load(path: Path, split: Split, name: str, stated: tuple[int, str], verify: bool) -> Any:
    file = path / split / f"{name}.npy"
    size, sha256 = stated
    try:
        found = file.stat().st_size
        if found != size:
            raise DatasetError(f"{file} has {found} bytes and must have {size}. {AGAIN}")
        if verify:
            with file.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                    raise DatasetError(f"{file} is damaged: its SHA-256 is wrong. {AGAIN}")
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{file} cannot be read: {error}. {AGAIN}") from error
    if array.dtype != _ARRAYS[name] or array.ndim != 1:
        raise DatasetError(f"{file} holds {array.dtype}, not {_ARRAYS[name].__name__}. {AGAIN}")
    return array
