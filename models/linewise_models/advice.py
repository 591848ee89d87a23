"""Which model to take: one, and in plain words why it and why not the others. Pure.

In: a `Wish` and what each model does on this machine. Out: an `Advice`, or what to do about a model
that turned out too slow. A model is out where it is
not for the task, where its licence forbids commercial use (unless that does not matter), where it
takes more memory than allowed, or where a usual answer comes too late; of the others the one with
the most weights is taken, then one that fills in, then the smallest file. Never fetches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from linewise_models.index import Task

if TYPE_CHECKING:
    from linewise_models.prospects import Prospect, Speed


@dataclass(frozen=True, slots=True)
class Usual:
    """What a user waits for with one task."""

    evaluated: int
    """Prompt tokens that are not in the cache."""
    generated: int
    latency_ms: float
    """How long one likes to wait."""
    name: str


USUAL: dict[Task, Usual] = {
    # What a key changes of a prompt, and the shortest suggestion that the budget allows.
    "completion": Usual(4, 12, 300, "the rest of a line"),
    "generation": Usual(200, 100, 15_000, "ten lines"),
}

BUSY_SHARE = 0.5
"""Share of its measured speed below which a model is held up by something else."""
WORTH_CHANGING = 1.5
"""How many times faster another model must be to be taken instead, where none is fast enough."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a model is wanted for."""

    task: Task
    memory: int
    """Bytes that it may take."""
    latency_ms: float
    """Milliseconds that a usual answer may take."""
    commercial: bool = True
    """Whether its licence must allow commercial use."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One model or none, and the reasons."""

    model: Prospect | None
    why: str
    others: tuple[tuple[str, str], ...]
    """Name and reason of each that was not taken."""


def answer_ms(speed: Speed, task: Task) -> float:
    """Return the milliseconds until a usual answer for a task is there."""
    usual = USUAL[task]
    return 1000 * (usual.evaluated / speed.prompt + usual.generated / speed.generation)


def advise(wish: Wish, prospects: Sequence[Prospect]) -> Advice:
    """Return the model to take for a wish."""
    against = {one.entry.name: _against(one, wish) for one in prospects}
    good = [one for one in prospects if against[one.entry.name] is None]
    best = max(good, key=lambda one: _strength(one, wish.task), default=None)
    others = tuple(
        (one.entry.name, against[one.entry.name] or _weaker(one, best, wish))
        for one in prospects
        if one is not best and (best is None or one.entry.name != best.entry.name)
    )
    return Advice(best, _why(best, wish, len(good)) if best else _why_none(prospects, wish), others)


@dataclass(frozen=True, slots=True)
class Slow:
    """A model that does not keep up, as it runs just now."""

    name: str
    generation: float
    """Tokens that it generates a second."""
    least_ms: float
    """Milliseconds until the least that is worth showing is there."""
    setting: str
    """The setting that holds the latency."""


def instead_of(slow: Slow, wish: Wish, prospects: Sequence[Prospect]) -> str:
    """Return, in plain words, that a model is too slow and what to do about it.

    Other programs slow down all models alike, so what was measured of the others is taken to be as
    much less as it is of this one.
    """
    own = next((one.speed for one in prospects if one.entry.name == slow.name), None)
    share = min(1.0, slow.generation / own.generation) if own else 1.0
    others = [_slowed(one, share) for one in prospects if one.entry.name != slow.name]
    said = (
        f"{slow.name} writes {_rate(slow.generation)} here, too slow for the "
        f"{wish.latency_ms:,.0f} ms of {slow.setting}."
    )
    if own and share < BUSY_SHARE:
        said += (
            f" It wrote {_rate(own.generation)} when it was measured: "
            "other programs keep the machine busy."
        )
    better = advise(wish, others).model or _faster(slow, wish, others)
    if better is not None and better.speed is not None:
        pull = "" if better.installed else f"linewise models pull {better.entry.name}, then "
        return (
            f"{said} Use {better.entry.name} instead, about {_rate(better.speed.generation)}: "
            f"{pull}set linewise.model to it."
        )
    enough = math.ceil(slow.least_ms / 100) * 100
    return (
        f"{said} No other model that fits this machine is faster. What helps: a smaller "
        "quantisation of it (linewise models quantize), an engine on another machine "
        f"(linewise.remote.url), or more time ({slow.setting}: {enough})."
    )


def _slowed(one: Prospect, share: float) -> Prospect:
    if one.speed is None:
        return one
    speed = replace(
        one.speed, prompt=one.speed.prompt * share, generation=one.speed.generation * share
    )
    return replace(one, speed=speed)


