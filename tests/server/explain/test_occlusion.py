"""What is left out of a prompt, within how many requests, and what is left in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linewise_models.engine.contract import Mark, Part
from linewise_server.explain.occlusion import (
    LEAST_REQUESTS,
    Lean,
    first_groups,
    halves,
    split_units,
    to_halve,
    without,
)

LINES = "import os\n\n\ndef f(x):\n    y = x\n"
PROMPT = (
    Part("suffix", mark=Mark.SUFFIX),
    Part("suffix", "\n    z = 3\n\nprint(z)\n"),
    Part("prefix", mark=Mark.PREFIX),
    Part("context", "# b.py\n# def g(): ...\n\n"),
    Part("lines", LINES),
    Part("line", "    return "),
)
TEXTS = st.lists(st.sampled_from(["a\n", "  b = c\r\n", "\n", " \t\n", "é\x0c\n", "last"])).map(
    "".join
)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", ()),
        ("\n \n", ()),
        (LINES, ("import os\n\n\n", "def f(x):\n", "    y = x\n")),
        ("\n    z = 3\n", ("\n    z = 3\n",)),
        ("a\r\n\r\nb", ("a\r\n\r\n", "b")),
        ("a\x0cb\n", ("a\x0cb\n",)),
    ],
)
def test_a_line_takes_the_blank_ones_after_it_along(text: str, units: tuple[str, ...]) -> None:
    assert split_units(text) == units


def test_every_line_alone_where_that_fits() -> None:
    groups = first_groups(PROMPT, 7)
    assert [(group.part, group.line, group.height, group.text) for group in groups] == [
        ("suffix", 0, 3, "\n    z = 3\n\n"),
        ("suffix", 3, 1, "print(z)\n"),
        ("context", 0, 1, "# b.py\n"),
        ("context", 1, 2, "# def g(): ...\n\n"),
        ("lines", 0, 3, "import os\n\n\n"),
        ("lines", 3, 1, "def f(x):\n"),
        ("lines", 4, 1, "    y = x\n"),
    ]


def test_what_is_left_out_is_gone_and_the_rest_stands() -> None:
    group = first_groups(PROMPT, 7)[5]
    texts = {part.name: part.text for part in without(PROMPT, group) if not part.mark}
    assert texts == {part.name: part.text for part in PROMPT if not part.mark} | {
        "lines": "import os\n\n\n    y = x\n"
    }
    # A mark that bears the name of a part is none of its text.
    (suffix, *_), (mark, *_) = without(PROMPT, first_groups(PROMPT, 7)[0])[1:], PROMPT
    assert (suffix.text, mark.text) == ("print(z)\n", "")


@given(TEXTS, TEXTS, TEXTS, st.integers(LEAST_REQUESTS, 60))
def test_groups_are_the_whole_context_within_the_requests(
    context: str, lines: str, suffix: str, most: int
) -> None:
    prompt = (Part("context", context), Part("lines", lines), Part("suffix", suffix))
    waiting = first_groups(prompt, most)
    assert len(waiting) <= most
    for part in prompt:
        joined = "".join(group.text for group in waiting if group.part == part.name)
        assert joined == (part.text if part.text.strip() else "")
    while waiting:
        group = waiting.pop()
        text = next(part.text for part in prompt if part.name == group.part)
        assert text[group.start :].startswith(group.text)
        left = next(p.text for p in without(prompt, group) if p.name == group.part)
        assert len(left) == len(text) - len(group.text)
        if len(group.units) > 1:
            assert "".join(half.text for half in halves(group)) == group.text
            waiting += halves(group)


@pytest.mark.parametrize(
    ("falls", "left", "halved"),
    [
        ((0.1, 5.0, -2.0), 2, 1),
        ((0.1, 0.5, -2.0), 2, 2),
        ((0.1, 5.0, -2.0), 1, None),
        ((), 9, None),
    ],
)
def test_the_group_that_matters_most_is_halved(
    falls: tuple[float, ...], left: int, halved: int | None
) -> None:
    groups = first_groups((Part("lines", "".join(f"x{n}\n" for n in range(12))),), 9)
    assert [group.height for group in groups] == [4, 4, 4]
    leans = [Lean(group, fall) for group, fall in zip(groups, falls, strict=False)]
    found = to_halve(leans, left)
    assert found == (None if halved is None else leans[halved])


def test_a_line_alone_is_not_halved() -> None:
    leans = [Lean(group, 3.0) for group in first_groups((Part("lines", "a\nb\n"),), 9)]
    assert to_halve(leans, 9) is None
