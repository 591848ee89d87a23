"""The loss over the middles and some of what surrounds them, and how well held-out ones are told.

In: examples and a learner. Out: sums over learnt tokens. Never changes a weight.

The scores of the whole vocabulary are computed only at places whose next token is learnt: of an
example of 300 tokens that are some 20, and with 49,152 words the scores of all would cost as much
as a third of the model. The surroundings are code as well, and each of their tokens says something
about the language that the middle alone says too rarely: a share of them, evenly spread, can be
learnt beside it (Bavarian et al. 2022, arXiv:2207.14255, learn all).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linewise_models.train.base import Learner
    from linewise_models.train.batches import MicroBatch
    from linewise_models.train.config import Loss
    from linewise_models.train.dataset import Dataset
    from linewise_models.train.precision import Arithmetic


@dataclass(frozen=True, slots=True)
class Batch:
    """A micro-batch on its way through a model."""

    tokens: Tensor
    """[B, T]; padding ends each row."""
    places: Tensor
    """[M]: the places of tokens, counted row by row, whose next token is learnt."""
    targets: Tensor
    """[M]: these next tokens."""
    rows: Tensor
    """[M]: in which row each is."""
    weights: Tensor
    """[M], float32: what each counts in the loss; a token of a middle 1."""


@dataclass(frozen=True, slots=True)
class Told:
    """How well middles were told; sums, so that processes can add them."""

    loss: float
    """Natural logarithms of the probability of all learnt tokens, negated."""
    tokens: int
    right: int
    """Tokens that were the likeliest."""
    examples: int
    exact: int
    """Examples whose every token was the likeliest. Decoding greedily would have written just
    these middles: as long as each token is right, what is fed back is what stands there."""


def learnt(dataset: Dataset, batch: MicroBatch, loss: Loss) -> float:
    """Return what the learnt tokens of a batch count together."""
    parts = [_learnt(dataset, int(number), loss) for number in batch]
    return float(sum(weights.sum() for _, weights in parts))


def collate(dataset: Dataset, batch: MicroBatch, loss: Loss | None, device: torch.device) -> Batch:
    """Return the examples of the given numbers as tensors; without a loss, of the middles alone."""
    examples = [dataset[int(number)] for number in batch]
    width = max(len(example.tokens) for example in examples)
    tokens = np.zeros((len(examples), width), np.int64)
    places, targets, rows, weights = [], [], [], []
    for row, (number, example) in enumerate(zip(batch, examples, strict=True)):
        chosen, counts = _learnt(dataset, int(number), loss)
        tokens[row, : len(example.tokens)] = example.tokens
        places.append(row * width + chosen - 1)
        targets.append(example.tokens[chosen].astype(np.int64))
        rows.append(np.full(len(chosen), row))
        weights.append(counts)
    numbers = (tokens, *(np.concatenate(parts) for parts in (places, targets, rows, weights)))
    return Batch(*(torch.from_numpy(array).to(device) for array in numbers))


def _learnt(
    dataset: Dataset, number: int, loss: Loss | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the places of an example's tokens that are learnt, and what each counts.

    Nothing precedes, and so predicts, the first token; marks stand where a window was cut, which
    nothing predicts either.
    """
    example = dataset[number]
    first = max(example.middle, 1)
    middle = np.arange(first, len(example.tokens))
    if loss is None or not loss.around:
        return middle, np.ones(len(middle), np.float32)
    stride = round(1 / loss.around)
    around = np.arange(1 + number % stride, first, stride)
    marks = [mark.id for mark in dataset.facts.marks.values()]
    around = around[~np.isin(example.tokens[around], marks)]
    counts = np.concatenate([np.full(len(around), loss.weight), np.ones(len(middle))])
    return np.concatenate([around, middle]), counts.astype(np.float32)


def middle_scores(learner: Learner, batch: Batch) -> Tensor:
    """Return the scores [M, vocabulary] of the learnt tokens of a batch."""
    hidden = learner.hidden(batch.tokens)  # [B, T, width]
    return learner.scores(hidden.flatten(0, 1)[batch.places])


def middle_loss(learner: Learner, batch: Batch) -> Tensor:
    """Return the weighted sum of the cross-entropy over the learnt tokens of a batch."""
    scores = middle_scores(learner, batch)
    each = functional.cross_entropy(scores.float(), batch.targets, reduction="none")
    return (each * batch.weights).sum()


@torch.no_grad()
def tell(
    learner: Learner, dataset: Dataset, batches: Sequence[MicroBatch], arithmetic: Arithmetic
) -> Told:
    """Return how well the middles of some examples are told."""
    total = np.zeros(5)
    device = learner.module.lm_head.weight.device
    for numbers in batches:
        batch = collate(dataset, numbers, None, device)
        with arithmetic():
            scores = middle_scores(learner, batch).float()
        right = scores.argmax(-1) == batch.targets
        wrong = torch.zeros(len(numbers), device=device).index_add_(0, batch.rows, (~right).float())
        loss = functional.cross_entropy(scores, batch.targets, reduction="sum")
        total += [
            float(loss), len(right), int(right.sum()), len(numbers), int((wrong == 0).sum())
        ]  # fmt: skip
    return Told(float(total[0]), *(int(count) for count in total[1:]))
