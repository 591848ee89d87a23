"""C and C++: the standard libraries' names, by cppreference's table.

In C++ a name counts with its `std::`, under `using namespace std`, or by `using std::name`; in C
when it is called or used and the file defines no such name. A member has a link where its object is
declared in the file with a type that is written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter_c
import tree_sitter_cpp
from tree_sitter import Language, Node

from linewise_server.apidocs.languages.answer import from_table
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source, Syntax

_LANGUAGES = {
    "c": Language(tree_sitter_c.language()),
    "cpp": Language(tree_sitter_cpp.language()),
}
_KINDS = frozenset({"identifier", "type_identifier", "field_identifier", "namespace_identifier"})
_QUALIFIED = frozenset({"qualified_identifier", "template_type", "template_function"})


def resolve(source: Source, offset: int, library: Library) -> Resolution | None:
    """Return what stands at `offset`."""
    syntax = Syntax(source.text, _LANGUAGES[source.language])
    table = f"std/{source.language}"
    node = syntax.leaf_at(offset, _KINDS)
    if node is None or node.parent is None:
        return None
    if node.parent.type in ("function_declarator", "field_declaration", "parameter_declaration"):
        return None
    if _defines(syntax, syntax.of(node)):
        return None
    names = list(_names(syntax, node, source.language))
    return from_table(library, table, names, syntax.span(node))


def _names(syntax: Syntax, node: Node, language: str) -> Iterator[str]:
    text = syntax.of(node)
    if node.type == "field_identifier":
        owner = node.parent.child_by_field_name("argument") if node.parent else None
        declared = _declared_type(syntax, syntax.of(owner)) if owner is not None else ""
        if declared:
            yield f"{declared}::{text}"
        return
    written = _qualified(syntax, node)
    if language == "c" or written.startswith("std::"):
        yield written
    elif "::" not in written:
        text = syntax.text
        if re.search(r"\busing\s+namespace\s+std\s*;", text) or re.search(
            rf"\busing\s+std::{re.escape(written)}\s*;", text
        ):
            yield f"std::{written}"
        if written.isupper() or re.search(r"#\s*include\s*<\w+\.h>", text):
            yield written


def _qualified(syntax: Syntax, node: Node) -> str:
    """Return the qualified name up to a node, template arguments left out."""
    parts = [syntax.of(node)]
    child, parent = node, node.parent
    while parent is not None and parent.type in _QUALIFIED:
        scope = parent.child_by_field_name("scope")
        if scope is not None and scope != child:
            parts.insert(0, re.sub(r"<.*", "", syntax.of(scope), flags=re.DOTALL))
        child, parent = parent, parent.parent
    return "::".join(parts)


def _declared_type(syntax: Syntax, name: str) -> str:
    """Return the standard type that the file's only declaration of a variable writes out."""
    if not re.fullmatch(r"\w+", name):
        return ""
    pattern = rf"\b(std::\w+)\s*(?:<[^;(){{}}]*>)?\s*[&*]?\s*\b{name}\b\s*[;={{(,)]"
    found = set(re.findall(pattern, syntax.text))
    return found.pop() if len(found) == 1 else ""


def _defines(syntax: Syntax, name: str) -> bool:
    word = re.escape(name)
    defined = rf"\b(?:struct|class|enum|union|typedef)\s+{word}\b|#\s*define\s+{word}\b"
    function = rf"^[\w*&:<> ]+[ *&]{word}\s*\([^;{{]*\)\s*(?:const\s*)?\{{"
    return re.search(f"{defined}|{function}", syntax.text, re.MULTILINE) is not None
