"""Where a package's docs are published: its name, version and metadata in, URLs to try out.

The versioned address comes before the general one, the registry of intersphinx-registry before the
package's own metadata. Nothing is fetched here, and a URL that leads to no inventory of this very
package is of no consequence: acquire.py checks what it gets.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

from linewise_server.apidocs.packages import Package

MAX_CANDIDATES = 6

_REGISTERED_AS = {"jinja2": "jinja", "scikit-learn": "sklearn", "scikit-image": "skimage"}
_NO_DOCS_HOSTS = ("github.com", "gitlab.com", "pypi.org", "bitbucket.org", "codeberg.org")
_SLOTS = (
    (r"^https://docs\.python\.org/3/", "https://docs.python.org/{xy}/"),
    (r"^https://numpy\.org/doc/(stable/)?", "https://numpy.org/doc/{xy}/"),
    (r"^https://pandas\.pydata\.org/docs/", "https://pandas.pydata.org/pandas-docs/version/{xy}/"),
    (r"^https://docs\.scipy\.org/doc/scipy/", "https://docs.scipy.org/doc/scipy-{xyz}/"),
    (r"^https://scikit-learn\.org/stable/", "https://scikit-learn.org/{xy}/"),
    (r"^https://matplotlib\.org/stable/", "https://matplotlib.org/{xyz}/"),
    (
        r"^https://docs\.djangoproject\.com/en/stable/",
        "https://docs.djangoproject.com/en/{xy}/",
    ),
    (r"^https://docs\.sqlalchemy\.org(/en/latest)?/", "https://docs.sqlalchemy.org/en/{x}{y}/"),
    (
        r"^https://(\w+)\.palletsprojects\.com/(en/stable/)?",
        r"https://\1.palletsprojects.com/en/{xy}.x/",
    ),
    (r"^(https://[^/]+\.readthedocs\.io)/(en/(stable|latest)/)?$", r"\1/en/{xyz}/"),
    (r"^(https://[^/]+)/en/(stable|latest)/$", r"\1/en/{xyz}/"),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An inventory's URL and the base that its locations hang from; `base` ends in a slash."""

    inventory: str
    base: str

    @property
    def host(self) -> str:
        """The host that a fetch would tell of the package."""
        return urlsplit(self.inventory).netloc


def candidates(package: Package) -> list[Candidate]:
    """Return where the docs of `package` may be, best first; empty where nothing is known."""
    found: list[Candidate] = []
    registered = _registered(package)
    if registered is not None:
        base, inventory = registered
        found += _with_versions(base, package.version, inventory)
    for url in package.docs_urls:
        documented = _base(url)
        if documented is not None:
            found += _with_versions(documented, package.version, None)
    return list(dict.fromkeys(found))[:MAX_CANDIDATES]


def general_base(package: Package) -> str:
    """Return the docs' address without a version, empty where none is known."""
    registered = _registered(package)
    bases = [registered[0] if registered else None, *map(_base, package.docs_urls)]
    return next((base for base in bases if base), "")


def _registered(package: Package) -> tuple[str, str | None] | None:
    registry = _registry()
    names = [package.name, _REGISTERED_AS.get(package.name, ""), package.name.replace("-", "_")]
    entry = next((registry[name] for name in names if name in registry), None)
    if entry is None:
        # A module's name is not always its own project's: `tests`, `lab`. The only module is.
        entry = registry.get(package.modules[0]) if len(package.modules) == 1 else None
    return (entry[0], entry[1]) if entry else None


@cache
def _registry() -> dict[str, tuple[str, str | None]]:
    text = resources.files("intersphinx_registry").joinpath("registry.json").read_text("utf-8")
    registry: dict[str, tuple[str, str | None]] = json.loads(text)
    return registry


def _with_versions(base: str, version: str, inventory: str | None) -> list[Candidate]:
    found = []
    slot = _slotted(base, version)
    if slot is not None:
        moved = inventory.replace(base, slot) if inventory else f"{slot}objects.inv"
        found.append(Candidate(moved, slot))
    found.append(Candidate(inventory or f"{base}objects.inv", base))
    if urlsplit(base).netloc.endswith(".readthedocs.io") and urlsplit(base).path == "/":
        found += [
            Candidate(f"{base}en/{s}/objects.inv", f"{base}en/{s}/") for s in ("stable", "latest")
        ]
    return found


def _slotted(base: str, version: str) -> str | None:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    release = re.match(r"\d+(\.\d+)*", version)
    if numbers is None or release is None:
        return None
    x, y = numbers[1], numbers[2]
    for pattern, template in _SLOTS:
        match = re.match(pattern, base)
        if match:
            url = match.expand(template) + base[match.end() :]
            return url.format(x=x, y=y, xy=f"{x}.{y}", xyz=release[0])
    return None


def _base(url: str) -> str | None:
    """Return a documentation URL as a base, None where it cannot be one."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.netloc in _NO_DOCS_HOSTS or parts.query:
        return None
    path = re.sub(r"[^/]*\.html?$", "", parts.path)
    return f"https://{parts.netloc}{path.rstrip('/')}/"
