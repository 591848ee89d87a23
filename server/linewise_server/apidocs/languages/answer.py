"""The answers that the language modules give, in one shape."""

from __future__ import annotations

from collections.abc import Iterable

from linewise_server.apidocs.library import Library
from linewise_server.apidocs.link import Link, Resolution, join_url
from linewise_server.apidocs.packages import Package
from linewise_server.apidocs.source import Span


def from_table(library: Library, table: str, names: Iterable[str], span: Span) -> Resolution | None:
    """Return the first of `names` that the table of this name documents, exactly."""
    package = Package(table, "", ())
    for name in names:
        symbol = library.find(package, name)
        if symbol is not None:
            link = library.link(package, symbol)
            return Resolution(name, symbol.kind, table, span, link, None)
    return None


def parent_from_table(
    library: Library, table: str, name: str, parent: str, span: Span
) -> Resolution | None:
    """Return the page of `parent` for `name`, which has none of its own."""
    package = Package(table, "", ())
    symbol = library.find(package, parent)
    if symbol is None:
        return None
    link = library.link(package, symbol, exact=False)
    return Resolution(name, "name", table, span, link, None)


def from_scheme(
    name: str,
    kind: str,
    package: str,
    span: Span,
    url: tuple[str, str],
    caption: str,
    *,
    exact: bool,
) -> Resolution:
    """Return a link made by a URL scheme; `url` is base and path."""
    return Resolution(
        name, kind, package, span, Link(package, name, join_url(*url), caption, exact), None
    )
