"""How fast a server answers, as felt here: its computing, its queue and the way to it together.

In: chunks, as they come. Out: the figures of one request, and speeds over many. Pure but for a
clock that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from linewise_models.engine.contract import Finish, FinishReason
from linewise_models.engine.remote.stream import Chunk

LEAST_PROMPT, LEAST_GENERATED = 32, 4
"""Tokens below which a request says more of the network than of the model."""


class Meter:
    """The figures of one request; begins to count when it is made."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.prompt_tokens: int | None = None
        self.cached_tokens: int | None = None
        self.said = 0
        """Tokens that said something new."""
        self._clock = clock
        self._started = clock()
        self._generated: int | None = None
        self._counted = 0
        self._first: float | None = None
        self._first_said: float | None = None
        self._last = 0.0

    def add(self, chunk: Chunk, said: str) -> None:
        """Count a chunk, of whose text `said` was new."""
        now = self._clock()
        self.prompt_tokens = _later(chunk.prompt_tokens, self.prompt_tokens)
        self.cached_tokens = _later(chunk.cached_tokens, self.cached_tokens)
        self._generated = _later(chunk.generated_tokens, self._generated)
        if chunk.text:
            tokens = len(chunk.logprobs) or 1
            self._counted += tokens
            self._first = self._first or now
            self._last = now
            if said:
                self.said += tokens
                self._first_said = self._first_said or now

    @property
    def elapsed(self) -> float:
        """Seconds since the request was made."""
        return self._clock() - self._started

    @property
    def generated(self) -> int:
        """Tokens that the server generated, those that were spelt again among them."""
        return max(self._generated or 0, self._counted)

    def evaluated(self, assumed_cached: bool = False) -> int:
        """Return the prompt tokens that were computed; all where the server does not tell."""
        if self.cached_tokens is None:
            return 0 if assumed_cached else self.prompt_tokens or 0
        return max((self.prompt_tokens or 0) - self.cached_tokens, 0)

    def prompt_speed(self, known: bool) -> float | None:
        """Return prompt tokens a second; None where too few, or perhaps cached ones, were asked."""
        fresh = self.evaluated(assumed_cached=known)
        if self._first is None or fresh < LEAST_PROMPT:
            return None
        return fresh / max(self._first - self._started, 1e-6)

    def generation_speed(self) -> float | None:
        """Return tokens generated a second; None where there were too few."""
        if self._first is None or self._counted < LEAST_GENERATED:
            return None
        # Where several tokens come in one chunk, those of the first came before the clock ran.
        return (self._counted - 1) / max(self._last - self._first, 1e-6)

    def finish(self, reason: FinishReason, healed: str) -> Finish:
        """Return the figures as the end of a request."""
        total = self.elapsed
        first = self._first_said - self._started if self._first_said else total
        return Finish(
            reason=reason,
            prompt_tokens=self.prompt_tokens or 0,
            evaluated_tokens=self.evaluated(),
            reused_tokens=self.cached_tokens or 0,
            generated_tokens=self.said,
            healed=healed,
            ttft_ms=first * 1000,
            total_ms=total * 1000,
        )


@dataclass(slots=True)
class Pace:
    """Running averages over the requests to one server."""

    prompt_speed: float = 0.0
    generation_speed: float = 0.0
    evaluated: int = 0
    generated: int = 0
    requests: int = 0
    _sessions: set[str] = field(default_factory=set)
    """Whose prompts the server may have in its cache."""

    def learn(self, meter: Meter, session: str) -> None:
        """Take a request's figures into account, a sample weighing one fifth."""
        self.requests += 1
        self.evaluated += meter.evaluated()
        self.generated += meter.generated
        known = session in self._sessions
        self._sessions.add(session)
        self.prompt_speed = _follow(self.prompt_speed, meter.prompt_speed(known))
        self.generation_speed = _follow(self.generation_speed, meter.generation_speed())


def _follow(average: float, sample: float | None) -> float:
    if sample is None:
        return average
    return 0.8 * average + 0.2 * sample if average else sample


def _later(new: int | None, old: int | None) -> int | None:
    return old if new is None else new
