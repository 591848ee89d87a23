"""How much of the text and of an answer this machine can afford within a latency.

In: measured speeds and the user's budget in milliseconds. Out: sizes in tokens. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from linewise_models.engine.contract import Report
from linewise_server.completion.shape import Shape

PROMPT_SHARE = 0.4
"""Share of the latency that may go into evaluating a prompt that is not in the cache."""
WARM_SECONDS = 3.0
"""What evaluating a whole window may take while nobody waits."""
LONGEST = {"line": 48, "block": 160, "nothing": 0}
"""Tokens that a suggestion of each shape needs at most; more is a loop or an essay."""
KEY_TOKENS, LEAST_TOKENS = 4, 4
"""What a key changes of a prompt, and the least that is worth showing: a name and its bracket."""
TOKENS_TO_JUDGE = 64
"""Tokens to have been generated before a model is called slow; a busy moment is no verdict."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Token budgets of one request."""

    cold: int
    """Prompt tokens that may be evaluated while the user waits."""
    prefix: int
    """Tokens before the cursor once they are in the cache."""
    suffix: int
    """Tokens after the cursor, for models that can use them."""
    output: int
    deadline_ms: float


def sizes(report: Report, latency_ms: float, shape: Shape) -> Sizes:
    """Return what fits `latency_ms` at the speeds in `report`.

    A prompt speed of 0 means not measured; then the least sizes are taken.
    """
    seconds = latency_ms / 1000
    cold = int(report.prompt_speed * seconds * PROMPT_SHARE)
    window = int(min(report.prompt_speed * WARM_SECONDS, report.context * 0.6))
    output = int(report.generation_speed * seconds)
    suffix = window // 4 if report.fim != "none" else 0
    return Sizes(
        cold=max(32, cold),
        prefix=max(64, window - suffix),
        suffix=suffix,
        output=max(12, min(LONGEST[shape], output)),
        deadline_ms=latency_ms,
    )


def least_ms(report: Report) -> float:
    """Return the milliseconds until the least that is worth showing is there; 0 if not measured."""
    if not report.generation_speed:
        return 0.0
    reading = KEY_TOKENS / report.prompt_speed if report.prompt_speed else 0.0
    return 1000 * (reading + LEAST_TOKENS / report.generation_speed)


def too_slow(report: Report, latency_ms: float) -> bool:
    """Say whether the model runs too slowly to say anything within a latency."""
    return report.generated_total >= TOKENS_TO_JUDGE and least_ms(report) > latency_ms
