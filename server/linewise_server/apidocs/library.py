"""The docs at hand: a package in, its best docset and the links into it out.

Tables that come with Linewise are put into the index when first needed; a newer table replaces the
older one. Never touches the network.
"""

from __future__ import annotations

import re
import zlib
from importlib import resources

from linewise_server.apidocs.environment import Environment
from linewise_server.apidocs.index import Docset, Index
from linewise_server.apidocs.inventory import Symbol, parse_inventory
from linewise_server.apidocs.link import Link, join_url
from linewise_server.apidocs.packages import Package

_MDN = "https://developer.mozilla.org/docs/"
_CPPREFERENCE = "https://en.cppreference.com/w/"
_BUNDLED = {
    "python": ("python.inv", "https://docs.python.org/{python}/"),
    "web/javascript": ("javascript.inv", _MDN),
    "web/css": ("css.inv", _MDN),
    "web/html": ("html.inv", _MDN),
    "std/cpp": ("cpp.inv", _CPPREFERENCE),
    "std/c": ("c.inv", _CPPREFERENCE),
}
_TITLES = {"web": "MDN", "std": "cppreference", "python": "Python"}


class Library:
    """Docsets of `index`, with links in the version of `environment`'s Python."""

    def __init__(self, index: Index, environment: Environment) -> None:
        self.index = index
        self.environment = environment
        self._loaded: set[str] = set()

    def docset(self, package: str, version: str = "") -> Docset | None:
        """Return the docset of a package that is nearest to `version`."""
        return next(iter(self._docsets(package, version)), None)

    def fetched(self, package: Package) -> Docset | None:
        """Return what was fetched of a package that is nearest to its version."""
        docsets = self._docsets(package.name, package.version)
        return next((d for d in docsets if d.origin == "fetched"), None)

    def bundled(self) -> tuple[str, ...]:
        """Return the packages whose tables come with Linewise."""
        return tuple(_BUNDLED)

    def find(self, package: Package, name: str) -> Symbol | None:
        """Return the entry of exactly this name in the docs of a package, the nearest first."""
        for docset in self._docsets(package.name, package.version):
            symbol = self.index.find(docset, name)
            if symbol is not None:
                return symbol
        return None

    def ending(self, package: Package, suffix: str) -> list[Symbol]:
        """Return the entries of a package's docs whose name ends in these dotted parts."""
        docsets = self._docsets(package.name, package.version)
        return [symbol for docset in docsets for symbol in self.index.ending(docset, suffix)]

    def link(self, package: Package, symbol: Symbol, *, exact: bool = True) -> Link:
        """Return the link to an entry that `find` or `ending` gave."""
        docsets = self._docsets(package.name, package.version)
        docset = next((d for d in docsets if self.index.find(d, symbol.name) == symbol), None)
        if docset is None:
            raise KeyError(symbol.name)
        python = ".".join(map(str, self.environment.version))
        base = docset.base.replace("{python}", python)
        caption = _caption(docset, package)
        return Link(package.name, symbol.name, join_url(base, symbol.path), caption, exact)

    def _docsets(self, package: str, version: str) -> list[Docset]:
        """Return the docsets of a package, the nearest to `version` first."""
        if package in _BUNDLED and package not in self._loaded:
            self._load(package)
            self._loaded.add(package)
        found = self.index.docsets(package)
        return sorted(found, key=lambda docset: _nearness(docset, version), reverse=True)

    def _load(self, package: str) -> None:
        file, base = _BUNDLED[package]
        data = resources.files(__package__).joinpath("data", file).read_bytes()
        source = f"bundled:{zlib.crc32(data):08x}"
        held = [d for d in self.index.docsets(package) if d.origin == "bundled"]
        if any(docset.source == source for docset in held):
            return
        for docset in held:
            self.index.remove(docset)
        inventory = parse_inventory(data)
        self.index.put(package, inventory, base=base, origin="bundled", source=source)


def same_release(one: str, other: str) -> bool:
    """Whether two versions agree in their first two numbers."""
    return bool(_numbers(one)) and _numbers(one)[:2] == _numbers(other)[:2]


def _caption(docset: Docset, package: Package) -> str:
    title = _TITLES.get(docset.package.partition("/")[0], docset.package)
    if docset.origin == "bundled":
        return f"{title} {package.version}".strip()
    if not docset.version or same_release(docset.version, package.version):
        return f"{title} {package.version}".strip()
    if not package.version:
        return f"{title} {docset.version}"
    return f"{title} docs {docset.version} (installed: {package.version})"


def _nearness(docset: Docset, version: str) -> tuple[bool, bool, bool, bool, list[int]]:
    """Return how well a docset fits; what its maker says of the installed version comes first."""
    return (
        docset.origin == "catalogue",
        docset.version == version,
        same_release(docset.version, version),
        docset.origin != "bundled",
        _numbers(docset.version),
    )


def _numbers(version: str) -> list[int]:
    match = re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    return [int(number) for number in match[1].split(".")] if match else []
