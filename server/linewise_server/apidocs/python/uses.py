"""Which names a Python text uses: a stretch of it in, the offsets worth resolving out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

from linewise_server.apidocs.python.scope import IDENTIFIER, defines, imported_name, name_at
from linewise_server.apidocs.source import Span, Syntax

Manner = Literal["member", "bound", "module"]
"""A name is said as the member of something (`x.name`, `from x.name import y`), by itself because
an import or a definition binds it, or as the part of a module's name that `import` binds."""


@dataclass(frozen=True, slots=True)
class Import:
    """A module or name in an import statement: where it stands and its full name."""

    span: Span
    full: str


def called_names(syntax: Syntax) -> list[Span]:
    """Return the last identifier of every function that the text calls or decorates with."""
    return [
        syntax.span(name)
        for node in _walk(syntax.root)
        for name in [_called(node)]
        if name is not None
    ]


def used_names(syntax: Syntax, within: Span) -> list[Span]:
    """Return the names in a stretch that may be APIs: attributes, calls, imports, imported names.

    Of a dotted chain the last part stands for all; plain variables of the text's own are left out.
    """
    found = []
    for node in _walk(syntax.root, syntax.byte(within.start), syntax.byte(within.end)):
        if node.type != "identifier" or (defines(node) and imported_name(syntax, node) is None):
            continue
        span = syntax.span(node)
        inside = within.start <= span.start and span.end <= within.end
        if inside and _ends_chain(node) and _matters(syntax, node):
            found.append(span)
    return found


def names_among(syntax: Syntax, words: Collection[str], *, defined: bool = False) -> list[Span]:
    """Return the identifiers that are one of `words` and use a name, or give one if `defined`."""
    wanted = {word.encode() for word in words}
    return [
        syntax.span(node)
        for node in _walk(syntax.root)
        if node.type == "identifier" and node.text in wanted
        if defined or not defines(node) or imported_name(syntax, node) is not None
    ]


def manner_of(syntax: Syntax, span: Span) -> Manner:
    """Return how the identifier at `span` names what it names."""
    node = syntax.leaf_at(span.start, IDENTIFIER)
    parent = node.parent if node is not None else None
    if node is None or parent is None:
        return "bound"
    if parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        return "member"
    if parent.type == "keyword_argument" and parent.child_by_field_name("name") == node:
        return "member"
    statement: Node | None = node
    while statement is not None and statement.type not in ("import_statement", "module"):
        if statement.type == "import_from_statement":
            module = statement.child_by_field_name("module_name")
            inside = module is not None and module.start_byte <= node.start_byte < module.end_byte
            return "member" if inside else "bound"
        statement = statement.parent
    dotted = parent.type == "dotted_name" and parent.named_child_count > 1
    inside = statement is not None and statement.type == "import_statement"
    return "module" if inside and dotted else "bound"


def imports(syntax: Syntax) -> list[Import]:
    """Return the modules and names that import statements spell out, outermost dotted name each."""
    found = []
    for node in _walk(syntax.root):
        if node.type not in ("import_statement", "import_from_statement"):
            continue
        for child in node.named_children:
            dotted = child.child_by_field_name("name") if child.type == "aliased_import" else child
            last = dotted.named_children[-1] if dotted and dotted.named_children else None
            full = imported_name(syntax, last) if last is not None else None
            if dotted is not None and dotted.type == "dotted_name" and full:
                found.append(Import(syntax.span(dotted), full))
    return found


def _called(node: Node) -> Node | None:
    if node.type == "call":
        target = node.child_by_field_name("function")
    elif node.type == "decorator":
        target = node.named_children[0] if node.named_children else None
    else:
        return None
    if target is not None and target.type == "attribute":
        target = target.child_by_field_name("attribute")
    return target if target is not None and target.type == "identifier" else None


def _ends_chain(node: Node) -> bool:
    """Whether no attribute follows that is part of the same dotted name."""
    parent = node.parent
    if parent is None or parent.type != "attribute":
        return True
    if parent.child_by_field_name("object") == node:
        return False
    above = parent.parent
    return above is None or above.type != "attribute"


def _matters(syntax: Syntax, node: Node) -> bool:
    parent = node.parent
    if parent is not None and parent.type in ("attribute", "call"):
        return parent.type == "attribute" or parent.child_by_field_name("function") == node
    return name_at(syntax, syntax.offset(node.start_byte)) is not None


def _walk(node: Node, start: int = 0, end: int | None = None) -> Iterator[Node]:
    """Yield the named nodes that touch the bytes from `start` to `end`, in text order."""
    stack = [node]
    while stack:
        here = stack.pop()
        if here.end_byte <= start or (end is not None and here.start_byte >= end):
            continue
        yield here
        stack += reversed(here.named_children)
