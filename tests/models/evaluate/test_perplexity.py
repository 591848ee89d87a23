"""The arithmetic of foretelling, with a model whose every score is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from linewise_models.engine.native import LoadOptions
from linewise_models.evaluate.perplexity import Passage, Told, Total, tell, windows

FOLLOWS = 0.5
"""What the model gives the next number; the other seven share the rest."""


@dataclass
class Counting:
    """Foretells that numbers below eight count upwards, as long as it sees two tokens or more."""

    context: int = 100
    options: LoadOptions = field(default_factory=lambda: LoadOptions(Path(), batch=3))
    held: list[int] = field(default_factory=list)
    told: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    evaluated: int = 0

    def decode(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[int],
        outputs: Sequence[bool],
    ) -> None:
        assert len(tokens) <= self.options.batch
        assert list(positions) == list(range(len(self.held), len(self.held) + len(tokens)))
        assert set(sequences) == {0}
        self.told = {}
        for index, token in enumerate(tokens):
            self.held.append(token)
            shares = np.full(8, (1 - FOLLOWS) / 7)
            shares[(token + 1) % 8] = FOLLOWS
            if outputs[index]:
                self.told[index] = np.log(shares).astype(np.float32) + 3
        assert len(self.held) <= self.context
        self.evaluated += len(tokens)

    def logits(self, index: int) -> NDArray[np.float32]:
        return self.told[index]

    def forget(self, sequence: int, start: int) -> bool:
        del self.held[start:]
        return True


def passage(tokens: Sequence[int], first: int) -> Passage:
    return Passage("p", "middle", "line", tokens, first, 10)


@pytest.mark.parametrize(
    ("tokens", "first", "hits", "misses"),
    [
        ([0, 1, 2, 3, 4, 5, 6], 1, 6, 0),
        ([0, 1, 2, 3, 4, 5, 6], 5, 2, 0),
        ([0, 1, 2, 7, 0, 3], 1, 3, 2),
        ([5, 1], 1, 0, 1),
        ([7, 0], 1, 1, 0),
    ],
)
@pytest.mark.parametrize("context", [4, 6, 100])
def test_loss_and_next_tokens(
    tokens: list[int], first: int, hits: int, misses: int, context: int
) -> None:
    told = tell(Counting(context), passage(tokens, first))
    loss = -hits * math.log(FOLLOWS) - misses * math.log((1 - FOLLOWS) / 7)
    assert told.loss == pytest.approx(loss, rel=1e-6)
    assert (told.tokens, told.right) == (hits + misses, hits)
    assert told.exact is (misses == 0)


@pytest.mark.parametrize("count", range(2, 40))
@pytest.mark.parametrize("size", [2, 3, 8, 64])
def test_windows_tell_each_token_once_from_half_a_context(count: int, size: int) -> None:
    for first in range(1, count):
        told: list[int] = []
        for begin, end, start in windows(count, first, size):
            assert 0 <= begin < end <= count
            assert end - begin <= size
            assert all(token - begin >= min(first, size // 2) for token in range(start, end))
            told += range(start, end)
        assert told == list(range(first, count))


def test_what_lies_before_the_first_window_that_matters_is_not_evaluated() -> None:
    model = Counting(8)
    tell(model, passage([n % 8 for n in range(100)], 99))
    assert model.evaluated < 8


def test_totals() -> None:
    told = [
        Told("1", "middle", "line", math.log(2) * 30, 10, 10, 15),
        Told("2", "middle", "line", math.log(2) * 10, 10, 3, 5),
    ]
    total = Total.of(told)
    assert (total.passages, total.tokens, total.right, total.exact) == (2, 20, 13, 1)
    assert total.perplexity == pytest.approx(4)
    assert total.bits_per_byte == pytest.approx(2)
