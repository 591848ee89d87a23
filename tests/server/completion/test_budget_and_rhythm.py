"""Sizes from speeds, and delays from typing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linewise_models.engine.contract import Report
from linewise_server.completion.budget import TOKENS_TO_JUDGE, sizes, too_slow
from linewise_server.completion.rhythm import LONGEST_DELAY, Rhythm

REPORT = Report(
    model="m", architecture="llama", backend="cpu", devices=("CPU",), threads=2, context=2048,
    sessions=4, fim="none", marks=(), chat_template=None, prompt_speed=300, generation_speed=80,
    load_ms=1, can_reuse=True, model_bytes=1, cache_bytes=1,
)  # fmt: skip


def test_a_faster_machine_gets_larger_sizes() -> None:
    slow = sizes(REPORT, 300, "block")
    fast = sizes(replace(REPORT, prompt_speed=3000, generation_speed=400), 300, "block")
    assert fast.cold > slow.cold
    assert fast.output > slow.output
    assert fast.prefix > slow.prefix


@pytest.mark.parametrize("latency", [50, 300, 3000])
def test_what_must_be_evaluated_fits_the_latency(latency: float) -> None:
    found = sizes(REPORT, latency, "line")
    assert found.cold <= max(32, REPORT.prompt_speed * latency / 1000)
    assert found.prefix + found.suffix + found.output <= REPORT.context


def test_left_to_right_models_need_no_suffix() -> None:
    assert sizes(REPORT, 300, "line").suffix == 0
    assert sizes(replace(REPORT, fim="spm"), 300, "line").suffix > 0


def test_nothing_is_measured_yet() -> None:
    found = sizes(replace(REPORT, prompt_speed=0, generation_speed=0), 300, "line")
    assert found.cold > 0
    assert found.output > 0


@pytest.mark.parametrize(
    ("speed", "judged", "latency", "slow"),
    [
        (5, TOKENS_TO_JUDGE, 300, True),
        (5, 1, 300, False),
        (5, TOKENS_TO_JUDGE, 1000, False),
        (40, TOKENS_TO_JUDGE, 300, False),
        (40, TOKENS_TO_JUDGE, 50, True),
        (0, 999, 300, False),
    ],
)
def test_a_model_is_too_slow_for_a_budget_and_only_after_work(
    speed: float, judged: int, latency: float, slow: bool
) -> None:
    report = replace(REPORT, generation_speed=speed, generated_total=judged)
    assert too_slow(report, latency) is slow


def test_a_model_that_reads_too_slowly_is_too_slow() -> None:
    report = replace(REPORT, prompt_speed=10, generated_total=TOKENS_TO_JUDGE)
    assert too_slow(report, 300)


@pytest.mark.parametrize(
    ("gap", "answer", "delay"),
    [
        (0.25, 0.1, 0.0),
        (0.08, 0.2, 0.08),
        (0.4, 0.6, LONGEST_DELAY),
        (None, 0.2, 0.0),
        (0.1, None, 0.0),
    ],
)
def test_waits_only_where_the_next_key_comes_before_the_answer(
    gap: float | None, answer: float | None, delay: float
) -> None:
    rhythm = Rhythm()
    for key in range(10):
        rhythm.key(key * gap if gap else key * 60.0)
        if answer:
            rhythm.answered(answer)
    assert rhythm.delay() == pytest.approx(delay)
