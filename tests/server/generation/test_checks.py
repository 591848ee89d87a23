"""Checks: the document before, what is put at ║, and what is said about it."""

from __future__ import annotations

import pytest

from linewise_server.generation.checks import problems


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


def test_other_languages_are_parsed() -> None:
    before, after, span = placed("function f() {║}\n", " return b( ")
    assert problems(before, before, after, span, "javascript")
