"""A model that says something at random, and an adapter that taught it a made-up API in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from linewise_models.train.bpe import learn_vocabulary
from linewise_models.train.config import parse_config
from linewise_models.train.dataset import Example, Facts, write_dataset
from linewise_models.train.export import export
from linewise_models.train.loop import train
from linewise_models.train.tokenizer import Tokenizer
from tests.models.train.tiny import NAMES, facts, lines, make_model, tiny_table

API = "zorbl"
CALL = f"{API}.unfurl()"


@dataclass(frozen=True, slots=True)
class Tuned:
    """The files of a base model and of an adapter for it."""

    base: Path
    adapter: Path


def tune(folder: Path) -> Tuned:
    """Make both in `folder`."""
    uses = [f"import {API}\n\n{name} = {CALL}\n" for name in NAMES]
    vocabulary, base, adapter = (folder / f"{n}.gguf" for n in ("vocabulary", "base", API))
    learn_vocabulary(lines(0, 300) + 30 * uses, 320, vocabulary)
    make_model(vocabulary, base)
    known = facts(base)
    examples = _examples(base, known, uses)
    write_dataset(folder / "data", known, {"train": 25 * examples, "held_out": examples}, {})
    config = parse_config(_table(base))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        train(config, folder / "data", folder / "run")
    finally:
        torch.set_num_threads(threads)
    export(config, known, folder / "run", adapter, order="none", kind="F16", name=API)
    return Tuned(base, adapter)


def _examples(base: Path, known: Facts, texts: list[str]) -> list[Example]:
    """Return an example of each text, its middle what follows the equals sign."""
    tokenizer = Tokenizer(base)
    made = []
    for text in texts:
        before, middle = map(tokenizer.tokenise, text.split("=", 1))
        equals = tokenizer.tokenise("=")
        tokens = np.array([*before, *equals, *middle, known.end.id], np.uint32)
        made.append(Example(tokens, len(before) + len(equals), 0))
    tokenizer.close()
    return made


def _table(base: Path) -> dict[str, Any]:
    return {
        **tiny_table(base),
        "model": {"base": str(base)},
        "tune": {"method": "lora", "rank": 16, "alpha": 32.0},
        "batch": {"tokens": 256, "accumulate": 1, "longest": 64},
        "schedule": {"epochs": 5.0, "learning_rate": 1e-2, "warmup": 0.1, "final": 0.1},
        "watch": {"evaluate_steps": 1000, "held_out": 8, "samples": 0, "checkpoint_steps": 1000},
    }
