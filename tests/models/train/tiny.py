"""Examples and a config small enough that a run takes a second."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from linewise_models.train.base import build
from linewise_models.train.bpe import END
from linewise_models.train.checkpoint import write_best
from linewise_models.train.config import Config, parse_config
from linewise_models.train.dataset import Example, Facts
from linewise_models.train.export import export
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


def tiny_table(vocabulary: Path) -> dict[str, Any]:
    """Return the table of a config of a model from scratch with two layers."""
    return {
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


def tiny_config(vocabulary: Path, **changes: dict[str, Any]) -> Config:
    """Return that config with some keys of its tables changed."""
    table = tiny_table(vocabulary)
    for name, change in changes.items():
        table[name] = {**table[name], **change}
    return parse_config(table)


def make_model(vocabulary: Path, target: Path) -> None:
    """Write a model with that config's shape and loud random weights."""
    config, known = tiny_config(vocabulary), facts(vocabulary)
    learner = build(config, known, torch.float32)
    torch.manual_seed(1)
    with torch.no_grad():
        for weights in learner.learning().values():
            weights.add_(torch.randn_like(weights) * 0.2)
    run = target.with_suffix(".run")
    run.mkdir()
    write_best(run, learner.learning(), {})
    export(config, known, run, target, order="none", kind="F16", name="tiny")
