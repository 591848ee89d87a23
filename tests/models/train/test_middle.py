"""Which tokens are learnt, and what each counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from linewise_models.train.config import Loss
from linewise_models.train.dataset import Dataset, Example, write_dataset
from linewise_models.train.middle import collate, learnt
from tests.models.train.tiny import facts

CPU = torch.device("cpu")


@pytest.fixture
def held(vocabulary: Path, tmp_path: Path) -> Dataset:
    """A dataset of two examples of 12 and 9 tokens, whose middles have 3 and 2."""
    known = facts(vocabulary)
    suffix, prefix = known.marks["suffix"].id, known.marks["prefix"].id
    one = [suffix, 301, 302, 303, 304, prefix, 305, 306, 307, 308, 309, 310]
    two = [suffix, 311, prefix, 312, 313, 314, 315, 316, 317]
    made = [Example(np.array(one, np.uint32), 9, 0), Example(np.array(two, np.uint32), 7, 0)]
    write_dataset(tmp_path / "data", known, {"train": made, "held_out": made}, {})
    return Dataset.open(tmp_path / "data", "train")


@pytest.mark.parametrize(
    ("loss", "targets", "weights"),
    [
        (None, [308, 309, 310, 316, 317], [1.0] * 5),
        (Loss(), [308, 309, 310, 316, 317], [1.0] * 5),
        # Every second token before the middle, from another one on in each example; no marks.
        (
            Loss(around=0.5, weight=0.25),
            [301, 303, 306, 308, 309, 310, 313, 315, 316, 317],
            [0.25, 0.25, 0.25, 1, 1, 1, 0.25, 0.25, 1, 1],
        ),
        (
            Loss(around=1.0),
            [301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316, 317],
            [1.0] * 17,
        ),
    ],
)
def test_the_middle_is_learnt_and_as_much_around_it_as_is_asked_for(
    held: Dataset, loss: Loss | None, targets: list[int], weights: list[float]
) -> None:
    numbers = np.array([0, 1])
    batch = collate(held, numbers, loss, CPU)
    assert batch.targets.tolist() == targets
    assert batch.weights.tolist() == weights
    # Each place is that of the token before its target.
    assert batch.tokens.flatten()[batch.places + 1].tolist() == targets
    if loss is not None:
        assert learnt(held, numbers, loss) == sum(weights)
