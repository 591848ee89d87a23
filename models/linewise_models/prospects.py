"""What each model does on this machine: measured where it was measured, else estimated.

In: entries, and what was measured of some. Out: a `Prospect` of each. Pure but for `survey`, which
asks the store and the measurements. Never loads a model.

A token cannot be generated before all weights were read once, so a model that was not measured
generates as many times fewer tokens as its weights have more bytes. Evaluating a prompt takes two
operations a weight and token, so there the number of weights counts. Both are taken from the
measured model that is nearest in size, and from USUAL_MACHINE where none was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from linewise_models.index import Entry, Fim, Index
    from linewise_models.measured import Measurement, Measurements
    from linewise_models.store import Store


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine gets through while it runs a model."""

    generation: float
    """Bytes of weights a second while tokens are generated."""
    prompt: float
    """Weights times prompt tokens a second."""


USUAL_MACHINE = Machine(generation=68.2 * 98_362_432, prompt=236 * 134_515_008)
"""Two cores of a Xeon without a GPU, as the README has them for SmolLM2-135M Q4_1: a slow machine,
so that what is promised of an unknown one is rather too little."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a model is here, in tokens a second, and how that is known."""

    prompt: float
    generation: float
    how: Literal["bench", "load", "estimate"]
    origin: str | None = None
    """Of an estimate: the measured model that it was scaled from; None is USUAL_MACHINE."""

    def __str__(self) -> str:
        """Return how it is known, in words."""
        if self.how == "estimate":
            return f"estimated from {self.origin or 'a slow machine'}"
        return "measured by bench" if self.how == "bench" else "measured at load"


@dataclass(frozen=True, slots=True)
class Prospect:
    """A model as this machine would run it."""

    entry: Entry
    installed: bool
    speed: Speed | None
    """None where not even the size is known."""
    memory: int
    """Bytes that serving it takes: measured by a bench, else estimated."""
    memory_measured: bool
    fim: Fim | None
    """As the index or, where it does not know, the loaded file says."""


def survey(store: Store, measurements: Measurements, index: Index) -> list[Prospect]:
    """Return a prospect of every model that the index or the store knows, in their order."""
    entries = store.known(index)
    here = [entry for entry in entries if store.installed(entry)]
    found = [(entry, measurements.of(store.path(entry))) for entry in here]
    measured = [(entry, figures) for entry, figures in found if figures is not None]
    return [prospect(entry, entry in here, measured) for entry in entries]


def prospect(
    entry: Entry, installed: bool, measured: Sequence[tuple[Entry, Measurement]]
) -> Prospect:
    """Return what an entry does here, by what was measured of it or of others."""
    own = next((figures for one, figures in measured if one == entry), None)
    return Prospect(
        entry=entry,
        installed=installed,
        speed=_measured(own) if own else estimate(entry, measured),
        memory=own.memory if own and own.memory else entry.memory,
        memory_measured=bool(own and own.memory),
        fim=entry.fim or (own.fim if own else None),
    )


def estimate(entry: Entry, measured: Sequence[tuple[Entry, Measurement]]) -> Speed | None:
    """Return the speed of a model that was not measured; None where its size is not known."""
    if not entry.size:
        return None
    machine, origin = USUAL_MACHINE, None
    usable = [(one, figures) for one, figures in measured if one.size and figures.prompt_speed]
    if usable:
        one, figures = min(usable, key=lambda pair: abs(math.log(pair[0].size / entry.size)))
        origin = one.name
        machine = Machine(
            generation=figures.generation_speed * figures.size,
            prompt=figures.prompt_speed * _weights(one),
        )
    return Speed(
        prompt=machine.prompt / _weights(entry),
        generation=machine.generation / entry.size,
        how="estimate",
        origin=origin,
    )


def _measured(figures: Measurement) -> Speed:
    return Speed(figures.prompt_speed, figures.generation_speed, figures.how)


def _weights(entry: Entry) -> int:
    """Return how many weights a model has; where nobody says so, as if each had eight bits."""
    return entry.parameters or entry.size
