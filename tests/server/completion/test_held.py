"""What is believed of the cache: what was asked and answered, nothing of an engine that left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from linewise_models.engine.contract import Finish, FinishReason
from linewise_server.completion.held import Held


def finish(reason: FinishReason, prompt: int, evaluated: int, reused: int, said: int) -> Finish:
    return Finish(reason, prompt, evaluated, reused, said, "", 0.0, 0.0)


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (finish("end", 10, 10, 0, 3), 10),
        (finish("length", 10, 2, 8, 0), 10),
        (finish("cancelled", 10, 0, 10, 1), 10),
        # Broken off inside the prompt.
        (finish("cancelled", 10, 4, 0, 0), 4),
        (finish("deadline", 10, 3, 2, 0), 5),
        (finish("superseded", 10, 1, 0, 0), 1),
        # Dropped before anything was done.
        (finish("superseded", 0, 0, 0, 0), 6),
        # A server that does not count.
        (finish("stop", 0, 0, 0, 3), 10),
    ],
)
def test_an_answer_says_what_is_held(answer: Finish, known: int) -> None:
    held = Held()
    held.ended("s", "012345", finish("end", 6, 6, 0, 1))
    held.begun("s", "0123456789")
    held.ended("s", "0123456789", answer)
    assert held.shared("s", "0123456789abc") == known


def test_what_was_answered_is_held_behind_the_prompt() -> None:
    held = Held()
    held.ended("s", "x = ", finish("stop", 3, 3, 0, 2), "sum(xs)")
    assert held.shared("s", "x = sum(xs)\ny") == len("x = sum(xs)")
    held.ended("s", "x = ", finish("cancelled", 10, 5, 0, 0), "")
    assert held.shared("s", "x = sum(xs)\ny") == 2


def test_what_is_asked_overwrites_what_was_held() -> None:
    held = Held()
    held.ended("s", "one two", finish("end", 2, 2, 0, 1))
    held.begun("s", "one three")
    assert held.shared("s", "one two") == len("one t")


@pytest.mark.parametrize(("candidates", "left"), [(1, "bcd"), (2, "cd"), (3, "d"), (9, "d")])
def test_the_session_unused_for_longest_goes_first(candidates: int, left: str) -> None:
    held = Held()
    held.room = 3
    for session in "abcd":
        held.begun(session, session, candidates if session == "d" else 1)
        held.ended(session, session, finish("end", 1, 1, 0, 1))
    assert "".join(s for s in "abcd" if held.shared(s, s)) == left


GO: list[Callable[[Held], None]] = [
    lambda held: None,
    lambda held: held.begun("other", "x"),
    lambda held: held.ended("other", "x", finish("superseded", 0, 0, 0, 0)),
]


@pytest.mark.parametrize("then", GO)
def test_another_engine_holds_nothing(then: Callable[[Held], None]) -> None:
    life = 1
    held = Held(lambda: life)
    held.ended("s", "text", finish("end", 1, 1, 0, 1))
    assert held.shared("s", "text") == 4
    life = 2
    then(held)
    assert held.shared("s", "text") == 0


def test_what_is_forgotten_still_takes_its_place() -> None:
    held = Held()
    held.room = 2
    for session in "ab":
        held.begun(session, session)
        held.ended(session, session, finish("end", 1, 1, 0, 1))
    held.forget("b")
    held.begun("c", "c")
    assert [held.shared(s, s) for s in "ab"] == [0, 0]
