"""Batches: every example once an epoch, little padding, and the same from any place on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from linewise_models.train.batches import Place, Sampler

LENGTHS = np.random.default_rng(0).integers(20, 300, 2000)
SAMPLER = Sampler(LENGTHS, budget=2048, accumulate=3, longest=256, epochs=2.0, seed=5)


def test_an_epoch_holds_every_example_once_but_those_that_are_too_long() -> None:
    once = replace(SAMPLER, epochs=1.0)
    seen = np.concatenate([batch for step, _ in once.steps(Place()) for batch in step])
    assert sorted(seen) == list(np.flatnonzero(LENGTHS <= 256))


def test_batches_keep_to_their_budget_and_are_hardly_padded() -> None:
    batches = [batch for step, _ in SAMPLER.steps(Place()) for batch in step]
    padded = [len(batch) * LENGTHS[batch].max() for batch in batches]
    assert max(padded) <= 2048
    assert sum(LENGTHS[batch].sum() for batch in batches) > 0.95 * sum(padded)


@pytest.mark.parametrize("after", [0, 1, 50, -1])
def test_the_steps_after_a_place_are_those_of_the_whole_run(after: int) -> None:
    steps = list(SAMPLER.steps(Place()))
    rest = list(SAMPLER.steps(steps[after][1]))
    following = steps[after + 1 :] if after >= 0 else []
    assert [place for _, place in rest] == [place for _, place in following]
    for (step, _), (other, _) in zip(rest, following, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(step, other, strict=True))


def test_epochs_and_seeds_differ_in_order() -> None:
    first = [step for step, place in SAMPLER.steps(Place()) if place.epoch == 0]
    second = [step for step, place in SAMPLER.steps(Place()) if place.epoch == 1]
    other = [step for step, _ in replace(SAMPLER, seed=6).steps(Place())]
    assert not np.array_equal(first[0][0], second[0][0])
    assert not np.array_equal(first[0][0], other[0][0])


def test_a_run_ends_within_an_epoch_where_that_is_asked() -> None:
    half = list(replace(SAMPLER, epochs=0.5).steps(Place()))
    assert half[-1][1].tokens == pytest.approx(LENGTHS[LENGTHS <= 256].sum() / 2, rel=0.05)
