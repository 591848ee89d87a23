"""What of an answer is taken: the text before it, what the model says, what stands in the end."""

from __future__ import annotations

import pytest

from linewise_server.generation.answer import Reading, read
from linewise_server.generation.ask import Ask
from linewise_server.generation.target import find_target
from linewise_server.protocol import GenerationKind
from linewise_server.snapshot import Snapshot


def reading(
    kind: GenerationKind, marked: str, said: str, language: str = "python", *, fenced: bool = False
) -> Reading:
    at = marked.index("║")
    snapshot = Snapshot.of(marked.replace("║", ""), "file:///a.py", language)
    target = find_target(Ask(snapshot, kind, at, at, instruction="x"))
    before = snapshot.text()[: target.start] + target.opening
    return read(said, target, before, fenced)


@pytest.mark.parametrize(
    ("language", "marked", "said", "expected"),
    [
        ("python", "def f(x):\n║", "return x\n\n\ndef g():\n", "return x"),
        ("python", "def f(x):\n║", "y = x\n\n    return y\n\nprint(f(1))", "y = x\n\n    return y"),
        ("python", "def f(x):\n║", "return x\n```\nThat is it.", "return x"),
        ("python", "def f(x):\n║", "    return x\n", "return x"),
        ("python", "class A:\n    def f(x):\n║", "return x\n\n    def g(s):\n", "return x"),
        ("go", "func f() int {║\n}\n", "return 1\n}\n\nfunc g() {}", "return 1"),
        (
            "typescript",
            "function f() {║\n}\n",
            "if (a) {\n    b();\n  }\n}\n\nf();",
            "if (a) {\n    b();\n  }",
        ),
    ],
)
def test_a_body_ends_with_its_function(
    language: str, marked: str, said: str, expected: str
) -> None:
    assert reading("implement", marked, said, language).text == expected


def test_there_is_more_to_wait_for_in_an_open_body() -> None:
    assert reading("implement", "def f(x):\n║", "if x:\n") == Reading("if x:", whole=False)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("x = x + 1\n\n\ny = 2\n", "x = x + 1"),
        ("import re\n\n\ndef f():\n    a = 1\n\n    return a\n\n\nf()", None),
        ("x = f(\n\n    1,\n)\n\nprint(x)", "x = f(\n\n    1,\n)"),
    ],
)
def test_a_paragraph_ends_where_something_else_begins(said: str, expected: str | None) -> None:
    found = reading("comment", "# do it║\n", said)
    whole = "import re\n\ndef f():\n    a = 1\n\n    return a"
    assert "\n".join(found.text.split("\n\n\n")) in (expected, whole) or found.text == expected
    assert found.whole


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("```python\nx = 2\n```\nDone.", "x = 2"),
        ("Here it is:\n\n```\n    x = 2\n    y = 3\n```", "x = 2\n    y = 3"),
        ("x = 2\n    y = 3", "x = 2\n    y = 3"),
        ("x = 2\ny = 3", "x = 2"),
    ],
)
def test_fences_and_talk_are_left_out(said: str, expected: str) -> None:
    assert reading("instruction", "def f():\n    a = 1║\n", said).text == expected


def test_an_answer_that_began_in_a_fence_ends_with_it() -> None:
    found = reading("instruction", "a = 1║\n", "x = 2\n```\nx is two.", fenced=True)
    assert found == Reading("x = 2", whole=True)


@pytest.mark.parametrize(
    ("language", "marked", "said", "expected"),
    [
        ("python", "def f(x║):\n    pass\n", 'Do it."""\n    return', "Do it."),
        (
            "python",
            "def f(x║):\n    pass\n",
            'Do it.\n\n    Args:\n        x: it\n    """',
            "Do it.\n\n    Args:\n        x: it\n    ",
        ),
        ("typescript", "function f(x║) {}\n", "Does it.\n * @param x it\n */\n", None),
        ("rust", "fn f(║) {}\n", "Does it.\n/// Well.\nfn f() {}", "Does it.\n/// Well."),
    ],
)
def test_a_comment_ends_where_it_is_closed(
    language: str, marked: str, said: str, expected: str | None
) -> None:
    found = reading("docstring", marked, said, language)
    assert found == Reading(expected or "Does it.\n * @param x it", whole=True)


def test_an_answer_for_people_is_left_as_it_is() -> None:
    found = reading("explain", "x = 1║\n", "It is **one**:\n\n```python\nx\n```\n")
    assert found.text == "It is **one**:\n\n```python\nx\n```"


def test_a_loop_ends() -> None:
    found = reading("implement", "def f(x):\n║", "x += 1\n    x += 1\n    x += 1\n    x += 1\n")
    assert (found.text, found.whole) == ("x += 1", True)
