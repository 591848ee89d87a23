"""Strings, comments and brackets, in the pictures of lexis.txt.

Each is a language, a line of code, and what it consists of: `s` stands under strings, `c` under
comments, `(` and `)` under brackets that open and close.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linewise_server.completion.lexis import CLOSERS, beginning, scan, starts_inside


def check(language: str, text: str, marks: str) -> None:
    scanned = scan(text, language)
    found = [" "] * len(text)
    for span in scanned.spans:
        found[span.start : span.end] = span.kind[0] * (span.end - span.start)
    for at in scanned.brackets:
        found[at] = "(" if text[at] in CLOSERS else ")"
    assert "".join(found).rstrip() == marks.rstrip()


PICTURES = (Path(__file__).parent / "lexis.txt").read_text("utf-8").rstrip("\n").split("\n\n")


@pytest.mark.parametrize("picture", PICTURES)
def test_scan(picture: str) -> None:
    check(*picture.split("\n"))


@pytest.mark.parametrize(
    ("language", "text", "place"),
    [
        ("python", "x = 1", "code"),
        ("python", "x = 'a", "string"),
        ("python", "x = 'a'", "code"),
        ("python", "x = 'a\n", "code"),
        ("python", '"""a\nb', "string"),
        ("python", "# a", "comment"),
        ("python", "# a\n", "code"),
        ("c", "/* a", "comment"),
        ("c", "/* a */", "code"),
        ("c", "// a", "comment"),
        ("go", "`a\n", "string"),
        ("javascript", "`a ${b", "string"),
        ("unknown", "don't", "code"),
    ],
)
def test_place_at_the_end(language: str, text: str, place: str) -> None:
    assert scan(text, language).place(len(text)) == place


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("python", 'of it.\n"""\nx = 1\n', "x = 1\n"),
        ("python", 'of it."""\nx = 1\n', "x = 1\n"),
        ("python", '    """\n    x = 1\n', "    x = 1\n"),
        ("python", '"""A module."""\nx = 1\n', '"""A module."""\nx = 1\n'),
        ("python", 'def f():\n    """A function.\n', 'def f():\n    """A function.\n'),
        ("python", 'def f():  # why\n    """\n', 'def f():  # why\n    """\n'),
        ("python", 'x = """\nab\n', 'x = """\nab\n'),
        ("python", "in it.\n''')\nx = 1\n", "x = 1\n"),
        ("c", " * of it.\n */\nint x;\n", "int x;\n"),
        ("c", "/* a */ int x;\n", "/* a */ int x;\n"),
        ("typescript", "glob('a/*.ts')\nx\n", "glob('a/*.ts')\nx\n"),
        ("go", "of it */", ""),
    ],
)
def test_where_code_begins(language: str, text: str, expected: str) -> None:
    assert text[beginning(text, language) :] == expected


def test_what_follows_tells_where_a_place_is() -> None:
    assert starts_inside(" of it.\n    '''\n    x = 1\n", "python")
    assert not starts_inside('\n    """A docstring."""\n', "python")
    assert not starts_inside('\n    """\n    A docstring.\n    """\n', "python")
    assert starts_inside(" sum\n */\nint f();", "c")


@given(st.text(alphabet="()[]{}\"'`/*#\\\n a", max_size=60), st.sampled_from(["python", "go", "x"]))
def test_a_bracket_opens_closes_or_is_neither(text: str, language: str) -> None:
    scanned = scan(text, language)
    openers = set(scanned.opener_of.values())
    assert all(CLOSERS[text[o]] == text[c] and o < c for c, o in scanned.opener_of.items())
    assert not openers & set(scanned.unclosed)
    assert all(scanned.covering(at) is None for at in scanned.brackets)
