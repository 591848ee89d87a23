"""JavaScript and TypeScript: built-ins, browser APIs and their members, by MDN's table.

A global counts only where the file binds no such name. The type of a receiver is known from its
literal, from `new X`, from a type annotation, or from the one `const` that holds it; otherwise a
member has no link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node

from linewise_server.apidocs.languages.answer import from_table
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source, Syntax

_LANGUAGES = {
    "javascript": Language(tree_sitter_javascript.language()),
    "javascriptreact": Language(tree_sitter_javascript.language()),
    "typescript": Language(tree_sitter_typescript.language_typescript()),
    "typescriptreact": Language(tree_sitter_typescript.language_tsx()),
}
_TABLE = "web/javascript"
_KINDS = frozenset({"identifier", "property_identifier", "type_identifier"})
_LITERALS = {
    "string": "String",
    "template_string": "String",
    "array": "Array",
    "array_type": "Array",
    "regex": "RegExp",
    "number": "Number",
    "arrow_function": "Function",
    "function_expression": "Function",
}
_PRIMITIVES = {"string": "String", "number": "Number", "boolean": "Boolean", "bigint": "BigInt"}
_INSTANCES = {
    "document": "Document",
    "window": "Window",
    "navigator": "Navigator",
    "localStorage": "Storage",
    "sessionStorage": "Storage",
    "location": "Location",
    "history": "History",
    "crypto": "Crypto",
    "performance": "Performance",
    "screen": "Screen",
    "indexedDB": "IDBFactory",
    "caches": "CacheStorage",
}
_BASES = {
    "Document": ("Node", "EventTarget"),
    "Window": ("EventTarget",),
    "Element": ("Node", "EventTarget"),
    "HTMLElement": ("Element", "Node", "EventTarget"),
    "WebSocket": ("EventTarget",),
    "XMLHttpRequest": ("XMLHttpRequestEventTarget", "EventTarget"),
}
_BINDERS: Mapping[str, tuple[str, ...]] = {
    "abstract_class_declaration": ("name",),
    "arrow_function": ("parameter",),
    "assignment_expression": ("left",),
    "augmented_assignment_expression": ("left",),
    "catch_clause": ("parameter",),
    "class": ("name",),
    "class_declaration": ("name",),
    "enum_declaration": ("name",),
    "for_in_statement": ("left",),
    "function_declaration": ("name",),
    "function_expression": ("name",),
    "function_signature": ("name",),
    "generator_function": ("name",),
    "generator_function_declaration": ("name",),
    "import_alias": ("name",),
    "import_specifier": ("alias", "name"),
    "interface_declaration": ("name",),
    "internal_module": ("name",),
    "mapped_type_clause": ("name",),
    "module": ("name",),
    "optional_parameter": ("pattern",),
    "required_parameter": ("pattern",),
    "type_alias_declaration": ("name",),
    "type_parameter": ("name",),
    "variable_declarator": ("name",),
}
"""Nodes that bind a name, and the fields that hold it; what is assigned is bound as well, since a
global that was written over is not the global any more."""
_BIND_ALL = frozenset(
    {
        "array_pattern",
        "formal_parameters",
        "import_clause",
        "import_require_clause",
        "infer_type",
        "namespace_import",
        "rest_pattern",
    }
)
"""Nodes whose direct names are all bound."""
_ELEMENTS = frozenset({"jsx_opening_element", "jsx_closing_element", "jsx_self_closing_element"})


def resolve(source: Source, offset: int, library: Library) -> Resolution | None:
    """Return what stands at `offset`."""
    syntax = Syntax(source.text, _LANGUAGES[source.language])
    node = syntax.leaf_at(offset, _KINDS)
    if node is None or node.parent is None:
        return None
    span, text, parent = syntax.span(node), syntax.of(node), node.parent
    if node.type == "property_identifier":
        if parent.type != "member_expression":
            return None
        owners = _owners(syntax, parent.child_by_field_name("object"))
        return from_table(library, _TABLE, [f"{owner}.{text}" for owner in owners], span)
    tag = parent.type in _ELEMENTS and text[:1].islower()
    if tag or _bindings(syntax, text):
        return None
    return from_table(library, _TABLE, [text], span)


def _owners(syntax: Syntax, receiver: Node | None) -> Iterator[str]:
    """Yield the interfaces whose member a receiver has, its own first."""
    owner = _type_of(syntax, receiver)
    if owner:
        yield owner
        yield from _BASES.get(owner, ())


def _type_of(syntax: Syntax, node: Node | None) -> str | None:
    """Return the interface of an expression's or annotation's value, or None."""
    if node is None:
        return None
    if node.type in ("parenthesized_expression", "await_expression", "type_annotation"):
        if node.type == "await_expression":
            return None
        return _type_of(syntax, node.named_children[0] if node.named_children else None)
    if node.type in _LITERALS:
        return _LITERALS[node.type]
    if node.type in ("new_expression", "generic_type"):
        named = node.child_by_field_name("constructor") or node.named_children[0]
        return syntax.of(named) if not _bindings(syntax, syntax.of(named)) else None
    if node.type == "predefined_type":
        return _PRIMITIVES.get(syntax.of(node))
    if node.type == "type_identifier":
        return syntax.of(node) if not _bindings(syntax, syntax.of(node)) else None
    if node.type != "identifier":
        return None
    name = syntax.of(node)
    bindings = _bindings(syntax, name)
    if not bindings:
        return _INSTANCES.get(name, name)
    return _declared_type(syntax, bindings[0]) if len(bindings) == 1 else None


def _declared_type(syntax: Syntax, name: Node) -> str | None:
    """Return the type of the only binding of a name: annotated, or of a constant's value."""
    binder = name.parent
    if binder is None:
        return None
    annotation = binder.child_by_field_name("type")
    if annotation is not None and name == (
        binder.child_by_field_name("name") or binder.child_by_field_name("pattern")
    ):
        return _type_of(syntax, annotation)
    statement = binder.parent
    if binder.type == "variable_declarator" and statement is not None:
        constant = statement.children[0].type == "const"
        value = binder.child_by_field_name("value")
        itself = value is not None and value.type == "identifier"
        return _type_of(syntax, value) if constant and not itself else None
    return None


def _bindings(syntax: Syntax, name: str) -> list[Node]:
    """Return the identifiers of this name that bind it, anywhere in the file."""
    return list(_binding_nodes(syntax, name))


def _binding_nodes(syntax: Syntax, name: str) -> Iterator[Node]:
    pattern = rb"(?<![\w$])" + re.escape(name.encode()) + rb"(?![\w$])"
    for match in re.finditer(pattern, syntax.data):
        node = syntax.root.descendant_for_byte_range(match.start(), match.end())
        if node is not None and _binds(node):
            yield node


def _binds(node: Node) -> bool:
    """Whether a node is a name that something is bound to here."""
    if node.type == "shorthand_property_identifier_pattern":
        return True
    child, parent = node, node.parent
    if parent is None or node.type not in ("identifier", "type_identifier"):
        return False
    if parent.type == "assignment_pattern":
        # A default: in `{ a: b = c }` and `(b = c)` it is `b` that is bound.
        if parent.child_by_field_name("left") != child:
            return False
        child, parent = parent, parent.parent
    if parent is None:
        return False
    if parent.type == "pair_pattern":
        return parent.child_by_field_name("value") == child
    fields = _BINDERS.get(parent.type, ())
    held = any(parent.child_by_field_name(field) == child for field in fields)
    return held or parent.type in _BIND_ALL
