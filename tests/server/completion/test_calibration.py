"""The least confidence follows what is taken, slowly, within limits, and not to and fro."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linewise_server.completion.calibration import (
    BAND,
    HIGHEST,
    LOWEST,
    MOST,
    STEP,
    USUAL,
    Calibration,
    from_json,
    to_json,
)

TOLD = st.lists(st.tuples(st.floats(-5, 0), st.booleans()), max_size=400)


def tell(calibration: Calibration, confidence: float, story: str) -> Calibration:
    """Tell of one suggestion a letter: `y` taken, `n` not."""
    for letter in story:
        calibration = calibration.told(confidence, taken=letter == "y")
    return calibration


@pytest.mark.parametrize(
    ("story", "steps"),
    [
        ("", 0),
        ("n" * 15, 0),
        ("n" * 16, 1),
        ("y" * 11, 0),
        ("y" * 12, -1),
        ("nnny" * 10, 0),
        ("nnnny" * 12, 0),
        ("ny" * 12, -1),
    ],
)
def test_it_moves_only_where_chance_does_not_explain_it(story: str, steps: int) -> None:
    assert tell(Calibration(), USUAL + 0.1, story).least == pytest.approx(USUAL + steps * STEP)


def test_each_step_needs_evidence_of_its_own() -> None:
    once = tell(Calibration(), USUAL + 0.1, "n" * 16)
    assert (once.taken, once.read) == (0, 0)
    assert tell(once, once.least + 0.1, "n" * 15) == Calibration(once.least, 0, 15)


@pytest.mark.parametrize("confidence", [USUAL - 0.01, USUAL + BAND, -0.1])
def test_only_what_stands_just_above_it_is_evidence(confidence: float) -> None:
    assert tell(Calibration(), confidence, "n" * 100) == Calibration()


def test_what_the_model_is_fairly_sure_of_stays_whatever_happened() -> None:
    calibration = Calibration()
    for _ in range(100):
        calibration = tell(calibration, calibration.least + 0.05, "n" * 20)
    assert calibration.least == HIGHEST
    # And it comes back: what is shown at the limit is evidence too.
    for _ in range(100):
        calibration = tell(calibration, calibration.least + 0.05, "y" * 20)
    assert calibration.least == LOWEST


def test_it_rests_where_the_user_is_content() -> None:
    """The share taken rises with the confidence: a quarter at -1.6, half at -1.1."""
    chance = random.Random(3)
    calibration, history = Calibration(least=-1.0), []
    for _ in range(6_000):
        confidence = -3 * chance.random()
        taken = chance.random() < 0.25 + 0.5 * (confidence + 1.6)
        calibration = calibration.told(confidence, taken=taken)
        history.append(calibration.least)
    assert min(history[3_000:]) >= -2.0
    assert max(history[3_000:]) - min(history[3_000:]) <= 0.5


@given(TOLD)
def test_it_never_leaves_its_limits_and_reads_back(told: list[tuple[float, bool]]) -> None:
    calibration = Calibration()
    for confidence, taken in told:
        before = calibration.least
        calibration = calibration.told(confidence, taken=taken)
        assert LOWEST <= calibration.least <= HIGHEST
        assert abs(calibration.least - before) <= STEP + 1e-9
        assert 0 <= calibration.taken <= calibration.read <= MOST
    assert from_json(to_json(calibration)) == calibration


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"least": "x", "taken": 0, "read": 0},
        {"least": float("nan"), "taken": 0, "read": 0},
        {"least": -0.1, "taken": 0, "read": 0},
        {"least": -1.5, "taken": 3, "read": 2},
        {"least": -1.5, "taken": 1e400, "read": 2},
        {"least": -1.5, "taken": 0, "read": 10**9},
    ],
)
def test_what_makes_no_sense_is_a_new_beginning(data: Any) -> None:
    assert from_json(data) == Calibration()
