"""Functions and classes of a text: where one begins, what it is called, whether it is still empty.

In: a text, its language, and a place. Out: the `Construct` around the place, by code-point offsets.
Never guesses: a language without a grammar has none.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from linewise_server.apidocs.source import Source, Span
from linewise_server.apidocs.source import Syntax as Parsed
from linewise_server.completion.shape import leading_space
from linewise_server.completion.syntax import Syntax

FUNCTIONS = frozenset(
    {
        *("function_definition", "function_declaration", "function_expression", "function_item"),
        *("method_definition", "method_declaration", "constructor_declaration", "func_literal"),
        *("generator_function_declaration", "arrow_function"),
    }
)
CLASSES = frozenset(
    {
        *("class_definition", "class_declaration", "class_specifier", "struct_specifier"),
        *("interface_declaration", "struct_item", "enum_item", "trait_item", "impl_item"),
        *("type_declaration", "enum_declaration"),
    }
)
_DEFINITIONS = FUNCTIONS | CLASSES
_AROUND = frozenset(
    {
        *("decorated_definition", "export_statement", "variable_declarator", "lexical_declaration"),
        *("variable_declaration", "pair", "assignment_expression", "expression_statement"),
        *("public_field_definition", "field_definition", "template_declaration"),
    }
)
"""What a definition may be the main part of; it begins where they do."""

_STUB = re.compile(
    r"(?:pass|\.\.\.|raise\s+NotImplementedError\b.*|todo!\(.*\);?|unimplemented!\(.*\);?"
    r"|throw new [\w.]*(?:Error|Exception)\(.*\);?|panic\(.*\)|return (?:null|nil|undefined);?)?",
    re.DOTALL,
)
"""All that a body says that is still to be written."""


@dataclass(frozen=True, slots=True)
class Construct:
    """A function or class."""

    name: str
    is_function: bool
    start: int
    """Of the line that it begins on, decorators included."""
    head: int
    """Behind the `:` or `{` that opens its body; its end where it has none."""
    inner: int
    """Behind the docstring and the comments that its body begins with."""
    end: int
    closer: int | None
    """Where the `}` stands that closes its body; None in languages without."""
    docstring: Span | None
    """Python's, inside of the body."""
    indentation: str
    is_stub: bool
    """Whether nothing but a docstring, comments and a placeholder is in its body."""


def construct_at(text: str, language: str, start: int, end: int) -> Construct | None:
    """Return the innermost function or class whose lines hold a stretch of text.

    A cursor on the line above (a decorator, a comment) or on blank lines below what has no body yet
    counts as inside.
    """
    parsed = _parsed(text, language)
    if parsed is None:
        return None
    found = [
        made
        for node in _definitions_near(parsed, _looked_at(text, start, end))
        if (made := _construct(parsed, node)) is not None and _holds(text, made, start, end)
    ]
    return min(found, key=lambda made: made.end - made.start, default=None)


def constructs(text: str, language: str) -> list[Construct]:
    """Return all functions and classes of a text, in order."""
    parsed = _parsed(text, language)
    if parsed is None:
        return []
    made = (_construct(parsed, node) for node in _definitions(parsed.root))
    return [one for one in made if one is not None]


def path_of(source: Source, construct: Construct) -> str:
    """Return the dotted name of a construct within its file, such as `Stack.push`."""
    around = [
        one.name
        for one in constructs(source.text, source.language)
        if not one.is_function and one.start < construct.start and construct.end <= one.end
    ]
    return ".".join([*around, construct.name])


@functools.lru_cache(maxsize=4)
def _parsed(text: str, language: str) -> Parsed | None:
    """Return a text parsed; the same one is asked about several times in a row."""
    syntax = Syntax.of(language)
    return Parsed(text, syntax.grammar) if syntax is not None else None


def _looked_at(text: str, start: int, end: int) -> list[int]:
    """Return the offsets whose constructs may be meant.

    The ends of the stretch, the last character above it, and the first one below that is of no
    comment and no decorator.
    """
    above = len(text[:start].rstrip()) - 1
    below = text.rfind("\n", 0, start) + 1
    while below < len(text):
        line_end = text.find("\n", below)
        line_end = len(text) if line_end < 0 else line_end
        bare = text[below:line_end].strip()
        if bare and not bare.startswith(("#", "//", "@", "*", "/*")):
            break
        below = line_end + 1
    lead = len(text[below:]) - len(text[below:].lstrip(" \t"))
    return [start, max(start, end - 1), max(0, above), min(below + lead, len(text))]


