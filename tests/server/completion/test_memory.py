"""What was said once is not asked again. `║` is the cursor."""

from __future__ import annotations

import pytest

from linewise_server.completion.memory import ENTRIES, Memory, Saying, place_of, typed_since
from linewise_server.completion.shape import Shape, Site


def site(picture: str) -> Site:
    prefix, _, suffix = picture.partition("║")
    return Site("python", prefix, suffix, invoked=False)


def said(
    picture: str,
    text: str,
    *,
    whole: bool = True,
    ahead: bool = False,
    shape: Shape = "line",
    uri: str = "a",
) -> Saying:
    before, after = place_of(site(picture))
    return Saying(uri, before, after, shape, text, whole, -0.1, ahead)


@pytest.mark.parametrize(
    ("asked", "text", "now", "left", "origin"),
    [
        ("x = su║", "m(xs)", "x = su║", "m(xs)", "cache"),
        ("x = su║", "m(xs)", "x = sum(║", "xs)", "typedThrough"),
        ("x = su║", "m(xs)", "x = sum(║)", "xs)", "typedThrough"),
        ("x = su║", "m(xs)", "x = sup║", None, None),
        ("x = su║", "m(xs)", "x = s║", None, None),
        ("x = su║\ny", "m(xs)", "x = su║\nz", None, None),
        ("x = 1║", "\n    y = 2\n", "x = 1\n    ║", "y = 2\n", "prefetch"),
        ("x = su║", "m(xs)", "x = sum(xs)║", None, None),
    ],
)
def test_recalls_what_still_holds(
    asked: str, text: str, now: str, left: str | None, origin: str | None
) -> None:
    memory = Memory()
    memory.keep(said(asked, text))
    found = memory.recall("a", site(now), "line")
    assert (found and found[1], found and found[2]) == (left, origin)


def test_what_was_thought_ahead_says_so() -> None:
    memory = Memory()
    memory.keep(said("f(x)║", "\n    return 1\n", ahead=True))
    found = memory.recall("a", site("f(x)\n    ║"), "line")
    assert found is not None
    assert found[2] == "speculation"


def test_an_unfinished_line_is_asked_again() -> None:
    memory = Memory()
    memory.keep(said("x = ║", "sum(xs", whole=False))
    assert memory.recall("a", site("x = s║"), "line") is None


def test_a_line_does_not_answer_for_a_block() -> None:
    memory = Memory()
    memory.keep(said("def f():\n    ║", "return 1"))
    assert memory.recall("a", site("def f():\n    ║"), "block") is None


def test_documents_are_apart() -> None:
    memory = Memory()
    memory.keep(said("x = ║", "1"))
    assert memory.recall("b", site("x = ║"), "line") is None
    memory.forget("a")
    assert memory.recall("a", site("x = ║"), "line") is None


def test_the_least_used_is_dropped() -> None:
    memory = Memory()
    for number in range(ENTRIES + 1):
        memory.keep(said(f"x{number} = ║", "1"))
        memory.recall("a", site("x0 = ║"), "line")
    assert memory.recall("a", site("x0 = ║"), "line") is not None
    assert memory.recall("a", site("x1 = ║"), "line") is None


@pytest.mark.parametrize(
    ("before", "after", "now", "typed"),
    [
        ("ab", "", "abcd║", "cd"),
        ("ab", "", "ba║", None),
        ("", "", "q║", "q"),
        # What stood at the beginning of the file says nothing of places that only end like it.
        ("", "", "x" * 200 + "║", None),
        ("ab", "", "xab║", None),
        ("d", "", "zeros(3).round(d║", None),
        ("ab" * 200, "", "x" + "ab" * 200 + "cd║", "cd"),
    ],
)
def test_typed_since(before: str, after: str, now: str, typed: str | None) -> None:
    assert typed_since(before, after, site(now)) == typed
