"""Where an answer ends. Code with a hole; what the model said; `┃` where it must be cut.

`║` is the hole. An answer without `┃` goes on to its end and more text could change that.
"""

from __future__ import annotations

import pytest

from linewise_models.evaluate.extent import RULES, cut
from linewise_models.evaluate.problem import Extent, Problem


def check(extent: Extent, code: str, said: str, ending: str = "") -> None:
    prefix, _, suffix = code.partition("║")
    problem = Problem("p", "g", prefix, suffix, "", extent, ending=ending)
    text, mark, more = said.partition("┃")
    found = cut(problem, text + more)
    assert (found.text, found.whole) == (text, bool(mark))
    for end in range(len(text + more)):
        early = cut(problem, (text + more)[:end])
        # What is called settled while text streams must be what the whole text gives.
        assert not early.whole or early.text == found.text


@pytest.mark.parametrize(
    "said",
    [
        "return x┃\n    return y",
        "return x",
        "\n    return x┃\n",
        "\n  \n",
        "",
    ],
)
def test_line(said: str) -> None:
    check("line", "def f(x):\n    ║\n", said)


FUNCTION = "def f(x):\n    ║\n    return x\n"


@pytest.mark.parametrize(
    "said",
    [
        "x += 1\n    x += 2┃\n    return x\n",
        "x += 1\n    x += 2\n    return x",
        "for y in x:\n        g(y)┃\ndef g():",
        "x += 1\n\n    y = 1┃\nprint(f(1))",
        "x += 1\n    return x + 1\n    y",
    ],
)
def test_lines(said: str) -> None:
    check("lines", FUNCTION, said)


def test_lines_as_the_benchmark_has_them() -> None:
    code = "def f(x):\n║    return x\n"
    check("lines", code, "    x += 1┃\n    return x\n".replace("┃\n", "\n┃"), ending="\n")
    prefix, _, suffix = code.partition("║")
    problem = Problem("p", "g", prefix, suffix, "", "lines", ending="\n")
    assert cut(problem, "    x += 1").text == "    x += 1\n"
    assert cut(problem, "").text == ""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def f(x):\n    if ║ < 2:\n        return x\n", "x┃ < 2:\n        return"),
        ("def f(x):\n    if ║ < 2:\n        return x\n", "x:\n        y()\n    if x┃ < 2:\n"),
        ("def f(x):\n    if ║ < 2:\n        return x\n", "x < 2:"),
        ("def f(x):\n    g(║)\n", "x, h(y)┃)\n"),
        ("def f(x):\n    g(║\n    return x\n", "x)┃\n    return x\n"),
        ("def f(x):\n    g(║\n    return x\n", "x)┃\nf(1)"),
    ],
)
def test_span(code: str, said: str) -> None:
    check("span", code, said)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("if a:\n    ║\nelse:\n    d()\n", "b()\n    c()┃\nelse:"),
        ("for a in b:\n    if a:\n        ║\n", "c()\n\n        d()┃\n    e()"),
        ("if a:\n\t\t║\n", "c()┃\n\td()"),
        ("if a:║\n", "b()┃\nc()"),
        ("if a:║\n", " b()"),
        ("if a:\n    ║\n    c()\n", "b()┃\n    c()\n    d()"),
    ],
)
def test_block(code: str, said: str) -> None:
    check("block", code, said)


@pytest.mark.parametrize(
    "said",
    [
        "x in y:┃\n    pass",
        "x == {1: 2}[z[1:]]:┃ pass",
        "x == ':' and z(lambda: 1):┃\n",
        "f := lambda x: 1 if y else 2:┃ pass",
        "(n := 2):┃\n",
        "n:",
        "x in (\n    1, 2):┃\n",
        "x in y┃\n    pass",
        "x in y",
    ],
)
def test_header(said: str) -> None:
    check("header", "if ║\n    pass\n", said)


@pytest.mark.parametrize(
    "said",
    [
        "np.sum(x, axis=(0, 1))┃\n",
        "np.zeros(n).astype(int)[0](1)┃ + 1",
        "f(')')┃, 2)",
        "f(x)",
        "f(\n    x)┃ ",
        "x┃)\n",
        "x┃\ny",
    ],
)
def test_call(said: str) -> None:
    check("call", "a = ║\n", said)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x.║", "run(1)┃\ny"),
        ("x.║", "run(\n    1,\n)┃\ny"),
        ("f(\n    x.║", "y,\n    2)┃\ny"),
        ("x.║", "run('''\n\n''')┃\n"),
        ("x.║", "run() + \\\n    1┃\n"),
        ("x.║", "┃\nrun()"),
        ("x = $\nx.║", "run()┃\ny"),
    ],
)
def test_statement(code: str, said: str) -> None:
    check("statement", code, said)


def test_a_statement_that_never_ends_is_cut_at_its_line() -> None:
    problem = Problem("p", "g", "x.", "", "", "statement")
    assert cut(problem, "run(\n    1,\n    2").text == "run("


def test_every_rule_says_in_the_record_what_it_does() -> None:
    assert all(len(words.split()) > 5 for words in RULES.values())


@pytest.mark.parametrize(
    "said",
    [
        "    return x\n\n┃\nprint(f(1))",
        "    y = x\n\n    return y\n\n┃\ndef g():",
        "    return (\n        x\n    )\n",
    ],
)
def test_body(said: str) -> None:
    check("body", "def f(x):\n║", said)


@pytest.mark.parametrize(
    "said",
    [
        "import re\n\n\ndef f(x):\n    return x\n┃\n\nassert f(1) == 1\n",
        "def f(x):\n    return g(x)\n\n\ndef g(x):\n    return x\n┃\nprint(f(1))\n",
        "LIMIT = 3\n\n\nclass A:\n    pass\n",
    ],
)
def test_program(said: str) -> None:
    check("program", '"""Do it."""\n║', said)
