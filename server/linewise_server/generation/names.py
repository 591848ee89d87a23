"""Names that generated code uses and nothing in its document defines.

In: a document and the stretch that was generated. Out: the names in their order, or None where they
cannot be told: in a language whose bindings are not known here, in a text that does not parse, and
where an import brings in names that are not written down. A name that is bound anywhere in the
document counts as defined: a wrong name costs a look, a missed one an error that is not told.
"""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Callable, Iterator
from importlib import resources

from tree_sitter import Node

from linewise_server.apidocs.inventory import parse_inventory
from linewise_server.apidocs.source import Syntax as Parsed
from linewise_server.completion.syntax import Syntax

Span = tuple[int, int]


def unresolved(after: str, span: Span, language: str) -> tuple[str, ...] | None:
    """Return the names that the text at `span` uses and nothing in the document `after` defines."""
    find = _FINDERS.get(language)
    return find(after, span, language) if find is not None else None


def _in_python(after: str, span: Span, language: str) -> tuple[str, ...] | None:
    try:
        tree = ast.parse(after)
    except (SyntaxError, ValueError, RecursionError):
        return None
    first = after.count("\n", 0, span[0]) + 1
    last = after.count("\n", 0, span[1]) + 1
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in nodes):
        return None
    bound = {name for node in nodes for name in _binds(node)} | set(dir(builtins)) | _MODULE
    used = (node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    names = (node.id for node in sorted(used, key=_place) if first <= node.lineno <= last)
    return tuple(dict.fromkeys(name for name in names if name not in bound))


_MODULE = {"__file__", "__name__", "__doc__", "__package__", "__path__", "__spec__", "__class__"}


def _place(node: ast.Name) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _binds(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.arg(arg=name):
            yield name
        case ast.alias(name=name, asname=alias):
            yield alias or name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            yield from names
        case _:
            # PEP 695 type parameters, which Python 3.11 has no nodes for.
            if type(node).__name__ in ("TypeVar", "ParamSpec", "TypeVarTuple"):
                yield str(getattr(node, "name", ""))


def _in_script(after: str, span: Span, language: str) -> tuple[str, ...] | None:
    """JavaScript and TypeScript, by the grammar: it has other words for names that are members."""
    syntax = Syntax.of(language)
    if syntax is None or syntax.parse(after).errors():
        return None
    parsed = Parsed(after, syntax.grammar)
    bound: set[str] = set()
    used: list[tuple[int, str]] = []
    first, last = parsed.byte(span[0]), parsed.byte(span[1])
    for node in _leaves(parsed.root):
        if node.type not in _NAMES:
            continue
        if _is_binding(node):
            bound.add(parsed.of(node))
        elif first <= node.start_byte < last and not _leads_elsewhere(node, parsed):
            used.append((node.start_byte, parsed.of(node)))
    known = bound | _script_globals()
    return tuple(dict.fromkeys(name for _, name in sorted(used) if name not in known))


_NAMES = frozenset(
    {
        *("identifier", "type_identifier"),
        *("shorthand_property_identifier", "shorthand_property_identifier_pattern"),
    }
)
_BOUND_FIELDS = {
    "variable_declarator": "name",
    "function_declaration": "name",
    "function_expression": "name",
    "function_signature": "name",
    "generator_function": "name",
    "generator_function_declaration": "name",
    "class": "name",
    "class_declaration": "name",
    "abstract_class_declaration": "name",
    "interface_declaration": "name",
    "type_alias_declaration": "name",
    "enum_declaration": "name",
    "internal_module": "name",
    "module": "name",
    "type_parameter": "name",
    "mapped_type_clause": "name",
    "index_signature": "name",
    "arrow_function": "parameter",
    "catch_clause": "parameter",
    "for_in_statement": "left",
}
"""Nodes that bind a name -> the field that the name or its pattern stands in."""
_BINDERS = frozenset(
    {
        *("formal_parameters", "required_parameter", "optional_parameter"),
        *("import_clause", "namespace_import", "import_require_clause", "infer_type"),
    }
)
"""Nodes whose names and patterns all bind."""
_PATTERNS = frozenset(
    {
        *("object_pattern", "array_pattern", "rest_pattern", "pair_pattern"),
        *("assignment_pattern", "object_assignment_pattern"),
    }
)


def _leaves(root: Node) -> Iterator[Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        if not node.child_count:
            yield node
        pending.extend(node.children)


def _is_binding(node: Node) -> bool:
    """Say whether a name is given something here, by itself or within a pattern."""
    inner, outer = node, node.parent
    while outer is not None and outer.type in _PATTERNS:
        # What stands right of `=` in a pattern is a use; of `key: name` only the name binds.
        if outer.child_by_field_name("right") == inner:
            return False
        inner, outer = outer, outer.parent
    if outer is None:
        return False
    if outer.type == "import_specifier":
        return (outer.child_by_field_name("alias") or inner) == inner
    if outer.type in _BINDERS:
        return outer.child_by_field_name("value") != inner
    field = _BOUND_FIELDS.get(outer.type)
    return field is not None and outer.child_by_field_name(field) == inner


def _leads_elsewhere(node: Node, parsed: Parsed) -> bool:
    """Say whether a name means something in another module, or an element of HTML."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "import_specifier":
        return True
    if parent.type == "nested_type_identifier":
        return parent.child_by_field_name("name") == node
    if parent.type == "export_specifier":
        clause = parent.parent.parent if parent.parent is not None else None
        aliased = parent.child_by_field_name("alias") == node
        return aliased or (clause is not None and clause.child_by_field_name("source") is not None)
    if parent.type.startswith("jsx_") and parent.type.endswith("_element"):
        return parsed.of(node)[:1].islower()
    return False


_MORE_WORDS = (
    "arguments undefined NaN Infinity globalThis console process Buffer require module exports "
    "global __dirname __filename setImmediate clearImmediate NodeJS JSX "
    "describe it test expect beforeEach afterEach beforeAll afterAll jest vi "
    "Partial Required Readonly Record Pick Omit Exclude Extract NonNullable Parameters "
    "ConstructorParameters ReturnType InstanceType ThisParameterType OmitThisParameter ThisType "
    "NoInfer Awaited Uppercase Lowercase Capitalize Uncapitalize ReadonlyArray ReadonlyMap "
    "ReadonlySet PromiseLike ArrayLike Iterable Iterator IterableIterator AsyncIterable "
    "AsyncIterator AsyncIterableIterator PropertyKey PropertyDescriptor TemplateStringsArray "
    "PromiseSettledResult PromiseFulfilledResult PromiseRejectedResult"
)
"""What tables of the web do not have: Node, test runners, and the types of TypeScript itself."""


@functools.cache
def _script_globals() -> frozenset[str]:
    """Return the names that every script has, by MDN's table, and some that most have."""
    data = resources.files("linewise_server.apidocs").joinpath("data", "javascript.inv")
    symbols = parse_inventory(data.read_bytes()).symbols
    return frozenset(_MORE_WORDS.split()) | {
        symbol.name for symbol in symbols if symbol.name.isidentifier()
    }


_FINDERS: dict[str, Callable[[str, Span, str], tuple[str, ...] | None]] = {
    "python": _in_python,
    "javascript": _in_script,
    "javascriptreact": _in_script,
    "typescript": _in_script,
    "typescriptreact": _in_script,
}
