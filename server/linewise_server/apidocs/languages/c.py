"""C and C++: the standard libraries' names, by cppreference's table.

In C++ a name counts with its `std::`, under `using namespace std`, or by `using std::name`; bare
names only where no declaration of the file, and no header that is not read, can mean another. A
member has a link where every declaration of its object writes out the same standard type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter_c
import tree_sitter_cpp
from tree_sitter import Language, Node

from linewise_server.apidocs.languages.answer import from_scheme, from_table
from linewise_server.apidocs.languages.c_headers import (
    declares,
    includes,
    is_standard,
    only_standard,
)
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.packages import Package
from linewise_server.apidocs.source import Source, Syntax

_LANGUAGES = {
    "c": Language(tree_sitter_c.language()),
    "cpp": Language(tree_sitter_cpp.language()),
}
_KINDS = frozenset({"identifier", "type_identifier", "field_identifier", "namespace_identifier"})
_QUALIFIED = frozenset({"qualified_identifier", "template_type", "template_function"})
_CPPREFERENCE = "https://en.cppreference.com/w/"
_DECLARATORS = frozenset(
    {
        "array_declarator",
        "attributed_declarator",
        "function_declarator",
        "init_declarator",
        "parenthesized_declarator",
        "pointer_declarator",
        "reference_declarator",
        "structured_binding_declarator",
        "variadic_declarator",
    }
)
_DECLARATIONS = frozenset(
    {
        "declaration",
        "field_declaration",
        "for_range_loop",
        "function_definition",
        "optional_parameter_declaration",
        "parameter_declaration",
        "type_definition",
        "variadic_parameter_declaration",
    }
)
_NAMED = frozenset(
    {
        "alias_declaration",
        "class_specifier",
        "concept_definition",
        "enum_specifier",
        "enumerator",
        "namespace_alias_definition",
        "namespace_definition",
        "preproc_def",
        "preproc_function_def",
        "struct_specifier",
        "union_specifier",
    }
)
_HOLDERS = frozenset(
    {
        "lambda_capture_initializer",
        "optional_type_parameter_declaration",
        "preproc_params",
        "type_parameter_declaration",
        "variadic_type_parameter_declaration",
    }
)


def resolve(source: Source, offset: int, library: Library) -> Resolution | None:
    """Return what stands at `offset`."""
    syntax = Syntax(source.text, _LANGUAGES[source.language])
    header = _header(source, offset)
    if header is not None:
        return header
    node = syntax.leaf_at(offset, _KINDS)
    if node is None or node.parent is None or _declaration(node) is not None:
        return None
    table = f"std/{source.language}"
    names = list(_names(syntax, node, source.language, library))
    return from_table(library, table, names, syntax.span(node))


def _header(source: Source, offset: int) -> Resolution | None:
    """Return the page of the standard header that an include at `offset` names."""
    for each in includes(source.text):
        if each.span.start <= offset <= each.span.end and is_standard(each.header, source.language):
            section = "c" if source.language == "c" else "cpp"
            page = each.header.removesuffix(".h") if section == "c" else each.header
            url = (_CPPREFERENCE, f"{section}/header/{page}")
            table = f"std/{source.language}"
            return from_scheme(
                each.header, "header", table, each.span, url, "cppreference", exact=True
            )
    return None


def _names(syntax: Syntax, node: Node, language: str, library: Library) -> Iterator[str]:
    """Yield the names of the table that a node may stand for."""
    text = syntax.of(node)
    if node.type == "field_identifier":
        declared = _receiver(syntax, node.parent) if node.parent is not None else ""
        if declared:
            yield f"{declared}::{text}"
        return
    written = _qualified(syntax, node)
    if written.startswith("std::"):
        yield written
        return
    if "::" in written or any(_declaring(syntax, written)):
        return
    bare = [written] if language == "c" else [written, f"std::{written}"]
    symbols = [library.find(Package(f"std/{language}", "", ()), name) for name in bare]
    only = only_standard(syntax.text, language)
    for symbol in symbols:
        by_header = symbol is not None and declares(syntax.text, symbol.path)
        if symbol is not None and (by_header or (language == "c" and only)):
            yield symbol.name
    if language == "cpp" and _is_used(syntax, node, written, only=only):
        yield f"std::{written}"


def _is_used(syntax: Syntax, node: Node, name: str, *, only: bool) -> bool:
    """Whether `using` brings a name of `std` in.

    A call under `using namespace std` may also be of a function that a header of the project has.
    """
    text = syntax.text
    if re.search(rf"\busing\s+std::{re.escape(name)}\s*;", text):
        return True
    called = node.parent is not None and node.parent.type == "call_expression"
    whole = re.search(r"\busing\s+namespace\s+std\s*;", text) is not None
    return whole and (only or not called)


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


def _receiver(syntax: Syntax, access: Node) -> str:
    """Return the standard type of the object of `object.member`, empty where it is not certain."""
    owner = access.child_by_field_name("argument")
    if owner is None or owner.type != "identifier":
        return ""
    arrow = any(child.type == "->" for child in access.children)
    types = {_written_type(syntax, each, arrow) for each in _declaring(syntax, syntax.of(owner))}
    return types.pop() if len(types) == 1 else ""


def _written_type(syntax: Syntax, name: Node, arrow: bool) -> str:
    """Return the standard type that a declaration writes out for a name, else nothing.

    A pointer is what an arrow takes; on a value an arrow is an operator, whose result has another
    type.
    """
    declaration, pointers, node = _declaration(name), 0, name.parent
    if declaration is None or declaration.type not in _DECLARATIONS:
        return ""
    while node is not None and node != declaration:
        if node.type in ("array_declarator", "function_declarator"):
            # `Type name(argument)` reads like a function's declaration, and is mostly an object.
            return ""
        pointers += node.type == "pointer_declarator"
        node = node.parent
    written = declaration.child_by_field_name("type")
    match = re.match(r"(std::\w+)\s*(<.*)?$", syntax.of(written) if written else "", re.DOTALL)
    return match[1] if match is not None and pointers == arrow else ""


def _declaring(syntax: Syntax, name: str) -> Iterator[Node]:
    """Yield the identifiers of this name that the file declares, anywhere in it."""
    pattern = rb"(?<![\w$])" + re.escape(name.encode()) + rb"(?![\w$])"
    for match in re.finditer(pattern, syntax.data):
        node = syntax.root.descendant_for_byte_range(match.start(), match.end())
        if node is not None and node.type in _KINDS and _declaration(node) is not None:
            yield node


def _declaration(node: Node) -> Node | None:
    """Return what declares the name that a node is; None where the node uses one."""
    child, parent = node, node.parent
    if parent is None:
        return None
    if parent.type in _NAMED:
        name = parent.child_by_field_name("name")
        # `struct tm x` uses what `struct tm { … }` defines.
        defines = not parent.type.endswith("_specifier") or parent.child_by_field_name("body")
        return parent if defines and (name or parent.named_children[0]) == child else None
    if parent.type in _HOLDERS:
        right = parent.child_by_field_name("right") or parent.child_by_field_name("default_type")
        return parent if child != right else None
    if parent.type == "qualified_identifier" and parent.parent is not None:
        used = parent.parent.type == "using_declaration"
        scope = parent.child_by_field_name("scope")
        foreign = scope is not None and scope != child and scope.text != b"std"
        return parent.parent if used and foreign else None
    while parent is not None and parent.type in _DECLARATORS:
        inner = parent.child_by_field_name("declarator")
        unnamed = parent.type in ("reference_declarator", "structured_binding_declarator")
        if inner != child and not (unnamed or parent.type == "parenthesized_declarator"):
            return None
        child, parent = parent, parent.parent
    if parent is None or parent.type not in _DECLARATIONS:
        return None
    return parent if child in parent.children_by_field_name("declarator") else None
