"""Which examples are computed together, in which order.

In: the lengths of all examples, a budget of tokens and a seed. Out: steps of micro-batches of
example numbers, the same for the same seed whatever the number of processes. Never reads a token.

Examples of like length go together, so that little is padding: the examples are shuffled, cut into
stretches, sorted by length within each stretch, cut into batches, and these are shuffled again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STRETCH = 50
"""Batches in a stretch: enough to find neighbours of like length, few enough to keep it random."""

MicroBatch = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is in its data; what a checkpoint needs to go on with the very next step."""

    epoch: int = 0
    step: int = 0
    """Steps of this epoch that are done."""
    tokens: int = 0
    """Tokens of examples seen in all, without padding."""


@dataclass(frozen=True, slots=True)
class Sampler:
    """All steps of a run."""

    lengths: NDArray[np.int64]
    """Tokens of each example, [examples]."""
    budget: int
    """Tokens of a micro-batch, padding included."""
    accumulate: int
    longest: int
    epochs: float
    seed: int

    @property
    def kept(self) -> MicroBatch:
        """The examples that are not too long."""
        return np.flatnonzero(self.lengths <= self.longest)

    @property
    def total(self) -> int:
        """Tokens in the whole run, without padding."""
        return int(self.lengths[self.kept].sum() * self.epochs)

    def steps(self, place: Place) -> Iterator[tuple[list[MicroBatch], Place]]:
        """Yield the steps that follow a place, each with the place after it."""
        while place.tokens < self.total:
            done = place.step
            for step in self._epoch(place.epoch)[done:]:
                tokens = place.tokens + int(sum(self.lengths[batch].sum() for batch in step))
                place = Place(place.epoch, place.step + 1, tokens)
                yield step, place
                if place.tokens >= self.total:
                    return
            place = Place(place.epoch + 1, 0, place.tokens)

    def _epoch(self, epoch: int) -> list[list[MicroBatch]]:
        random = np.random.default_rng([self.seed, epoch])
        order = random.permutation(self.kept)
        stretch = max(1, STRETCH * self.budget // max(1, int(self.lengths[order].mean())))
        batches: list[MicroBatch] = []
        for start in range(0, len(order), stretch):
            part = order[start : start + stretch]
            batches += cut(
                part[np.argsort(self.lengths[part], kind="stable")], self.lengths, self.budget
            )
        mixed = [batches[i] for i in random.permutation(len(batches))]
        return [mixed[i : i + self.accumulate] for i in range(0, len(mixed), self.accumulate)]


def cut(examples: MicroBatch, lengths: NDArray[np.int64], budget: int) -> list[MicroBatch]:
    """Cut examples, sorted by length, into batches whose padded size keeps to the budget."""
    batches, start = [], 0
    for end, example in enumerate(examples):
        if (end - start + 1) * lengths[example] > budget:
            batches.append(examples[start:end])
            start = end
    batches.append(examples[start:])
    return [batch for batch in batches if len(batch)]
