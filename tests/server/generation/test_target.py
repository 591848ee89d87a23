"""Where answers go: ║ is the cursor, ⟦ ⟧ a selection, « » the stretch that is written over."""

from __future__ import annotations

import pytest

from linewise_server.generation.ask import Ask
from linewise_server.generation.errors import PlaceError
from linewise_server.generation.target import Target, find_target
from linewise_server.protocol import GenerationKind
from linewise_server.snapshot import Snapshot


def target(
    kind: GenerationKind, marked: str, language: str = "python", instruction: str = "", to: str = ""
) -> Target:
    return find_target(ask(kind, marked, language, instruction, to))


def ask(kind: GenerationKind, marked: str, language: str, instruction: str, to: str) -> Ask:
    if "║" in marked:
        start = end = marked.index("║")
    else:
        start, end = marked.index("⟦"), marked.index("⟧") - 1
    snapshot = Snapshot.of("".join(c for c in marked if c not in "║⟦⟧"), "file:///a.py", language)
    return Ask(snapshot, kind, start, end, instruction, to)


def check(
    kind: GenerationKind,
    marked: str,
    expected: str,
    language: str = "python",
    instruction: str = "",
) -> None:
    """The stretch that is written over, as opening…closing would stand in it."""
    found = target(kind, marked, language, instruction)
    text = ask(kind, marked, language, instruction, "").snapshot.text()
    around = f"{found.opening}…{found.closing}"
    assert text[: found.start] + "«" + around + "»" + text[found.end :] == expected


@pytest.mark.parametrize(
    ("language", "marked", "expected"),
    [
        ("python", "def f(x):\n    ║", "def f(x):«\n    …»"),
        ("python", "def f(x):\n    ║\n\ny = 1\n", "def f(x):«\n    …»\n\ny = 1\n"),
        ("python", "def f║(x):\n\ny = 1\n", "def f(x):«\n    …»\n\ny = 1\n"),
        ("python", "def f(x):\n    '''d'''\n║", "def f(x):\n    '''d'''«\n    …»\n"),
        ("python", "def f(x): ║...\n", "def f(x):«\n    …»\n"),
        (
            "python",
            "@d\ndef f(║x):\n    # to do\n    pass\n",
            "@d\ndef f(x):\n    # to do«\n    …»\n",
        ),
        (
            "python",
            "class A:\n\tdef f(self):\n\t\traise NotImplementedError║\n",
            "class A:\n\tdef f(self):«\n\t\t…»\n",
        ),
        (
            "typescript",
            "const f = (a: number) => {║};\n",
            "const f = (a: number) => {«\n  …\n»};\n",
        ),
        (
            "typescript",
            "class A {\n  m(a: string) {\n    ║\n  }\n}\n",
            "class A {\n  m(a: string) {«\n    …\n  »}\n}\n",
        ),
        (
            "go",
            "// F does.\nfunc F(a int) int {║\n}\n",
            "// F does.\nfunc F(a int) int {«\n\t…\n»}\n",
        ),
        ("rust", "fn f() -> u8 {\n    todo!()║\n}\n", "fn f() -> u8 {«\n    …\n»}\n"),
        ("java", "class A {\n  int f() {║\n  }\n}\n", "class A {\n  int f() {«\n    …\n  »}\n}\n"),
        ("cpp", "int A::f(int a) {║\n}\n", "int A::f(int a) {«\n    …\n»}\n"),
    ],
)
def test_a_body_goes_where_the_placeholder_was(language: str, marked: str, expected: str) -> None:
    check("implement", marked, expected, language)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("x = 1\n# add one║\ny = 2\n", "x = 1\n# add one«\n…»\ny = 2\n"),
        ("def f():\n    # one\n    # two\n    ║\n", "def f():\n    # one\n    # two«\n    …»\n"),
        ("# o║ne\n# two\nx = 1\n", "# one\n# two«\n…»\nx = 1\n"),
    ],
)
def test_code_goes_below_a_comment(marked: str, expected: str) -> None:
    check("comment", marked, expected)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("def f():\n    ⟦x = 1\n    y⟧ = 2\n", "def f():\n«    …»\n"),
        ("def f():\n⟦    x = 1\n⟧    y = 2\n", "def f():\n«    …»\n    y = 2\n"),
        ("def f():\n    x = 1║\n", "def f():\n    x = 1«\n    …»\n"),
        ("def f():\n║\n", "def f():\n«    …»\n"),
    ],
)
def test_an_instruction_is_about_whole_lines(marked: str, expected: str) -> None:
    check("instruction", marked, expected, instruction="do it")


