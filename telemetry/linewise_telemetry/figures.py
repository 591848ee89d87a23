"""Figures: what an event adds to which metric, and how sure a share is.

In: the registry and events in wire form. Out: numerators and denominators. The collector and the
user's own page both count with these functions, so that the two can never disagree.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from linewise_telemetry.events import Metric, Registry, Wire

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Increment:
    """What one event adds to one cell; `by` and `value` are empty for the total."""

    metric: str
    by: str
    value: str
    num: int
    den: int


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its numerator, denominator and 95 % Wilson interval; all in 0 to 1."""

    num: int
    den: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself, 0 where nothing was counted."""
        return self.num / self.den if self.den else 0.0


def share(num: int, den: int) -> Share:
    """Return a share with its Wilson score interval (E. B. Wilson 1927, z = 1.96)."""
    if den == 0:
        return Share(0, 0, 0.0, 1.0)
    p, z2 = num / den, Z95 * Z95
    middle = (p + z2 / (2 * den)) / (1 + z2 / den)
    half = Z95 / (1 + z2 / den) * math.sqrt(p * (1 - p) / den + z2 / (4 * den * den))
    return Share(num, den, max(0.0, middle - half), min(1.0, middle + half))


def difference(before: Share, after: Share) -> tuple[float, float, float]:
    """Return (change, low, high) of two shares; R. G. Newcombe 1998, method 10."""
    change = after.value - before.value
    low = math.hypot(after.value - after.low, before.high - before.value)
    high = math.hypot(after.high - after.value, before.value - before.low)
    return change, change - low, change + high


def increments(
    registry: Registry, name: str, attributes: Mapping[str, Wire], n: int
) -> Iterator[Increment]:
    """Yield what `n` events with these attributes add to the metrics of the registry."""
    for metric in registry.metrics_of[name]:
        if metric.of.matches(attributes):
            num = n if metric.counts.matches(attributes) else 0
            yield Increment(metric.name, "", "", num, n)
            for by in metric.by:
                yield Increment(metric.name, by, _label(attributes[by]), num, n)


def totals(
    registry: Registry, counts: Iterable[tuple[str, Mapping[str, Wire], int]]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return (metric, by, value) -> (numerator, denominator) of (event, attributes, n) triples."""
    nums: Counter[tuple[str, str, str]] = Counter()
    dens: Counter[tuple[str, str, str]] = Counter()
    for name, attributes, n in counts:
        for add in increments(registry, name, attributes, n):
            nums[add.metric, add.by, add.value] += add.num
            dens[add.metric, add.by, add.value] += add.den
    return {cell: (nums[cell], den) for cell, den in dens.items()}


def is_share(metric: Metric) -> bool:
    """Return whether the metric is a share of its denominator, rather than a number of its own."""
    return metric.kind == "rate"


def _label(value: Wire) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
