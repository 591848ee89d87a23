"""Installed packages: an environment's metadata in, the package that owns a module out.

Only files are read, and only when first asked for; the answer is kept for as long as the folders
do not change.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from linewise_server.apidocs.environment import Environment

_DOCS_LABELS = frozenset({"documentation", "docs", "doc", "apidocs", "apireference", "reference"})
_PRIVATE_HOMES = {"posixpath": "os.path", "ntpath": "os.path"}


@dataclass(frozen=True, slots=True)
class Package:
    """One distribution: normalised name, version, its import names and what it says of its docs."""

    name: str
    version: str
    modules: tuple[str, ...]
    docs_urls: tuple[str, ...] = ()


class Packages:
    """The distributions of one environment, and the standard library as the package `python`."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._stamp: tuple[float, ...] = ()
        self._by_module: dict[str, Package] = {}

    @property
    def stamp(self) -> tuple[float, ...]:
        """Return what differs once something was installed or removed."""
        folders = self.environment.site_packages
        return tuple(folder.stat().st_mtime for folder in folders if folder.is_dir())

    def of(self, name: str) -> Package | None:
        """Return the package of a dotted name by its first part; None for a workspace's own."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top == "builtins":
            return self.python()
        return self._modules().get(top)

    def python(self) -> Package:
        """Return the standard library of the version in use."""
        return Package("python", ".".join(map(str, self.environment.version)), ())

    def named(self, package: str) -> Package | None:
        """Return the distribution of this name."""
        wanted = normalise(package)
        if wanted == "python":
            return self.python()
        return next((p for p in self._modules().values() if p.name == wanted), None)

    def _modules(self) -> dict[str, Package]:
        stamp = self.stamp
        if stamp != self._stamp:
            self._by_module = dict(_read(self.environment.site_packages))
            self._stamp = stamp
        return self._by_module


def normalise(name: str) -> str:
    """Return a distribution's name as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def public_home(full: str) -> str:
    """Return a standard library name without the private module that it was found in."""
    top, _, rest = full.partition(".")
    if top == "builtins":
        return rest or full
    if top in _PRIVATE_HOMES:
        return f"{_PRIVATE_HOMES[top]}.{rest}" if rest else _PRIVATE_HOMES[top]
    return full


def _read(folders: tuple[Path, ...]) -> dict[str, Package]:
    found: dict[str, Package] = {}
    for distribution in metadata.distributions(path=[str(folder) for folder in folders]):
        headers = distribution.metadata
        # Both libraries of metadata give lists; of a header that is not there, one gives None by
        # its name and the other raises.
        name = next(iter(headers.get_all("Name") or []), None) if headers is not None else None
        if not name:
            continue
        modules = tuple(sorted(_modules_of(distribution)))
        home = next(iter(headers.get_all("Home-page") or []), None)
        urls = tuple(_docs_urls(headers.get_all("Project-URL") or [], home))
        package = Package(normalise(name), distribution.version, modules, urls)
        for module in modules:
            found.setdefault(module, package)
    return found


def _modules_of(distribution: metadata.Distribution) -> set[str]:
    modules = set((distribution.read_text("top_level.txt") or "").split())
    record = distribution.read_text("RECORD") or ""
    for line in record.splitlines():
        first, slash, _ = line.partition(",")[0].partition("/")
        if slash and first.isidentifier():
            modules.add(first)
        elif not slash and first.endswith(".py"):
            modules.add(first[:-3])
    return modules


def _docs_urls(project_urls: list[str], homepage: str | None) -> list[str]:
    """Return the URLs that may be a docs' base: those labelled so first, then the homepage."""
    by_label: defaultdict[str, list[str]] = defaultdict(list)
    for entry in project_urls:
        label, _, url = entry.partition(",")
        by_label[re.sub(r"[^a-z]", "", label.lower())].append(url.strip())
    urls = [url for label in by_label if label in _DOCS_LABELS for url in by_label[label]]
    urls += by_label["homepage"] + ([homepage] if homepage else [])
    return [url for url in dict.fromkeys(urls) if url.startswith("https://")]
