"""What a parse tells, in offsets that count code points."""

from __future__ import annotations

import subprocess
import sys

import pytest

from linewise_server.completion.syntax import Syntax, Tree

SAMPLES = {
    "python": "def f(x):\n    return [x]\n",
    "javascript": "const f = (x) => <b>{x}</b>;\n",
    "javascriptreact": "const f = (x) => <b>{x}</b>;\n",
    "typescript": "const f = (x: number): number[] => <any>[x];\n",
    "typescriptreact": "const f = (x: number) => <b>{x}</b>;\n",
    "go": "package main\n\nfunc f(x int) []int { return []int{x} }\n",
    "rust": "fn f(x: i32) -> Vec<i32> { vec![x] }\n",
    "java": "class A { int[] f(int x) { return new int[] {x}; } }\n",
    "c": "int f(int x) { return (int[]){x}[0]; }\n",
    "cpp": "auto f = [](int x) { return std::vector<int>{x}; };\n",
}


def parse(language: str, text: str) -> Tree:
    syntax = Syntax.of(language)
    assert syntax is not None
    return syntax.parse(text)


@pytest.mark.parametrize(("language", "text"), SAMPLES.items())
def test_every_language_has_its_grammar(language: str, text: str) -> None:
    assert parse(language, text).errors() == 0
    assert parse(language, text + ")\n").errors() > 0


@pytest.mark.parametrize("language", SAMPLES)
def test_frames_are_code_themselves(language: str) -> None:
    syntax = Syntax.of(language)
    assert syntax is not None
    assert all(syntax.parse(f"{head}\n{tail}").errors() == 0 for head, tail in syntax.frames)


def test_other_languages_have_none() -> None:
    assert Syntax.of("brainfuck") is None


def test_a_grammar_is_loaded_when_it_is_asked_for() -> None:
    probe = (
        "import sys; from linewise_server.completion.syntax import Syntax; Syntax.of('go');"
        "print(*sorted(m for m in sys.modules if m.startswith('tree_sitter_') and '.' not in m))"
    )
    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["tree_sitter_go"]


def test_offsets_count_code_points() -> None:
    text = "x = '😀é' + f(y)\n"
    tree = parse("python", text)
    node = tree.enclosing(text.index("y"))[0]
    assert (node.kind, text[node.start : node.end]) == ("identifier", "y")
    assert tree.closing(text.index("(")) == text.index(")") + 1


def test_errors_are_counted_where_they_are() -> None:
    text = "a = 1\nb = = 2\nc = 3\n"
    tree = parse("python", text)
    assert tree.errors() == tree.errors(6, 13) > 0
    assert tree.errors(0, 5) == 0


def test_enclosing_nodes_go_outwards() -> None:
    text = "class A:\n    def f(self):\n        return 1\n"
    kinds = [node.kind for node in parse("python", text).enclosing(text.index("1"))]
    assert kinds[0] == "integer"
    assert kinds.index("function_definition") < kinds.index("class_definition")
    assert kinds[-1] == "module"


@pytest.mark.parametrize(
    ("language", "text", "rest"),
    [
        ("javascript", "f({a: `}`, b: /}/});", ");"),
        ("typescriptreact", "const a = {b: <i>{'}'}</i>};", ";"),
        ("go", "func f() { a := `}`; _ = a }\n", "\n"),
        ("c", "int f() { return '}'; } // }", " // }"),
    ],
)
def test_the_closing_bracket(language: str, text: str, rest: str) -> None:
    assert parse(language, text).closing(text.index("{")) == len(text) - len(rest)


def test_no_closing_bracket() -> None:
    text = "int f() { return 1;"
    tree = parse("c", text)
    assert tree.closing(text.index("{")) is None
    assert tree.closing(0) is None


def test_anything_can_be_parsed() -> None:
    for text in ("", "\ud83d", "\x00", "\ufffd" * 3):
        assert parse("python", text).enclosing(0)
