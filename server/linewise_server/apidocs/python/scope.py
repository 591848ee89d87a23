"""Python names by text alone: a source and an offset in, the imported or built-in name out.

`np.linalg.norm` under `import numpy as np` is `numpy.linalg.norm`: no type is inferred and no file
is read. A head that anything but an import binds in the innermost scope that knows it gives None,
as does a head that a star import may bind; that leaves such names to inference.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter_python
from tree_sitter import Language, Node

from linewise_server.apidocs.source import Span, Syntax

PYTHON = Language(tree_sitter_python.language())
IDENTIFIER = frozenset({"identifier"})

_COMPREHENSIONS = frozenset(
    {
        "list_comprehension",
        "set_comprehension",
        "dictionary_comprehension",
        "generator_expression",
    }
)
_FUNCTIONS = frozenset({"function_definition", "lambda"})
_SCOPES = _FUNCTIONS | _COMPREHENSIONS | {"module", "class_definition"}
_IMPORTS = frozenset({"import_statement", "import_from_statement", "future_import_statement"})
_PARAMETERS = frozenset({"parameters", "lambda_parameters"})
_PATTERNS = frozenset(
    {
        "pattern_list",
        "tuple_pattern",
        "list_pattern",
        "list_splat_pattern",
        "dictionary_splat_pattern",
        "as_pattern_target",
        "typed_parameter",
        "default_parameter",
        "typed_default_parameter",
        "expression_list",
        "tuple",
        "list",
    }
)
_TARGETS = {
    "assignment": "left",
    "augmented_assignment": "left",
    "for_statement": "left",
    "for_in_clause": "left",
    "named_expression": "name",
}
_BUILTINS = frozenset(dir(builtins))
_STAR_IMPORT = re.compile(r"^\s*from\s+\S+\s+import\s+\*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NamedApi:
    """A name as the text spells it out: `full` is dotted, `span` the identifier at the cursor.

    `builtin` where nothing in the text binds it, so that it is not of a module of that name.
    """

    full: str
    span: Span
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a name in `scope`; `full` is what an import binds it to."""

    scope: Node
    full: str | None


def parse(text: str) -> Syntax:
    """Return the syntax of a Python text, whole or broken."""
    return Syntax(text, PYTHON)


def name_at(syntax: Syntax, offset: int) -> NamedApi | None:
    """Return the imported or built-in name that the identifier at `offset` spells, or None."""
    node = syntax.leaf_at(offset, IDENTIFIER)
    if node is None:
        return None
    full = imported_name(syntax, node)
    if full is None and not defines(node):
        full, builtin = _expanded(syntax, node)
    else:
        builtin = False
    return NamedApi(full, syntax.span(node), builtin) if full else None


def imported_name(syntax: Syntax, node: Node) -> str | None:
    """Return what an identifier inside an import statement names; None elsewhere."""
    path = _path_to_import(node)
    if not path:
        return None
    statement = path[-1]
    module = _module_of(syntax, statement)
    dotted = next((n for n in path if n.type == "dotted_name"), None)
    if module is None:
        return None
    if dotted is None:
        renamed = node.parent.child_by_field_name("name") if node.parent else None
        return _joined(module, syntax.of(renamed)) if renamed else None
    written = syntax.data[dotted.start_byte : node.end_byte].decode()
    if dotted == statement.child_by_field_name("module_name"):
        return written
    return _joined(module, written)


