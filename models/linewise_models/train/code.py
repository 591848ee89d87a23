"""What a file of code is made of: functions, nodes, prose and names, by its tree-sitter grammar.

In: text and its language. Out: a `Survey`, all places in code points. Knows nothing of holes.
"""

from __future__ import annotations

import functools
import importlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from tree_sitter import Language, Node, Parser

Category = Literal["expression", "arguments", "statement", "body"]
CATEGORIES: tuple[Category, ...] = ("expression", "arguments", "statement", "body")

GRAMMARS = {
    ".py": ("python", "tree_sitter_python", "language"),
    ".js": ("javascript", "tree_sitter_javascript", "language"),
    ".mjs": ("javascript", "tree_sitter_javascript", "language"),
    ".ts": ("typescript", "tree_sitter_typescript", "language_typescript"),
    ".tsx": ("typescriptreact", "tree_sitter_typescript", "language_tsx"),
    ".go": ("go", "tree_sitter_go", "language"),
    ".rs": ("rust", "tree_sitter_rust", "language"),
    ".java": ("java", "tree_sitter_java", "language"),
    ".c": ("c", "tree_sitter_c", "language"),
    ".h": ("c", "tree_sitter_c", "language"),
    ".cc": ("cpp", "tree_sitter_cpp", "language"),
    ".cpp": ("cpp", "tree_sitter_cpp", "language"),
    ".hpp": ("cpp", "tree_sitter_cpp", "language"),
}
"""Suffix -> LSP language id, package of the grammar and its function."""


@dataclass(frozen=True, slots=True)
class Span:
    """Text from `start` to before `end`."""

    start: int
    end: int

    def holds(self, other: Span) -> bool:
        """Say whether another span lies inside."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method that is not inside another."""

    span: Span
    """Decorators included; begins at its line's start."""
    lines: int
    top: bool
    """Whether it stands in the file itself, not in a class."""
    documented: bool
    typed: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """What is where in one file."""

    functions: tuple[Function, ...]
    nodes: tuple[tuple[Category, Span], ...]
    prose: tuple[Span, ...]
    """Comments and docstrings."""
    imports: tuple[Span, ...]
    """Import statements of the file itself."""
    definitions: tuple[tuple[str, Span], ...]
    """Names of top-level functions and classes, with where they are defined."""


def language_of(path: str) -> str | None:
    """Return the LSP language id of a file by its name; None where no grammar knows it."""
    known = GRAMMARS.get(PurePosixPath(path).suffix)
    return known[0] if known else None


def survey(path: str, text: str) -> Survey | None:
    """Return what a file holds; None where its grammar finds an error in it."""
    data = text.encode()
    root = _parser(PurePosixPath(path).suffix).parse(data).root_node
    if root.has_error:
        return None
    at = _code_points(text, data)
    functions: list[Function] = []
    nodes: list[tuple[Category, Span]] = []
    prose: list[Span] = []
    imports: list[Span] = []
    definitions: list[tuple[str, Span]] = []
    waiting: list[tuple[Node, bool, bool]] = [(root, False, True)]
    while waiting:
        node, inside, top = waiting.pop()
        span = Span(at(node.start_byte), at(node.end_byte))
        kind = node.type
        if kind.endswith("comment") or _is_docstring(node):
            prose.append(span)
        importing = "import" in kind
        if top and importing and kind.endswith(("statement", "declaration")):
            imports.append(span)
        if (category := _category(kind)) is not None:
            nodes.append((category, span))
        if _FUNCTION.fullmatch(kind) and not inside:
            functions.append(_function(node, text, at, top))
            inside = True
        if top and not importing and (name := node.child_by_field_name("name")) is not None:
            definitions.append((name.text.decode() if name.text else "", span))
        wraps = kind in ("decorated_definition", "export_statement") or node is root
        waiting += [(child, inside, top and wraps) for child in reversed(node.named_children)]
    return Survey(*map(tuple, (functions, nodes, prose, imports, definitions)))  # type: ignore[arg-type]


def weight(survey: Survey, text: str, documented: float, typed: float, top: float) -> list[float]:
    """Return how often to draw from each function and, last, from the whole file.

    The square root of the lines, so that long functions do not drown short ones; the whole file
    counts for what stands outside its functions, halved: imports and constants are easy.
    """
    found = [
        math.sqrt(function.lines)
        * (documented if function.documented else 1)
        * (typed if function.typed else 1)
        * (top if function.top else 1)
        for function in survey.functions
    ]
    outside = text.count("\n") + 1 - sum(function.lines for function in survey.functions)
    return [*found, 0.5 * math.sqrt(max(outside, 0))]


_FUNCTION = re.compile(
    r"function_(definition|declaration|item)|method_(definition|declaration)"
    r"|constructor_declaration|generator_function_declaration"
)
_CATEGORIES: tuple[tuple[Category, re.Pattern[str]], ...] = (
    ("arguments", re.compile(r"argument_list|arguments")),
    ("body", re.compile(r"block|statement_block|compound_statement|function_body")),
    ("statement", re.compile(r"\w+_statement|lexical_declaration|short_var_declaration")),
    (
        "expression",
        re.compile(
            r"call|attribute|subscript|lambda|string|list|dictionary|tuple|\w+_operator"
            r"|\w+_expression|\w+_comprehension|object|array"
        ),
    ),
)


def _category(kind: str) -> Category | None:
    for category, pattern in _CATEGORIES:
        if pattern.fullmatch(kind):
            return category
    return None


def _is_docstring(node: Node) -> bool:
    """Say whether a node is a statement that is nothing but a string."""
    if node.type != "expression_statement" or node.named_child_count != 1:
        return False
    return node.named_children[0].type == "string"


def _function(node: Node, text: str, at: Callable[[int], int], top: bool) -> Function:
    outer = node.parent if node.parent and node.parent.type == "decorated_definition" else node
    start = text.rfind("\n", 0, at(outer.start_byte)) + 1
    body = node.child_by_field_name("body")
    first = body.named_children[0] if body is not None and body.named_children else None
    before = node.prev_named_sibling
    parameters = node.child_by_field_name("parameters")
    annotated = parameters is not None and any(
        child.type.startswith("typed_") for child in parameters.named_children
    )
    return Function(
        span=Span(start, at(outer.end_byte)),
        lines=outer.end_point[0] - outer.start_point[0] + 1,
        top=top,
        documented=(first is not None and _is_docstring(first))
        or (before is not None and before.type.endswith("comment") and node.type != _PYTHON),
        typed=annotated or node.child_by_field_name("return_type") is not None,
    )


_PYTHON = "function_definition"


def _code_points(text: str, data: bytes) -> Callable[[int], int]:
    """Return what turns a byte offset into one of code points."""
    if len(text) == len(data):
        return lambda offset: offset
    places = [0] * (len(data) + 1)
    byte = 0
    for place, character in enumerate(text):
        places[byte] = place
        byte += len(character.encode())
    places[byte] = len(text)
    return places.__getitem__


@functools.cache
def _parser(suffix: str) -> Parser:
    _, package, function = GRAMMARS[suffix]
    return Parser(Language(getattr(importlib.import_module(package), function)()))
