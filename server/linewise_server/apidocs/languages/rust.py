"""Rust: paths under `use` and in code, on doc.rust-lang.org and docs.rs.

rustdoc's addresses hold the kind of an item (`struct.HashMap.html`), which syntax does not tell; so
the link is the crate's search for the item, and is not called exact, except for modules and crates.
The version is the one in the nearest Cargo.lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import tree_sitter_rust
from tree_sitter import Language, Node

from linewise_server.apidocs.languages.answer import from_scheme
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source, Span, Syntax

_RUST = Language(tree_sitter_rust.language())
_KINDS = frozenset({"identifier", "type_identifier"})
_ITEMS = frozenset(
    {
        "const_item",
        "enum_item",
        "function_item",
        "macro_definition",
        "static_item",
        "struct_item",
        "trait_item",
        "type_item",
        "type_parameter",
        "union_item",
    }
)
_STANDARD = ("std", "core", "alloc")
_LOCAL = ("crate", "self", "super", "Self")


def resolve(source: Source, offset: int, _: Library) -> Resolution | None:
    """Return what stands at `offset`; methods of values need types and have no link."""
    syntax = Syntax(source.text, _RUST)
    node = syntax.leaf_at(offset, _KINDS)
    if node is None:
        return None
    uses = _uses(syntax)
    used = _used_path(syntax, node)
    written = used or _path(syntax, node)
    if not used and "::" not in written and _binds(syntax, node):
        return None
    head, _colons, rest = written.partition("::")
    full = f"{uses[head]}::{rest}".removesuffix("::") if head in uses else written
    crate = full.partition("::")[0]
    known = "::" in full and crate not in _LOCAL and (crate in _STANDARD or not crate[0].isupper())
    if not known or _is_module_here(syntax, crate):
        return None
    return _answer(full, syntax.span(node), source.path)


def _path(syntax: Syntax, node: Node) -> str:
    """Return the path up to a node: `fs::read` at `read`, `fs` at `fs`."""
    parent = node.parent
    if parent is None or parent.type not in ("scoped_identifier", "scoped_type_identifier"):
        return syntax.of(node)
    if parent.child_by_field_name("name") == node:
        return syntax.of(parent)
    return syntax.of(node)


def _used_path(syntax: Syntax, node: Node) -> str:
    """Return the whole path of a node under `use`, empty elsewhere."""
    path, child, parent = _path(syntax, node), node, node.parent
    while parent is not None and parent.type != "use_declaration":
        if parent.type == "scoped_use_list":
            prefix = parent.child_by_field_name("path")
            if prefix is not None and child != prefix:
                path = f"{syntax.of(prefix)}::{path}"
        if parent.type == "use_as_clause" and child == parent.child_by_field_name("alias"):
            original = parent.child_by_field_name("path")
            path = syntax.of(original) if original is not None else path
        child, parent = parent, parent.parent
    return path if parent is not None else ""


def _uses(syntax: Syntax) -> dict[str, str]:
    """Return local name -> full path of all `use` declarations; globs are left out."""
    found: dict[str, str] = {}
    for node in syntax.root.named_children:
        argument = node.child_by_field_name("argument") if node.type == "use_declaration" else None
        if argument is not None:
            _collect(syntax, argument, "", found)
    return found


def _collect(syntax: Syntax, node: Node, prefix: str, found: dict[str, str]) -> None:
    if node.type == "scoped_use_list":
        path = node.child_by_field_name("path")
        inner = f"{prefix}{syntax.of(path)}::" if path is not None else prefix
        for item in node.child_by_field_name("list").named_children:  # type: ignore[union-attr]
            _collect(syntax, item, inner, found)
    elif node.type == "use_list":
        for item in node.named_children:
            _collect(syntax, item, prefix, found)
    elif node.type == "use_as_clause":
        path, alias = node.child_by_field_name("path"), node.child_by_field_name("alias")
        if path is not None and alias is not None:
            found[syntax.of(alias)] = prefix + syntax.of(path)
    elif node.type in ("identifier", "scoped_identifier"):
        full = prefix + syntax.of(node)
        found[full.rpartition("::")[2]] = full
    elif node.type == "self":
        found[prefix.removesuffix("::").rpartition("::")[2]] = prefix.removesuffix("::")


def imports(source: Source) -> Iterator[Span]:
    """Yield the last name of each path that a `use` at the top of the file brings in."""
    syntax = Syntax(source.text, _RUST)
    stack = [n for n in reversed(syntax.root.named_children) if n.type == "use_declaration"]
    while stack:
        node = stack.pop()
        if node.type in _KINDS:
            yield syntax.span(node)
        elif node.type in ("scoped_identifier", "use_as_clause"):
            stack.append(node.named_children[-1 if node.type == "scoped_identifier" else 0])
        elif node.type == "scoped_use_list":
            stack.append(node.named_children[-1])
        else:
            stack += [n for n in reversed(node.named_children) if n.type != "visibility_modifier"]


def _binds(syntax: Syntax, node: Node) -> bool:
    """Whether a bare name is, or may be, a variable or an item of the file itself."""
    name = syntax.of(node)
    for match in re.finditer(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)", syntax.data):
        other = syntax.root.descendant_for_byte_range(match.start(), match.end())
        if other is None or other.type not in _KINDS or other.parent is None:
            continue
        parent = other.parent
        if parent.type in _ITEMS and parent.child_by_field_name("name") == other:
            return True
        if parent.type == "closure_parameters" or parent.child_by_field_name("pattern") == other:
            return True
        in_pattern = parent.type.endswith("_pattern") and name[:1].islower()
        if in_pattern and parent.child_by_field_name("type") != other:
            return True
    return False


def _is_module_here(syntax: Syntax, name: str) -> bool:
    return (
        re.search(
            rf"^\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+{re.escape(name)}\b", syntax.text, re.MULTILINE
        )
        is not None
    )


def _answer(full: str, span: Span, file: Path | None) -> Resolution:
    crate, *rest = full.split("::")
    if crate in _STANDARD:
        base, caption = f"https://doc.rust-lang.org/{crate}/", f"Rust {crate}"
    else:
        locked = _locked(crate, file)
        if locked is None:
            # Of this workspace: not on docs.rs, which need not learn what it is called.
            return Resolution(full, "item", crate, span, None, "own")
        name, version = locked
        base = f"https://docs.rs/{name}/{version}/{crate}/"
        caption = f"docs.rs {name} {version}"
    query = f"?search={quote('::'.join(rest))}" if rest else "index.html"
    return from_scheme(full, "item", crate, span, (base, query), caption, exact=not rest)


def _locked(crate: str, file: Path | None) -> tuple[str, str] | None:
    """Return the package of a crate and its version; `latest` without a Cargo.lock.

    None for a crate of the workspace itself, which Cargo.lock lists without a source.
    """
    folders = file.parents if file is not None else []
    lock = next((f / "Cargo.lock" for f in folders if (f / "Cargo.lock").is_file()), None)
    if lock is None:
        return crate, "latest"
    text = lock.read_text("utf-8", errors="replace")
    name = re.escape(crate).replace("_", "[-_]")
    entry = rf'^name = "({name})"\nversion = "([^"]+)"(\nsource = )?'
    match = re.search(entry, text, re.MULTILINE)
    if match is None:
        return crate, "latest"
    return (match[1], match[2]) if match[3] else None
