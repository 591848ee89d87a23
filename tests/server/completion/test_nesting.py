"""Which brackets are open at the `║`: `true` for each, outermost first, that is closed below."""

from __future__ import annotations

import pytest

from linewise_server.completion.nesting import nesting


@pytest.mark.parametrize(
    ("picture", "closed", "missing"),
    [
        ("f(║)", [True], ("", "")),
        ("f(║", [False], (")", "")),
        ("f(g(║)", [True, False], (")", "")),
        ("f(g(║))", [True, True], ("", "")),
        ("f({a: [║", [False, False, False], ("]})", "")),
        ("if (a) {\n  b(║\n}", [True, False], (")", "")),
        ("class A {\n  f() {\n    ║\n  }\n}", [True, True], ("", "")),
        ("class A {\n  f() {\n    ║\n}", [True, False], ("}", "")),
        ("class A {\n  f() {\n    ║\n  }\n", [False, True], ("", "}")),
        ("class A {\n  f() {\n    ║\n  }\n  g() {\n    return 1;\n", [False, True], ("", "}")),
        ("f(\n  a,\n  ║\n)", [True], ("", "")),
        ("x = [\n  f(║\n]", [True, False], (")", "")),
        ("int f()\n{\n  if (a)\n  {\n    ║\n  }\n}", [True, True], ("", "")),
        ("namespace a {\n\nint f() {\n  ║\n\n}  // a", [True, False], ("}", "")),
    ],
)
def test_what_is_open(picture: str, closed: list[bool], missing: tuple[str, str]) -> None:
    code, _, after = picture.partition("║")
    around = nesting(code, after, "cpp")
    assert [opening.closed_after for opening in around.openings] == closed
    assert around.missing == missing


def test_where_what_is_open_ends() -> None:
    code, after = "void f() {\n  g(", ");\n}\n}\nint x;"
    around = nesting(code, after, "c")
    assert after[: around.end] == ");\n}"
    assert around.stray == 5
