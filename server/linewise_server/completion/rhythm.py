"""When to ask: from the user's own typing rhythm.

In: the times of keys and of answers, in seconds. Out: how long to wait before asking, and since
when the user waits. Never sleeps.

Someone in full flow will press the next key before an answer could be shown; waiting for the
pause saves the work. Someone who types slower than the model answers should not wait at all.
The idea is tabby-agent's (its debouncer); the rule here compares the two speeds directly.
"""

from __future__ import annotations

from collections import deque
from statistics import median

LONGEST_PAUSE = 1.0
"""Seconds between keys beyond which the user was thinking, not typing."""
LONGEST_DELAY = 0.15
EDITOR_SECONDS = 0.1
"""An editor asks so soon after a key at most, by itself; a later request is not the key's."""


class Rhythm:
    """The last keys and answers of one window."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=20)
        self._answers: deque[float] = deque(maxlen=10)
        self._last: float | None = None

    def key(self, now: float) -> None:
        """Note that the text changed."""
        if self._last is not None and now - self._last < LONGEST_PAUSE:
            self._gaps.append(now - self._last)
        self._last = now

    def key_of(self, now: float) -> float:
        """Return the time of the key that a request at `now` follows; `now` where there is none."""
        key = self._last
        return key if key is not None and now - key < EDITOR_SECONDS else now

    def answered(self, seconds: float) -> None:
        """Note how long the model took for an answer."""
        self._answers.append(seconds)

    def delay(self) -> float:
        """Return the seconds to wait for another key before asking."""
        if not self._gaps or not self._answers:
            return 0.0
        gap, answer = median(self._gaps), median(self._answers)
        return 0.0 if answer <= gap else min(gap, LONGEST_DELAY)