def _faster(slow: Slow, wish: Wish, others: Sequence[Prospect]) -> Prospect | None:
    """Return the fastest of the models that are out for their speed alone, if it is worth it."""
    patient = replace(wish, latency_ms=math.inf)
    able = [one for one in others if one.speed is not None and _against(one, patient) is None]
    wait = {one.entry.name: answer_ms(one.speed, wish.task) for one in able if one.speed}
    best = min(able, key=lambda one: wait[one.entry.name], default=None)
    if best is None or best.speed is None:
        return None
    return best if best.speed.generation > WORTH_CHANGING * slow.generation else None


def _rate(speed: float) -> str:
    return f"{speed:.0f} tokens/s" if speed >= 10 else f"{speed:.1f} tokens/s"


def _against(one: Prospect, wish: Wish) -> str | None:
    """Return the first reason why a model is out; None where it is not."""
    entry = one.entry
    if wish.task not in entry.tasks:
        return f"It is for {' and '.join(entry.tasks)}."
    if wish.commercial and not entry.licence.commercial:
        return "Its licence forbids commercial use (--non-commercial allows it)."
    if one.memory > wish.memory:
        return f"It takes {_memory(one)}; {gigabytes(wish.memory)} may be taken."
    if one.speed is None:
        return "Nothing is known of its speed: linewise models bench measures it."
    if (wait := answer_ms(one.speed, wish.task)) > wish.latency_ms:
        name = USUAL[wish.task].name
        return f"{name.capitalize()} takes {wait:,.0f} ms ({one.speed}); {_wanted(wish)}."
    return None


def _strength(one: Prospect, task: Task) -> tuple[int, bool, int]:
    fills_in = task == "completion" and one.fim not in (None, "none")
    return (one.entry.parameters or one.entry.size, fills_in, -one.entry.size)


def _weaker(one: Prospect, best: Prospect | None, wish: Wish) -> str:
    """Return why a model that would do as well was not taken."""
    if best is None:
        return ""
    mine, its = _strength(one, wish.task), _strength(best, wish.task)
    if mine[0] != its[0]:
        return f"It would do, with fewer weights ({mine[0] / 1e6:,.0f} million)."
    if mine[1] != its[1]:
        return "It would do, but does not fill in: it sees only what comes before the cursor."
    return "It would do, and is no better."


def _why(best: Prospect, wish: Wish, good: int) -> str:
    speed, usual = best.speed, USUAL[wish.task]
    if speed is None:
        return ""
    choice = "the only one that fits" if good == 1 else f"the strongest of the {good} that fit"
    return (
        f"For {wish.task} it is {choice}: it writes {usual.name} in "
        f"{answer_ms(speed, wish.task):,.0f} ms ({_wanted(wish)}) at {speed.generation:.0f} "
        f"tokens/s, {speed}, and takes {_memory(best)} of the {gigabytes(wish.memory)} that it may."
    )


def _why_none(prospects: Sequence[Prospect], wish: Wish) -> str:
    """Return what would have to give for the nearest model to fit."""
    able = [
        one
        for one in prospects
        if wish.task in one.entry.tasks and (one.entry.licence.commercial or not wish.commercial)
    ]
    small = [one for one in able if one.memory <= wish.memory]
    if able and not small:
        least = min(able, key=lambda one: one.memory)
        return (
            f"Nothing fits {gigabytes(wish.memory)}: the smallest, {least.entry.name}, takes "
            f"{_memory(least)}. Close other programs, or allow more: --memory."
        )
    waits = [(answer_ms(one.speed, wish.task), one) for one in small if one.speed is not None]
    if waits:
        wait, fastest = min(waits, key=lambda pair: pair[0])
        return (
            f"Nothing is fast enough: the fastest, {fastest.entry.name}, writes "
            f"{USUAL[wish.task].name} in {wait:,.0f} ms ({fastest.speed}); {_wanted(wish)}. "
            "Allow more: --latency; or let another machine do it: linewise.remote.url."
        )
    return f"No model that is known is for {wish.task}."


def gigabytes(size: int) -> str:
    """Return a number of bytes as people say it."""
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def _memory(one: Prospect) -> str:
    return f"{'' if one.memory_measured else 'about '}{gigabytes(one.memory)} of memory"


def _wanted(wish: Wish) -> str:
    return f"{wish.latency_ms:,.0f} ms are wanted"
