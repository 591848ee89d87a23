"""HTML: elements and attributes by MDN's table; attributes without a page lead to the element."""

from __future__ import annotations

import tree_sitter_html
from tree_sitter import Language

from linewise_server.apidocs.languages.answer import from_table, parent_from_table
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source, Syntax

_HTML = Language(tree_sitter_html.language())
_KINDS = frozenset({"tag_name", "attribute_name"})
_TABLE = "web/html"


def resolve(source: Source, offset: int, library: Library) -> Resolution | None:
    """Return what stands at `offset`."""
    syntax = Syntax(source.text, _HTML)
    node = syntax.leaf_at(offset, _KINDS)
    if node is None or node.parent is None:
        return None
    span, text = syntax.span(node), syntax.of(node).lower()
    if node.type == "tag_name":
        return from_table(library, _TABLE, [f"<{text}>"], span)
    tag = node.parent.parent
    element = syntax.of(tag.named_children[0]).lower() if tag and tag.named_children else ""
    own = f"<{element}>.{text}"
    found = from_table(library, _TABLE, [own, f"*.{text}"], span)
    if found is None and not text.startswith(("data-", "on", "aria-")):
        return parent_from_table(library, _TABLE, own, f"<{element}>", span)
    return found
