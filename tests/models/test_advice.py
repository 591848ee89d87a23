"""Which model is advised for what, and the reasons that are given."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from linewise_models.advice import Slow, Wish, advise, answer_ms, instead_of
from linewise_models.index import Licence
from linewise_models.prospects import Prospect, Speed
from tests.models.test_prospects import entry

GB = 10**9


def model(
    name: str, parameters: int, generation: float, memory: int = GB, **changes: Any
) -> Prospect:
    made = entry(name, parameters, parameters, **changes)
    return Prospect(made, False, Speed(1000.0, generation, "load"), memory, True, made.fim)


TINY = model("tiny", 10**8, 100.0, GB // 2)
FILLS = model("fills", 10**8, 100.0, GB // 2, fim="psm")
MIDDLE = model("middle", 5 * 10**8, 50.0)
BIG = model("big", 3 * 10**9, 8.0, 4 * GB, tasks=("completion", "generation"))
CHAT = model("chat", 2 * 10**9, 30.0, tasks=("generation",))
CLOSED = model("closed", 10**9, 60.0, licence=Licence("X", "Not for sale.", False))
UNKNOWN = dataclasses.replace(model("unknown", 10**9, 1.0), speed=None)
ALL = (TINY, FILLS, MIDDLE, BIG, CHAT, CLOSED, UNKNOWN)

NO_OTHER = (
    "No other model that fits this machine is faster",
    "linewise models quantize",
    "linewise.remote.url",
    "linewise.latency.automatic: ",
)


def check(wish: Wish, models: tuple[Prospect, ...], best: str | None, **said: str) -> None:
    """Check which model is advised and that the reasons hold these words; `why` is the choice's."""
    advice = advise(wish, models)
    assert (advice.model.entry.name if advice.model else None) == best
    reasons = dict(advice.others) | {"why": advice.why}
    assert set(reasons) == {one.entry.name for one in models} - {best} | {"why"}
    assert all(reason.endswith(".") for reason in reasons.values())
    for name, words in said.items():
        assert words in reasons[name], name


def wish(task: str = "completion", memory: int = 8 * GB, ms: float = 300, **rest: Any) -> Wish:
    return Wish(task, memory, ms, **rest)  # type: ignore[arg-type] # data of the tables


def test_the_strongest_that_fits_is_taken_and_each_other_has_its_reason() -> None:
    check(
        wish(),
        ALL,
        "middle",
        why="strongest of the 3 that fit",
        tiny="fewer weights (100 million)",
        fills="fewer weights",
        big="takes 1,504 ms (measured at load); 300 ms are wanted",
        chat="It is for generation",
        closed="forbids commercial use",
        unknown="linewise models bench",
    )


@pytest.mark.parametrize(
    ("asked", "best", "said"),
    [
        (wish(ms=2000), "big", "4.0 GB of memory of the 8.0 GB"),
        (wish(ms=2000, memory=2 * GB), "middle", "writes the rest of a line in 244 ms"),
        (wish(memory=GB // 2), "fills", "500 MB"),
        (wish(commercial=False), "closed", "60 tokens/s"),
        (wish("generation", ms=5000), "chat", "writes ten lines in 3,533 ms"),
        (wish("generation", ms=15_000), "big", "For generation"),
    ],
)
def test_what_is_wanted_decides(asked: Wish, best: str, said: str) -> None:
    check(asked, ALL, best, why=said)


def test_of_equals_the_one_that_fills_in_is_taken() -> None:
    check(wish(), (TINY, FILLS), "fills", tiny="does not fill in")
    check(wish(), (TINY, dataclasses.replace(FILLS, fim=None)), "tiny", fills="is no better")


@pytest.mark.parametrize(
    ("asked", "models", "said"),
    [
        (wish(memory=1000), (TINY, MIDDLE), "the smallest, tiny, takes 500 MB"),
        (wish(ms=10), (TINY, MIDDLE), "the fastest, tiny, writes the rest of a line in 124 ms"),
        (wish("generation"), (TINY,), "No model that is known is for generation"),
        (wish(), (), "No model"),
    ],
)
def test_where_nothing_fits_it_is_said_what_would_have_to_give(
    asked: Wish, models: tuple[Prospect, ...], said: str
) -> None:
    check(asked, models, None, why=said)


def test_an_estimate_is_called_one() -> None:
    guessed = dataclasses.replace(BIG, speed=Speed(1000.0, 8.0, "estimate", "tiny"))
    check(wish(), (TINY, guessed), "tiny", big="estimated from tiny", why="measured at load")


def test_a_usual_answer_is_the_prompt_and_the_tokens() -> None:
    assert answer_ms(Speed(100.0, 10.0, "load"), "completion") == pytest.approx(40 + 1200)
    assert answer_ms(Speed(100.0, 10.0, "load"), "generation") == pytest.approx(2000 + 10_000)


@pytest.mark.parametrize(
    ("slow", "models", "said"),
    [
        # Fast enough: the strongest of those.
        (("big", 8.0), ALL, ("big writes 8.0 tokens/s", "Use middle instead, about 50 tokens/s")),
        # The machine is busy, and would be for the others, too.
        (
            ("middle", 10.0),
            (TINY, MIDDLE, BIG),
            ("wrote 50 tokens/s when it was measured", "Use tiny instead, about 20 tokens/s"),
        ),
        # Of one that is not known the others are what they are.
        (("mine", 3.0), (TINY,), ("mine writes 3.0", "Use tiny instead, about 100 tokens/s")),
        # None is fast enough, but one is better by far.
        (("big", 2.0), (model("fair", 10**8, 30.0), BIG), ("Use fair instead, about 7.5",)),
        # None is better.
        (("tiny", 4.0), (TINY, BIG, CLOSED, UNKNOWN), NO_OTHER),
        (("tiny", 4.0), (TINY,), NO_OTHER),
        # None that is better fits into memory.
        (("big", 8.0), (BIG, model("huge", 10**8, 90.0, 99 * GB)), NO_OTHER),
    ],
)
def test_what_to_use_instead_of_one_that_is_too_slow(
    slow: tuple[str, float], models: tuple[Prospect, ...], said: tuple[str, ...]
) -> None:
    name, speed = slow
    made = Slow(name, speed, 4000 / speed, "linewise.latency.automatic")
    told = instead_of(made, wish(), models)
    assert "too slow for the 300 ms of linewise.latency.automatic" in told
    for words in said:
        assert words in told


def test_what_is_here_need_not_be_pulled() -> None:
    slow = Slow("big", 8.0, 500.0, "linewise.latency.automatic")
    here = dataclasses.replace(MIDDLE, installed=True)
    assert instead_of(slow, wish(), (MIDDLE, BIG)).endswith(
        "linewise models pull middle, then set linewise.model to it."
    )
    assert instead_of(slow, wish(), (here, BIG)).endswith("tokens/s: set linewise.model to it.")