def _definitions_near(parsed: Parsed, offsets: list[int]) -> list[Node]:
    """Return the definitions around some places, and those that a place is the beginning of."""
    found: dict[int, Node] = {}
    for offset in offsets:
        byte = parsed.byte(offset)
        node = parsed.root.named_descendant_for_byte_range(byte, byte)
        inner = node
        while inner is not None and inner.type in _AROUND:
            pending = [c for c in inner.named_children if c.type in _DEFINITIONS | _AROUND]
            inner = pending[-1] if pending else None
            if inner is not None and inner.type in _DEFINITIONS:
                found[inner.id] = inner
        while node is not None:
            if node.type in _DEFINITIONS:
                found[node.id] = node
            node = node.parent
    return list(found.values())


def _definitions(root: Node) -> Iterator[Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type in _DEFINITIONS:
            yield node
        pending.extend(reversed(node.named_children))


def _construct(parsed: Parsed, node: Node) -> Construct | None:
    text, outer = parsed.text, node
    while outer.parent is not None and outer.parent.type in _AROUND:
        outer = outer.parent
    name = _name(parsed, node)
    body = node.child_by_field_name("body")
    if not name or (body is None and node.type in FUNCTIONS):
        return None
    begins = parsed.offset(outer.start_byte)
    start = text.rfind("\n", 0, begins) + 1
    end = parsed.offset(outer.end_byte)
    head, closer, docstring, inner = end, None, None, end
    if body is not None:
        opener, closer = _braces(parsed, body)
        head = opener if opener is not None else _behind_colon(parsed, node, body)
        docstring = _docstring(parsed, body) if opener is None else None
        inner = _behind_comments(parsed, body, docstring.end if docstring else head)
        if opener is None and body.type not in ("block", "statement_block"):
            # The expression of an arrow function: there is nothing left to write.
            return Construct(
                name, True, start, head, head, end, None, None, leading_space(text[start:]), False
            )
    rest = text[inner : closer if closer is not None else max(end, inner)]
    return Construct(
        name=name,
        is_function=node.type in FUNCTIONS,
        start=start,
        head=head,
        inner=inner,
        end=max(end, inner),
        closer=closer,
        docstring=docstring,
        indentation=leading_space(text[start:]),
        is_stub=node.type in FUNCTIONS and _STUB.fullmatch(rest.strip()) is not None,
    )


def _name(parsed: Parsed, node: Node) -> str:
    """Return what a definition is called; functions without a name go by what they are put in."""
    field = "type" if node.type == "impl_item" else "name"
    named: Node | None = node.child_by_field_name(field)
    declarator = node.child_by_field_name("declarator")
    while named is None and declarator is not None:
        inner = declarator.child_by_field_name("declarator")
        if inner is None:
            named = declarator
        declarator = inner
    if named is None and node.parent is not None and node.parent.type in _AROUND:
        parent = node.parent
        named = next(
            filter(None, map(parent.child_by_field_name, ("name", "key", "left", "property"))),
            None,
        )
    return parsed.of(named).rpartition("::")[2].rpartition(".")[2] if named is not None else ""


def _braces(parsed: Parsed, body: Node) -> tuple[int | None, int | None]:
    if not body.children or body.children[0].type != "{":
        return None, None
    return parsed.offset(body.children[0].end_byte), parsed.offset(body.children[-1].start_byte)


def _behind_colon(parsed: Parsed, node: Node, body: Node) -> int:
    colons = [child for child in node.children if child.type in (":", "=>")]
    before = [child for child in colons if child.end_byte <= body.start_byte]
    return parsed.offset((before or [node])[-1].end_byte)


def _docstring(parsed: Parsed, body: Node) -> Span | None:
    first = next((c for c in body.named_children if c.type != "comment"), None)
    if first is None or first.type != "expression_statement" or not first.named_children:
        return None
    return parsed.span(first) if first.named_children[0].type == "string" else None


def _behind_comments(parsed: Parsed, body: Node, inner: int) -> int:
    """Return where what a body has to say begins: behind the comments at its head."""
    # A comment before the first statement of a Python body belongs to the definition in the tree.
    siblings = [*(body.parent.named_children if body.parent else []), *body.named_children]
    for child in siblings:
        if child.start_byte < parsed.byte(inner):
            continue
        if child.type not in ("comment", "line_comment", "block_comment"):
            if child != body:
                break
            continue
        inner = parsed.offset(child.end_byte)
    return inner


def _holds(text: str, made: Construct, start: int, end: int) -> bool:
    first = made.start
    while first:
        above = text.rfind("\n", 0, first - 1) + 1
        if not text[above:first].lstrip().startswith(("#", "//", "@", "*", "/*")):
            break
        first = above
    last = text.find("\n", made.end)
    last = len(text) if last < 0 else last
    if made.is_stub and made.closer is None:
        blank = re.compile(r"(?:\n[ \t]*\r?(?=\n|\Z))*").match(text, last)
        last = blank.end() if blank else last
    return first <= start and end <= last
