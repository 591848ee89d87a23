"""CSS: properties, at-rules, pseudo-classes and -elements, functions, by MDN's table."""

from __future__ import annotations

import tree_sitter_css
from tree_sitter import Language

from linewise_server.apidocs.languages.answer import from_table
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source, Syntax

_CSS = Language(tree_sitter_css.language())
_KINDS = frozenset({"property_name", "function_name", "identifier", "tag_name", "at_keyword"})
_AT_RULES = frozenset({"@media", "@import", "@charset", "@keyframes", "@supports", "@namespace"})


def resolve(source: Source, offset: int, library: Library) -> Resolution | None:
    """Return what stands at `offset`."""
    syntax = Syntax(source.text, _CSS)
    node = syntax.leaf_at(offset, _KINDS | _AT_RULES)
    if node is None or node.parent is None:
        return None
    text, parent, holder = syntax.of(node), node.parent, node.parent.parent
    if node.type == "property_name" or node.type in _AT_RULES | {"at_keyword"}:
        name = text
    elif node.type == "function_name":
        name = f"{text}()"
    elif parent.type == "class_name" and holder and holder.type == "pseudo_class_selector":
        name = f":{text}"
    elif parent.type == "pseudo_element_selector" and node == parent.named_children[-1]:
        name = f"::{text}"
    else:
        return None
    return from_table(library, "web/css", [name], syntax.span(node))
