"""How sure the model must be before its text is shown unasked, learned from what this user takes.

In: the mean log-probability of suggestions that were read, and whether each was taken. Out: the
least that is shown. The evidence is that of the suggestions just above the least: where hardly any
of them is taken the least rises a step, where many are it falls one. Between the two it stays, each
step needs evidence of its own, and the limits keep what the model is fairly sure of on the screen
whatever happened before. Pure; nothing of it leaves the machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from linewise_telemetry.figures import share

USUAL = -1.6
"""Mean log-probability below which nothing is shown unasked, before anything is known."""
LOWEST, HIGHEST = -2.2, -1.0
"""Limits of what is learned; a text whose tokens have e^-1 on average is always shown."""
STEP = 0.1
BAND = 0.4
"""Suggestions up to so much above the least are evidence."""
SELDOM, OFTEN = 0.2, 0.3
"""Shares taken. Where it is certain that fewer are, the least rises; where it is certain that more
are, it falls. Certain is what a 95 % interval says."""
ENOUGH = 12
"""Suggestions that must have been read before it moves at all."""
MOST = 60
"""Beyond so many that moved nothing, older evidence counts half."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The least for one model, and the evidence since it last moved."""

    least: float = USUAL
    taken: int = 0
    read: int = 0

    def told(self, confidence: float, *, taken: bool) -> Calibration:
        """Return what holds after one more suggestion was read."""
        if not self.least <= confidence < self.least + BAND:
            return self
        seen = replace(self, taken=self.taken + taken, read=self.read + 1)
        if seen.read < ENOUGH:
            return seen
        part = share(seen.taken, seen.read)
        if part.high < SELDOM:
            return self._moved(STEP)
        if part.low > OFTEN:
            return self._moved(-STEP)
        return (
            replace(seen, taken=seen.taken // 2, read=seen.read // 2) if seen.read > MOST else seen
        )

    def _moved(self, by: float) -> Calibration:
        return Calibration(round(min(HIGHEST, max(LOWEST, self.least + by)), 2))


def to_json(calibration: Calibration) -> dict[str, float]:
    """Return what is kept on disk."""
    return {"least": calibration.least, "taken": calibration.taken, "read": calibration.read}


def from_json(data: Any) -> Calibration:
    """Return what was kept; where that makes no sense, a new beginning."""
    try:
        least, taken, read = float(data["least"]), int(data["taken"]), int(data["read"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return Calibration()
    if not (LOWEST <= least <= HIGHEST and 0 <= taken <= read <= MOST):
        return Calibration()
    return Calibration(least, taken, read)
