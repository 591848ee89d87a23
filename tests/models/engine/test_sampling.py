"""Greedy and sampled choice, and the probabilities that go with them."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from linewise_models.engine.sampling import choose, log_probability

NONE = np.array([], dtype=np.int64)
LOGITS = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))


def pick(
    allowed: list[int] | None = None, barred: list[int] | None = None, **how: float
) -> tuple[int, float]:
    return choose(
        LOGITS,
        None if allowed is None else np.array(allowed, dtype=np.int64),
        np.array(barred, dtype=np.int64) if barred else NONE,
        how.get("temperature", 0.0),
        how.get("top_p", 0.95),
        Random(int(how.get("seed", 0))),
    )


@pytest.mark.parametrize(
    ("allowed", "barred", "token"),
    [(None, None, 0), ([2, 3], None, 2), (None, [0], 1), ([0, 3], [0], 3)],
)
def test_greedy_takes_the_best_that_may_come(
    allowed: list[int] | None, barred: list[int] | None, token: int
) -> None:
    found, logprob = pick(allowed, barred)
    assert found == token
    # The probability is the model's own, whatever was allowed.
    assert logprob == pytest.approx(float(LOGITS[token]), abs=1e-5)


def test_sampling_stays_in_the_nucleus_and_follows_the_probabilities() -> None:
    counts = np.bincount(
        [pick(temperature=1.0, top_p=0.7, seed=seed)[0] for seed in range(400)], minlength=4
    )
    assert counts[2] == counts[3] == 0
    assert counts[0] / counts[1] == pytest.approx(0.5 / 0.3, rel=0.35)


def test_a_seed_gives_the_same_choice_again() -> None:
    assert pick(temperature=0.9, seed=7) == pick(temperature=0.9, seed=7)


@pytest.mark.parametrize("token", range(len(LOGITS)))
def test_a_token_that_is_known_has_its_probability(token: int) -> None:
    # Logits are probabilities up to a factor that is the same for all.
    assert log_probability(LOGITS + 7, token) == pytest.approx(float(LOGITS[token]), abs=1e-5)
