"""A dataset small enough that a run takes a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from linewise_models.train.dataset import write_dataset
from tests.models.train.tiny import examples, facts, lines


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute in one thread: what is tiny only waits for a second one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


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
