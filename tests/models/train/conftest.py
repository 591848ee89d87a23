"""A vocabulary, a dataset and a config small enough that a run takes a second."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linewise_models.train.bpe import END, learn_vocabulary
from linewise_models.train.config import Config, parse_config
from linewise_models.train.dataset import Example, Facts, Special, write_dataset
from linewise_models.train.tokenizer import Tokenizer

MARKS = {name: f"<|fim_{name}|>" for name in ("prefix", "suffix", "middle")}
NAMES = ("alpha", "beta", "gamma", "delta", "total", "count", "left", "right")


def lines(seed: int, count: int) -> list[str]:
    """Return functions that a tiny model can learn: what is returned was given."""
    random = np.random.default_rng(seed)
    chosen = [random.choice(NAMES, 2, replace=False) for _ in range(count)]
    return [f"def add_{a}({a}, {b}):\n    return {a} + {b}\n" for a, b in chosen]


def facts(base: Path, marks: dict[str, str] = MARKS, end: str = END) -> Facts:
    """Return the facts of a dataset made with the vocabulary of `base`."""
    tokenizer = Tokenizer(base)
    special = {mark: tokenizer.special(name) for mark, name in marks.items()}
    known = Facts(
        base=base.name,
        base_sha256=hashlib.sha256(base.read_bytes()).hexdigest(),
        vocabulary=tokenizer.size,
        end=tokenizer.special(end),
        marks=special,
        kinds=("rest",),
        seed=0,
    )
    tokenizer.close()
    return known


def examples(base: Path, known: Facts, texts: list[str]) -> list[Example]:
    """Return an example of each text, its middle what follows `return`, in the order spm."""
    tokenizer = Tokenizer(base)
    made = []
    for text in texts:
        cut = text.index("return") + len("return")
        before, middle = tokenizer.tokenise(text[:cut]), tokenizer.tokenise(text[cut:-1])
        head = [known.marks["suffix"].id, *tokenizer.tokenise("\n"), known.marks["prefix"].id]
        tokens = np.array([*head, *before, *middle, known.end.id], np.uint32)
        made.append(Example(tokens, len(head) + len(before), 0))
    tokenizer.close()
    return made


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocabulary of 300 tokens, learnt from such lines."""
    path = tmp_path_factory.mktemp("vocabulary") / "tiny.gguf"
    learn_vocabulary(lines(0, 500), 300, path)
    return path


@pytest.fixture(scope="session")
def dataset(vocabulary: Path) -> Path:
    """A dataset of 200 examples to learn from and 20 held out."""
    known = facts(vocabulary)
    path = vocabulary.parent / "data"
    splits = {"train": lines(1, 200), "held_out": lines(2, 20)}
    write_dataset(
        path,
        known,
        {split: examples(vocabulary, known, texts) for split, texts in splits.items()},  # type: ignore[misc] # a Split each
        {},
    )
    return path


def tiny_config(vocabulary: Path, **changes: dict[str, Any]) -> Config:
    """Return a config of a model from scratch with two layers, some tables changed."""
    table: dict[str, Any] = {
        "seed": 3,
        "precision": "fp32",
        "model": {
            "layers": 2,
            "width": 32,
            "heads": 4,
            "key_heads": 2,
            "hidden": 64,
            "context": 256,
            "tokenizer": str(vocabulary),
        },
        "tune": {"method": "full"},
        "batch": {"tokens": 256, "accumulate": 2, "longest": 64},
        "schedule": {"epochs": 2.0, "learning_rate": 3e-3, "warmup": 0.1, "final": 0.1},
        "watch": {"evaluate_steps": 5, "held_out": 10, "samples": 1, "checkpoint_steps": 4},
    }
    for name, change in changes.items():
        table[name] = {**table.get(name, {}), **change}
    return parse_config(table)


__all__ = ["Special", "examples", "facts", "lines", "tiny_config"]
