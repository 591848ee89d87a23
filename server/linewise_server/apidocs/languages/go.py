"""Go: imports and what is selected from them, on pkg.go.dev.

The version is the one that the module's go.mod requires; the standard library has none in its URLs.
"""

from __future__ import annotations

import re
from pathlib import Path

import tree_sitter_go
from tree_sitter import Language, Node

from linewise_server.apidocs.languages.answer import from_scheme
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source, Span, Syntax

_GO = Language(tree_sitter_go.language())
_KINDS = frozenset(
    {
        "identifier",
        "field_identifier",
        "type_identifier",
        "package_identifier",
        "interpreted_string_literal_content",
    }
)
_DECLARATIONS = frozenset(
    {
        "const_spec",
        "parameter_declaration",
        "type_parameter_declaration",
        "type_spec",
        "var_spec",
        "variadic_parameter_declaration",
    }
)
_DECLARED_LEFT = frozenset(
    {"range_clause", "receive_statement", "short_var_declaration", "type_switch_statement"}
)
_BASE = "https://pkg.go.dev/"


def resolve(source: Source, offset: int, _: Library) -> Resolution | None:
    """Return what stands at `offset`; methods of values need types and have no link."""
    syntax = Syntax(source.text, _GO)
    node = syntax.leaf_at(offset, _KINDS)
    if node is None or node.parent is None:
        return None
    span = syntax.span(node)
    if node.type == "interpreted_string_literal_content":
        spec = node.parent.parent
        path = syntax.of(node)
        return _answer(path, "", span, source.path) if spec and spec.type == "import_spec" else None
    imports = dict(_imports(syntax))
    parent = node.parent
    if parent.type not in ("selector_expression", "qualified_type"):
        return None
    head, selected = parent.named_children[0], parent.named_children[-1]
    path = imports.get(syntax.of(head), "")
    shadowed = head.type == "identifier" and _declares(syntax, syntax.of(head))
    if not path or shadowed or node not in (head, selected):
        return None
    if node != head and not syntax.of(node)[:1].isupper():
        return None  # not exported: there is no such thing
    return _answer(path, "" if node == head else syntax.of(node), span, source.path)


def _imports(syntax: Syntax) -> list[tuple[str, str]]:
    """Return the local name and path of each import; dot imports and blank ones left out."""
    found = []
    for node in _descendants(syntax.root, "import_spec"):
        path_node = node.child_by_field_name("path")
        name = node.child_by_field_name("name")
        if path_node is None:
            continue
        path = syntax.of(path_node).strip('"`')
        local = syntax.of(name) if name is not None else _package_name(path)
        if local not in (".", "_"):
            found.append((local, path))
    return found


def _package_name(path: str) -> str:
    """Return the name that a package most likely has: the last part that is no version."""
    parts = [part for part in path.split("/") if not re.fullmatch(r"v\d+", part)]
    return re.sub(r"\.v\d+$", "", parts[-1] if parts else path).removeprefix("go-")


def _declares(syntax: Syntax, name: str) -> bool:
    """Whether the file declares a variable, constant, parameter or type of this name."""
    for match in re.finditer(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)", syntax.data):
        node = syntax.root.descendant_for_byte_range(match.start(), match.end())
        parent = node.parent if node is not None else None
        if node is None or parent is None:
            continue
        if parent.type in _DECLARATIONS and node in parent.children_by_field_name("name"):
            return True
        if parent.type == "expression_list" and parent.parent is not None:
            holder = parent.parent
            left = holder.child_by_field_name("left") or holder.child_by_field_name("alias")
            if holder.type in _DECLARED_LEFT and left == parent:
                return True
    return False


def _descendants(node: Node, kind: str) -> list[Node]:
    found = [node] if node.type == kind else []
    for child in node.named_children:
        if child.type in (kind, "import_declaration", "import_spec_list"):
            found += _descendants(child, kind)
    return found


def _answer(path: str, symbol: str, span: Span, file: Path | None) -> Resolution:
    config = _config(file)
    name = f"{path}.{symbol}" if symbol else path
    kind = "symbol" if symbol else "package"
    if _is_own(path, config):
        # Not on pkg.go.dev, and a link would tell that host what the project calls its parts.
        return Resolution(name, kind, path, span, None, "own")
    version = _required(path, config)
    page = path if not version else _at_version(path, *version)
    caption = f"pkg.go.dev {version[1]}" if version else "pkg.go.dev"
    url = (_BASE, f"{page}#{symbol}" if symbol else page)
    return from_scheme(name, kind, path, span, url, caption, exact=True)


def _at_version(path: str, module: str, version: str) -> str:
    return f"{module}@{version}{path.removeprefix(module)}"


def _config(file: Path | None) -> str:
    """Return the text of the nearest go.mod, empty without one."""
    folders = file.parents if file is not None else []
    config = next((f / "go.mod" for f in folders if (f / "go.mod").is_file()), None)
    return config.read_text("utf-8", errors="replace") if config is not None else ""


def _is_own(path: str, config: str) -> bool:
    """Whether a package is of the module whose go.mod this is."""
    module = re.search(r"^\s*module\s+(\S+)", config, re.MULTILINE)
    return module is not None and f"{path}/".startswith(module[1].strip('"') + "/")


def _required(path: str, config: str) -> tuple[str, str] | None:
    """Return the module of `path` and the version that a go.mod requires of it."""
    modules = re.findall(r"^\s*(?:require\s+)?(\S+\.\S+)\s+(v\S+)", config, re.MULTILINE)
    fitting = [(m, v) for m, v in modules if path == m or path.startswith(f"{m}/")]
    return max(fitting, key=lambda pair: len(pair[0]), default=None)
