"""How much is asked for, at the `║` of each picture."""

from __future__ import annotations

import pytest

from linewise_server.completion.shape import Shape, Site, opened, shape
from linewise_server.completion.syntax import Syntax


def site_at(picture: str, language: str, *, invoked: bool = False) -> Site:
    prefix, _, suffix = picture.partition("║")
    return Site(language, prefix, suffix, invoked)


@pytest.mark.parametrize(
    ("language", "picture", "expected"),
    [
        # The rest of a line.
        ("python", "x = ║", "line"),
        ("python", "x = sum(║)", "line"),
        ("python", "def f(x):\n    return x║", "line"),
        ("python", "x = {'a':║", "line"),
        ("python", "x = xs[1:║", "line"),
        ("python", "f = lambda x:║", "line"),
        ("python", "def f(x) -> dict[str:║", "line"),
        ("python", "x: ║", "line"),
        ("go", "func f() {\n\treturn ║\n}", "line"),
        ("rust", "let x = ║;", "line"),
        ("c", "int x = ║;", "line"),
        # A block that was opened and has no body.
        ("python", "def f(x):\n    ║", "block"),
        ("python", "def f(x):\n    ║\n\ndef g(x):\n    pass", "block"),
        ("python", "def f(x):║", "block"),
        ("python", "def f(\n    x,\n):\n    ║", "block"),
        ("python", "async def f(x):\n    ║", "block"),
        (
            "python",
            "class A:\n    def f(self):\n        if x:\n            ║\n        return 1",
            "block",
        ),
        ("python", "if x:  # why\n    ║", "block"),
        ("python", "if x:\n    # what comes\n    ║", "block"),
        ("python", 'def f(x):\n    """Add one."""\n    ║', "block"),
        ("python", "match x:\n    case 1:\n        ║", "block"),
        ("javascript", "function f() {\n  ║\n}", "block"),
        ("javascript", "if (x) {║", "block"),
        ("javascript", "if (x) {║}", "block"),
        ("javascript", "list.map((x) => {\n  ║\n});", "block"),
        ("typescript", "class A {\n  f(): void {\n    ║\n  }\n}", "block"),
        ("typescriptreact", "function App() {\n  ║\n}", "block"),
        ("go", "func f() error {\n\t║\n}", "block"),
        ("rust", "fn f() -> i32 {\n    ║\n}", "block"),
        ("java", "class A {\n    int f() {\n        ║\n    }\n}", "block"),
        ("c", "int f(void)\n{\n    ║\n}", "block"),
        ("cpp", "switch (x) {\ncase 1:\n    ║\n}", "block"),
        ("ruby", "if x {\n  ║", "block"),
        ("unknown", "on start:\n  ║", "block"),
        # It has a body already.
        ("python", "def f(x):\n    ║\n    return x", "line"),
        ("python", "def f(x):\n    ║\n\n    return x", "line"),
        ("go", "func f() {\n\t║\n\treturn\n}", "line"),
        # Braces that open no block.
        ("javascript", "f({║})", "line"),
        ("javascript", "const x = {║}", "line"),
        ("python", "x = {\n    ║\n}", "line"),
        # Words.
        ("python", "# if x:║", "line"),
        ("python", 'x = "if y:║"', "line"),
        ("python", 'x = """\nif x:\n    ║\n"""', "line"),
        ("go", "// func f() {║", "line"),
        ("unknown", "note:║", "line"),
        # The middle of a word.
        ("python", "re║turn x", "nothing"),
        ("c", "x = ║y;", "nothing"),
        ("unknown", "wo║rd", "nothing"),
    ],
)
def test_shape(language: str, picture: str, expected: Shape) -> None:
    assert shape(site_at(picture, language), Syntax.of(language)) == expected


def test_in_the_middle_of_a_word_one_may_ask() -> None:
    assert shape(site_at("re║turn x", "python", invoked=True), Syntax.of("python")) == "line"


def test_without_a_grammar_line_ends_tell() -> None:
    assert shape(site_at("def f():\n    ║", "python"), None) == "block"


def test_a_window_that_begins_in_a_docstring() -> None:
    site = site_at('    words "of" it.\n    """\n    x = {"a": ║', "python")
    assert site.code == '    x = {"a": '
    assert site.place == "code"


def test_a_window_that_ends_in_a_docstring() -> None:
    assert site_at('def f():\n    pass\n  and it║ is so.\n  """\n', "python").place == "string"
    assert site_at(" * the ║ sum\n */\nint f();", "c").place == "comment"


@pytest.mark.parametrize(
    ("language", "text", "unit"),
    [
        ("python", "if x:\n    y\n", "    "),
        ("typescript", "if (x) {\n  y\n}\n", "  "),
        ("c", "if (x) {\n\ty;\n}\n", "\t"),
        ("c", "if (x)\n   y;\n", "   "),
        ("c", "if (x) {\n    if (y)\n\tz;\n}\n", None),
        ("java", "class A {\n\t/**\n\t * Add.\n\t */\n\tint f();\n}\n", "\t"),
        ("go", "", "\t"),
        ("rust", "", "    "),
        ("javascript", "", "  "),
    ],
)
def test_unit_of_indentation(language: str, text: str, unit: str | None) -> None:
    assert Site(language, text, "", invoked=False).unit == unit


def test_what_a_site_knows_of_its_lines() -> None:
    site = site_at("a = 1\r\n\r\n    b = f(║x) \r\n\r\nc\r\n", "python")
    assert (site.typed, site.rest, site.indentation) == ("    b = f(", "x) ", "    ")
    assert (site.line_above, site.lines_below, site.eol) == ("a = 1", ["c"], "\r\n")


def test_what_was_opened() -> None:
    block = opened(site_at("  } else if (a(\n    b)) {\n    ║", "c"), Syntax.of("c"))
    assert block is not None
    assert (block.indentation, block.statement) == ("  ", "else")
