"""Checks: the document before, what is put at ║, and what is said about it."""

from __future__ import annotations

import pytest

from linewise_server.generation.checks import problems, unresolved


def placed(marked: str, text: str) -> tuple[str, str, tuple[int, int]]:
    at = marked.index("║")
    before = marked.replace("║", "")
    return before, before[:at] + text + before[at:], (at, at + len(text))


@pytest.mark.parametrize(
    ("marked", "text", "said"),
    [
        ("def f():\n║", "    return 1\n", []),
        ("def f():\n║", "    return (1\n", ["It does not parse: see line 2, “return (1”."]),
        ("x = (║\n", "1", []),
        (
            "def f():\n    pass\n\n\n║",
            "def f():\n    pass\n",
            ["f is defined in this file already."],
        ),
        (
            "a = 1\nb = 2\nc = 3\n║",
            "a = 1\nb = 2\nc = 3\n",
            ["It repeats what is in this file already, from “a = 1” on."],
        ),
        ("a = 1\nb = 2\n║", "a = 1\nb = 2\nd = 4\n", []),
    ],
)
def test_what_is_wrong_is_said_in_words(marked: str, text: str, said: list[str]) -> None:
    before, after, span = placed(marked, text)
    assert list(problems(before, before, after, span, "python")) == said


@pytest.mark.parametrize(
    ("marked", "text", "names"),
    [
        ("def f(x):\n║", "    return x + y + z + len(x)\n", ("y", "z")),
        ("import a\ny = 1\n\n\ndef f(x):\n║", "    return a.b(y)\n", ()),
        ("def f():\n║", "    return [q for q in r if (s := q)] + [s]\n", ("r",)),
        ("def f():\n║", "    with g() as h:\n        return h\n", ("g",)),
        ("def f():\n║", "    try:\n        pass\n    except E as e:\n        print(e)\n", ("E",)),
        ("def f():\n║", "    match x:\n        case A(b=c):\n            return c\n", ("x", "A")),
        ("from a import *\n\n\ndef f():\n║", "    return b\n", ()),
        ("u\n\n\ndef f():\n║", "    return 1\n", ()),
        ("def f():\n║", "    return (b\n", ()),
    ],
)
def test_names_that_nothing_defines_are_listed(
    marked: str, text: str, names: tuple[str, ...]
) -> None:
    _, after, span = placed(marked, text)
    assert unresolved(after, span, "python") == names


def test_other_languages_are_parsed_and_their_names_left_alone() -> None:
    before, after, span = placed("function f() {║}\n", " return b( ")
    assert problems(before, before, after, span, "javascript")
    assert unresolved(after, span, "javascript") == ()
