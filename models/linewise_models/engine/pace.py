"""How fast the engine is just now, and how many threads are worth using.

In: how long slices and tokens took, in seconds. Out: running speeds and a number of threads. Pure.

llama.cpp's threads meet at a barrier several hundred times a token. Where another program takes a
core, all wait for the one that is not running: on two cores with a load of 5, tokens that take
15 ms on idle cores took up to 5 s. One thread waits for nobody: a crowd is met with one.
"""

from __future__ import annotations

from collections.abc import Callable

CROWDED = 5.0
"""A token that takes so many times the best one was held up by something else."""
CROWDED_TOKENS = 3
LEAST_SLICE = 8
"""Tokens of a prompt slice below which its time says little."""
RETREAT_SECONDS = 4.0
"""How long one thread is used before all are tried again."""


class Pace:
    """The speeds of one engine."""

    def __init__(self, threads: int, clock: Callable[[], float]) -> None:
        self.prompt_speed = 0.0
        """Prompt tokens evaluated a second."""
        self.generation_speed = 0.0
        """Tokens generated a second."""
        self._threads = threads
        self._clock = clock
        self._best = self._best_prompt = float("inf")
        self._held_up = 0
        self._retreat_until = 0.0

    def evaluated(self, tokens: int, seconds: float) -> None:
        """Note a prompt slice; short ones say little and are passed over."""
        if tokens < LEAST_SLICE:
            return
        each = seconds / tokens
        self.prompt_speed = _follow(self.prompt_speed, 1 / max(each, 1e-9))
        self._best_prompt = min(self._best_prompt, each)
        if each > CROWDED * self._best_prompt:
            self._retreat()

    def generated(self, seconds: float) -> None:
        """Note one token of one candidate."""
        self.generation_speed = _follow(self.generation_speed, 1 / max(seconds, 1e-9))
        self._best = min(self._best, seconds)
        self._held_up = self._held_up + 1 if seconds > CROWDED * self._best else 0
        if self._held_up >= CROWDED_TOKENS:
            self._retreat()

    def threads(self) -> int:
        """Return how many threads to use for the next step."""
        return 1 if self._clock() < self._retreat_until else self._threads

    def _retreat(self) -> None:
        self._held_up = 0
        self._retreat_until = self._clock() + RETREAT_SECONDS


def _follow(average: float, sample: float) -> float:
    """Return the running average that weighs a new sample one fifth."""
    return sample if not average else 0.8 * average + 0.2 * sample