@pytest.mark.parametrize(
    ("language", "marked", "expected"),
    [
        ("python", "def f(x║):\n    return x\n", 'def f(x):«\n    """…"""»\n    return x\n'),
        ("python", "def f(x║): return x\n", 'def f(x):«\n    """…"""\n    »return x\n'),
        (
            "python",
            "def f(x║):\n    '''Old.'''\n    return x\n",
            "def f(x):«\n    '''…'''»\n    return x\n",
        ),
        (
            "typescript",
            "class A {\n  m║(a) { return a; }\n}\n",
            "class A {\n«  /**\n   * …\n   */\n»  m(a) { return a; }\n}\n",
        ),
        ("rust", "pub fn f() -> u8 { ║1 }\n", "«/// …\n»pub fn f() -> u8 { 1 }\n"),
        ("go", "// Old.\nfunc F() { ║x() }\n", "«// …\n»func F() { x() }\n"),
    ],
)
def test_a_docstring_goes_where_the_language_has_it(
    language: str, marked: str, expected: str
) -> None:
    check("docstring", marked, expected, language)


@pytest.mark.parametrize(
    ("style", "other"),
    [
        (", in Google's style", "    Args:\n        x: it\n"),
        (", in NumPy's style", "    Parameters\n    ----------\n"),
        (", in Sphinx's style", "    :param x: it\n"),
        ("", "    Prose.\n"),
    ],
)
def test_docstrings_are_written_in_the_style_of_the_file(style: str, other: str) -> None:
    text = f'def g(x):\n    """G.\n\n{other}    """\n\n\ndef f║(x):\n    return x\n'
    assert target("docstring", text).detail == style


def test_a_diagnostic_is_fixed_in_the_function_around_it() -> None:
    found = target("fix", "x = 1\n\n\ndef f(a):\n    return ⟦b⟧\n")
    assert found.subject == "def f(a):\n    return b"
    assert target("fix", "x = 1\ny = ⟦z⟧\n").subject == "y = z"


def test_tests_are_a_document_of_their_own() -> None:
    found = target("tests", "class Stack:\n    def push(self, x):\n        self.x = x║\n")
    assert found.name == "Stack.push"
    assert found.file == "test_a.py"
    assert found.preamble == "from a import Stack\n\n\ndef test_stack_push"


def test_a_translation_is_a_document_of_its_own() -> None:
    found = target("translate", "def f(x):\n    return x║\n", to="rust")
    assert (found.file, found.language, found.detail) == ("a.rs", "rust", "Rust")


@pytest.mark.parametrize(
    ("kind", "marked", "more", "said"),
    [
        ("implement", "x = 1║\n", {}, "no function here"),
        ("implement", "class A:\n    x║ = 1\n", {}, "is a class"),
        ("implement", "def f():\n    return 1║\n", {}, "has a body already"),
        ("comment", "x = 1║\n", {}, "on the comment"),
        ("instruction", "x║\n", {}, "no instruction"),
        ("explain", "║\n", {}, "no code here"),
        ("translate", "x║\n", {"to": "latin"}, "no language to translate to"),
    ],
)
def test_what_is_not_there_is_said(
    kind: GenerationKind, marked: str, more: dict[str, str], said: str
) -> None:
    with pytest.raises(PlaceError, match=said):
        target(kind, marked, **more)


def test_a_language_without_a_grammar_is_told() -> None:
    with pytest.raises(PlaceError, match="use Generate"):
        target("implement", "fun f() =║ 1\n", "kotlin")