def defines(node: Node) -> bool:
    """Whether an identifier gives a name to something here rather than using one."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "keyword_argument":
        return parent.child_by_field_name("name") == node
    return _binding(node) is not None and parent.type != "augmented_assignment"


def _expanded(syntax: Syntax, node: Node) -> tuple[str | None, bool]:
    """Return the full name that a dotted name spells, and whether its head is built in."""
    head, written = node, syntax.of(node)
    parent = node.parent
    if parent is not None and parent.type == "attribute":
        if parent.child_by_field_name("attribute") == node:
            head = parent
            written = syntax.data[parent.start_byte : node.end_byte].decode()
        while head.type == "attribute":
            inner = head.child_by_field_name("object")
            if inner is None:
                return None, False
            head = inner
    if head.type != "identifier":
        return None, False
    written = re.sub(r"\s|\\", "", written)
    if not re.fullmatch(r"[\w.]+", written):
        return None, False
    first, _, rest = written.partition(".")
    full, builtin = _bound_to(syntax, head, first)
    return _joined(full, rest) if full and rest else full, builtin


def _bound_to(syntax: Syntax, node: Node, name: str) -> tuple[str | None, bool]:
    bindings = list(_bindings(syntax, name))
    direct = True
    for scope in _scopes(node):
        visible = direct or scope.type != "class_definition"
        here = [b for b in bindings if b.scope == scope] if visible else []
        if here:
            return here[0].full if all(b.full for b in here) else None, False
        direct = direct and scope.type in _COMPREHENSIONS
    known = name in _BUILTINS and not _STAR_IMPORT.search(syntax.text)
    return (name, True) if known else (None, False)


def _bindings(syntax: Syntax, name: str) -> Iterator[Binding]:
    for match in re.finditer(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)", syntax.data):
        node = syntax.root.descendant_for_byte_range(match.start(), match.end())
        if node is None or node.type != "identifier":
            continue
        binding = _import_binding(syntax, node) or _binding(node)
        if binding:
            yield binding


def _import_binding(syntax: Syntax, node: Node) -> Binding | None:
    path = _path_to_import(node)
    if not path:
        return None
    statement, parent = path[-1], path[0]
    if parent == statement.child_by_field_name("module_name"):
        return None
    renamed = any(n.type == "aliased_import" for n in path)
    binds = parent.type == "aliased_import" if renamed else parent.children[0] == node
    return Binding(_scope(statement), imported_name(syntax, node)) if binds else None


def _binding(node: Node) -> Binding | None:
    """Return the binding that an identifier outside imports makes, if any."""
    child, parent = node, node.parent
    if parent is None:
        return None
    if parent.type in ("function_definition", "class_definition"):
        named = parent.child_by_field_name("name") == node
        return Binding(_scope(parent), None) if named else None
    if parent.type in ("global_statement", "nonlocal_statement") or _is_captured(node, parent):
        return Binding(_scope(parent), None)
    while parent is not None and parent.type in _PATTERNS:
        if parent.type.endswith("parameter") and not _names_parameter(parent, child):
            return None
        child, parent = parent, parent.parent
    if parent is None:
        return None
    if parent.type in _PARAMETERS or child.type == "as_pattern_target":
        return Binding(_scope(parent), None)
    field = _TARGETS.get(parent.type)
    if field and parent.child_by_field_name(field) == child:
        scope = _scope(parent)
        while parent.type == "named_expression" and scope.type in _COMPREHENSIONS:
            scope = _scope(scope)
        return Binding(scope, None)
    return None


def _is_captured(node: Node, parent: Node) -> bool:
    """Whether a pattern of `match` binds a name, or a name stands for a type here."""
    above = parent.parent.type if parent.parent is not None else ""
    match parent.type:
        case "dotted_name":
            patterns = ("case_pattern", "keyword_pattern", "union_pattern")
            return above in patterns and parent.child_count == 1
        case "as_pattern":
            return above == "case_pattern" and node == parent.named_children[-1]
        case "splat_pattern":
            return True
        case "type":
            left = above == "type_alias_statement" and parent.parent is not None
            return above == "type_parameter" or (
                left and parent.parent.child_by_field_name("left") == parent  # type: ignore[union-attr]
            )
    return False


def _names_parameter(parameter: Node, child: Node) -> bool:
    name = parameter.child_by_field_name("name")
    return (name or parameter.children[0]) == child


def _path_to_import(node: Node) -> list[Node]:
    """Return the ancestors up to and with the import statement around a node, else nothing."""
    path: list[Node] = []
    parent = node.parent
    while parent is not None and parent.type in ("dotted_name", "aliased_import"):
        path.append(parent)
        parent = parent.parent
    inside = path and parent is not None and parent.type in _IMPORTS
    return [*path, parent] if inside and parent is not None else []


def _module_of(syntax: Syntax, statement: Node) -> str | None:
    """Return the module that names are imported from; empty for `import x`, None if relative."""
    if statement.type == "future_import_statement":
        return "__future__"
    if statement.type == "import_statement":
        return ""
    module = statement.child_by_field_name("module_name")
    return syntax.of(module) if module is not None and module.type == "dotted_name" else None


def _scope(node: Node) -> Node:
    return next(_scopes(node))


def _scopes(node: Node) -> Iterator[Node]:
    parent = node.parent
    while parent is not None:
        if parent.type in _SCOPES or parent.parent is None:
            yield parent
        parent = parent.parent


def _joined(module: str, name: str) -> str:
    return f"{module}.{name}" if module else name
