"""Derives the tables that Linewise ships: published files in, `data/*.inv` out.

    python -m linewise_server.apidocs.derive python OBJECTS_INV   # Debian: python3.11-doc
    python -m linewise_server.apidocs.derive web DATA_JSON        # npm: @mdn/browser-compat-data
    python -m linewise_server.apidocs.derive cpp DEVHELP2         # Debian: cppreference-doc-en-html
    python -m linewise_server.apidocs.derive c DEVHELP2           # likewise

Run by maintainers, never by the server. The same source gives the same bytes. Origin and licence
of each table: data/README.md.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from linewise_server.apidocs.inventory import (
    Inventory,
    Symbol,
    parse_inventory,
    write_inventory,
)

_MDN = "https://developer.mozilla.org/docs/"
_DATA = Path(__file__).parent / "data"


def derive_python(source: bytes) -> dict[str, Inventory]:
    """Keep the Python names of CPython's own inventory."""
    inventory = parse_inventory(source)
    symbols = tuple(symbol for symbol in inventory.symbols if symbol.role.startswith("py:"))
    return {"python": Inventory(inventory.project, inventory.version, symbols)}


def derive_web(source: bytes) -> dict[str, Inventory]:
    """Compile the pages that browser-compat-data names into three tables of MDN locations."""
    data = json.loads(source)
    version = data["__meta"]["version"]
    tables = {
        "javascript": _unique([*_builtins(data), *_browser_apis(data)]),
        "css": _unique(_css(data)),
        "html": _unique(_html(data)),
    }
    return {name: Inventory(f"MDN {name}", version, symbols) for name, symbols in tables.items()}


def derive_cpp(source: bytes) -> dict[str, Inventory]:
    """Compile the keyword list of cppreference's C++ book."""
    return {"cpp": Inventory("cppreference C++", "", _keywords(source, "cpp"))}


def derive_c(source: bytes) -> dict[str, Inventory]:
    """Compile the keyword list of cppreference's C book."""
    return {"c": Inventory("cppreference C", "", _keywords(source, "c"))}


def _builtins(data: Any) -> Iterator[Symbol]:
    """Yield `Array`, `Array.map`, `Intl.NumberFormat.format`."""
    for path, location in _pages(data["javascript"]["builtins"]):
        role = "js:builtin" if len(path) == 1 else "js:member"
        yield Symbol(".".join(path), role, location)


def _browser_apis(data: Any) -> Iterator[Symbol]:
    """Yield `fetch`, `Window`, `Window.alert`; static members without their `_static` mark."""
    for path, location in _pages(data["api"]):
        if len(path) <= 2:
            name = ".".join(part.removesuffix("_static") for part in path)
            yield Symbol(name, "js:interface" if len(path) == 1 else "js:member", location)


def _css(data: Any) -> Iterator[Symbol]:
    """Yield `color`, `@media`, `:hover`, `::before`, `calc()`."""
    css = data["css"]
    for path, location in _pages(css["properties"]):
        if len(path) == 1:
            yield Symbol(path[0], "css:property", location)
    for path, location in _pages(css["at-rules"]):
        if len(path) == 1:
            yield Symbol(f"@{path[0]}", "css:at-rule", location)
    for path, location in _pages(css["selectors"]):
        last = location.rpartition("/")[2]
        if len(path) == 1 and last.startswith(":"):
            yield Symbol(last, "css:selector", location)
    for path, location in _pages(css["types"]):
        yield Symbol(f"{path[-1]}()", "css:function", location)


def _html(data: Any) -> Iterator[Symbol]:
    """Yield `<a>`, `<input>.type`, and `*.class` for attributes of every element."""
    for path, location in _pages(data["html"]["elements"]):
        if len(path) <= 2:
            role = "html:element" if len(path) == 1 else "html:attribute"
            yield Symbol(".".join([f"<{path[0]}>", *path[1:]]), role, location)
    for path, location in _pages(data["html"]["global_attributes"]):
        if len(path) == 1:
            yield Symbol(f"*.{path[0]}", "html:attribute", location)


def _pages(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in tree.items():
        if key != "__compat" and isinstance(value, dict):
            here = (*path, key)
            url = value.get("__compat", {}).get("mdn_url", "")
            if url.startswith(_MDN):
                yield here, url.removeprefix(_MDN)
            yield from _pages(value, here)


def _keywords(source: bytes, domain: str) -> tuple[Symbol, ...]:
    # The file is a Debian package's own, named by the maintainer who runs this.
    root = ElementTree.fromstring(source)  # noqa: S314
    found = []
    for keyword in root.iter("{http://www.devhelp.net/book}keyword"):
        name = re.sub(r"\s.*", "", keyword.get("name", ""))
        page = keyword.get("link", "").removeprefix("en/").removesuffix(".html")
        # Two pages of one name were saved as `climits` and `climits.1`; `404` are links that led
        # nowhere when the book was made.
        page = re.sub(r"\.\d+$", "", page)
        kind = re.sub(r"\W", "-", keyword.get("type") or "name")
        if name and "#" not in page and page != "404":
            found.append(Symbol(name, f"{domain}:{kind}", quote(page)))
    return _unique(found)


def _unique(symbols: Iterator[Symbol] | list[Symbol]) -> tuple[Symbol, ...]:
    kept: dict[str, Symbol] = {}
    for symbol in symbols:
        shorter = _shortened(symbol)
        kept.setdefault(shorter.name, shorter)
    return tuple(kept.values())


def _shortened(symbol: Symbol) -> Symbol:
    """Say `$` where the location ends in the name."""
    if symbol.location.endswith(symbol.name):
        location = symbol.location.removesuffix(symbol.name) + "$"
        return Symbol(symbol.name, symbol.role, location)
    return symbol


_DERIVATIONS: dict[str, Callable[[bytes], dict[str, Inventory]]] = {
    "python": derive_python,
    "web": derive_web,
    "cpp": derive_cpp,
    "c": derive_c,
}


def main(arguments: list[str]) -> None:
    """Write the tables of one source into `data/`."""
    table, source = arguments
    for name, inventory in _DERIVATIONS[table](Path(source).read_bytes()).items():
        path = _DATA / f"{name}.inv"
        path.write_bytes(write_inventory(inventory))
        size = path.stat().st_size
        sys.stdout.write(f"{path.name}: {len(inventory.symbols):,} names, {size:,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
