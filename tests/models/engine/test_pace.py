"""The running speeds, and the retreat to one thread on a crowded machine."""

from __future__ import annotations

import pytest

from linewise_models.engine.pace import CROWDED_TOKENS, RETREAT_SECONDS, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_short_slices_do_not_move_the_prompt_speed() -> None:
    pace = Pace(2, Clock())
    pace.evaluated(32, 0.1)
    pace.evaluated(1, 1.0)
    assert pace.prompt_speed == pytest.approx(320)


def test_one_slow_token_is_no_crowd() -> None:
    pace = Pace(2, Clock())
    for seconds in (0.01, 0.5, 0.01, 0.5, 0.01):
        pace.generated(seconds)
    assert pace.threads() == 2


def test_a_prompt_slice_that_is_held_up_is_enough() -> None:
    pace = Pace(2, Clock())
    pace.evaluated(32, 0.1)
    pace.evaluated(32, 1.0)
    assert pace.threads() == 1


def test_a_crowd_is_met_with_one_thread_for_a_while() -> None:
    clock = Clock()
    pace = Pace(2, clock)
    for seconds in (0.01, *[0.2] * CROWDED_TOKENS):
        pace.generated(seconds)
    assert pace.threads() == 1
    clock.now += RETREAT_SECONDS
    assert pace.threads() == 2
