"""Getting docs onto this machine: a package, a path or a URL in, a docset in the index out.

A package's docs are fetched only with the user's permission (consent.py) and only kept if they
document that package; what a user adds by hand is kept as it is. What is here already stays when a
fetch fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from linewise_server.apidocs.consent import PRIVATE_VARIABLE, Answers, Policy, permission
from linewise_server.apidocs.errors import (
    ApiDocsError,
    FetchError,
    FetchRefusedError,
    InventoryError,
)
from linewise_server.apidocs.fetcher import Fetcher
from linewise_server.apidocs.index import Docset
from linewise_server.apidocs.inventory import MAX_BYTES, Inventory, parse_inventory
from linewise_server.apidocs.library import Library, same_release
from linewise_server.apidocs.packages import Package, Packages, normalise
from linewise_server.apidocs.sources import Candidate, candidates, general_base
from linewise_server.apidocs.threads import Threads

if TYPE_CHECKING:
    from linewise_server.apidocs.fetch import Fetched

_FRESH = 24 * 3600.0
_AGED = 7 * _FRESH
"""Seconds after which an editor asks a host, unasked, whether it has something newer."""


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Fetches and adds docs for the packages of one environment."""

    library: Library
    packages: Packages
    policy: Callable[[], Policy]
    answers: Answers
    fetcher: Fetcher
    threads: Threads = field(default_factory=Threads)

    async def refresh(self, package: Package, *, force: bool = False) -> Docset:
        """Return the package's docset, compared with its host unless that was done today.

        Raises FetchRefusedError without permission and FetchError where no host has its docs.
        """
        held = self.library.fetched(package)
        if held is not None and not force and not self._is_due(held, package, _FRESH):
            return held
        self._require_permission(package)
        known = []
        if held is not None and same_release(held.version, package.version):
            known = [Candidate(held.source, held.base)]
        failures: list[str] = []
        for candidate in dict.fromkeys([*known, *candidates(package)]):
            try:
                return await self._try(package, candidate, held)
            except (FetchError, InventoryError) as error:
                failures.append(f"{candidate.inventory}: {_reason(error)}")
        if not failures:
            raise FetchError(package.name, "neither the registry nor its metadata names its docs")
        raise FetchError(package.name, "no inventory found. Tried " + "; ".join(failures))

    async def add(
        self, place: str, *, package: str | None, base: str | None, version: str | None
    ) -> Docset:
        """Keep the inventory at a path or URL.

        A folder of built docs, or its `objects.inv`, is linked to in place; a URL that is no
        inventory is taken for the docs' base. `base` overrides where the links lead.
        Raises ApiDocsError with what is missing.
        """
        if place.startswith(("https://", "http://")):
            url = place if place.endswith(".inv") else f"{place.rstrip('/')}/objects.inv"
            got = await self.fetcher.fetch(url)
            data, etag, source, found_base = got.data or b"", got.etag, got.url, _folder(got.url)
        else:
            path, data = await self.threads.run(_read, place)
            etag, source = "", str(path)
            found_base = _built_beside(path)
        inventory = await self.threads.run(parse_inventory, data)
        if version is not None:
            inventory = Inventory(inventory.project, version, inventory.symbols)
        name = normalise(package) if package else self._owner(inventory)
        base = base or found_base or self._known_base(name)
        if not base:
            raise ApiDocsError(f"{place}: no base URL is known for {name}; give it with --base.")
        if not base.startswith(("https://", "http://", "file:///")):
            raise ApiDocsError(
                f"{base} is no address that a browser opens; --base begins with https:// for what"
                " is published, or with file:/// for what is built on this machine."
            )
        base = base if base.endswith("/") else f"{base}/"
        return await self.threads.run(
            self.library.index.put,
            name,
            inventory,
            base=base,
            origin="added",
            source=source,
            etag=etag,
            checked=time.time(),
        )

    def is_outdated(self, package: Package) -> bool:
        """Whether what was fetched of a package is of another version, or was long ago."""
        held = self.library.fetched(package)
        return held is not None and self._is_due(held, package, _AGED)

    def _is_due(self, held: Docset, package: Package, seconds: float) -> bool:
        """Whether to ask a host again; for the same installed version only after `seconds`."""
        sought = held.sought == package.version or same_release(held.version, package.version)
        return not sought or time.time() - held.checked >= seconds

    async def _try(self, package: Package, candidate: Candidate, held: Docset | None) -> Docset:
        known = held is not None and held.source == candidate.inventory
        got = await self.fetcher.fetch(candidate.inventory, held.etag if held and known else "")
        if got.data is None and held is not None:
            touch = self.library.index.touch
            return await self.threads.run(touch, held, time.time(), package.version)
        return await self.threads.run(self._keep, package, candidate, got)

    def _keep(self, package: Package, candidate: Candidate, got: Fetched) -> Docset:
        inventory = parse_inventory(got.data or b"")
        if not _documents(inventory, package):
            raise InventoryError(f"it documents no module of {package.name}")
        redirected = got.url != candidate.inventory and got.url.endswith("/objects.inv")
        return self.library.index.put(
            package.name,
            inventory,
            base=_folder(got.url) if redirected else candidate.base,
            origin="fetched",
            source=candidate.inventory,
            etag=got.etag,
            checked=time.time(),
            sought=package.version,
        )

    def _require_permission(self, package: Package) -> None:
        match permission(self.policy(), self.answers, package):
            case "private":
                raise FetchRefusedError(
                    f"{package.name} is private (linewise.docs.privatePackages, --private or"
                    f" {PRIVATE_VARIABLE}): its docs are never fetched. `linewise docs add"
                    f" PATH_OR_URL --package {package.name}` takes them from where you say."
                )
            case "refused":
                raise FetchRefusedError(
                    f"Fetching the docs of {package.name} is switched off (linewise.docs.fetch,"
                    f" or an earlier answer). `linewise docs add URL --package {package.name}`"
                    " fetches them once."
                )
            case "ask":
                raise FetchRefusedError(
                    f"Fetching the docs of {package.name} would tell their host that you use it;"
                    " that needs your yes first."
                )
            case "granted":
                return

    def _owner(self, inventory: Inventory) -> str:
        """Return the installed package that most symbols belong to, else the project's name."""
        for symbol in inventory.symbols:
            if symbol.role == "py:module":
                package = self.packages.of(symbol.name)
                if package is not None:
                    return package.name
        name = normalise(inventory.project.strip().replace(" ", "-"))
        if not name:
            raise ApiDocsError("The inventory names no project; say whose it is with --package.")
        return name

    def _known_base(self, name: str) -> str:
        return general_base(self.packages.named(name) or Package(name, "", (name,)))


def _documents(inventory: Inventory, package: Package) -> bool:
    tops = {symbol.name.partition(".")[0] for symbol in inventory.symbols}
    return package.name == "python" or not tops.isdisjoint(package.modules)


def _read(place: str) -> tuple[Path, bytes]:
    """Return the inventory's path and bytes; a folder stands for the inventory in it."""
    path = Path(place).expanduser().absolute()
    path = path / "objects.inv" if path.is_dir() else path
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InventoryError(f"{path} has more than {MAX_BYTES:,} bytes")
        return path, path.read_bytes()
    except OSError as error:
        raise ApiDocsError(f"{path}: {error.strerror or error}") from error


def _built_beside(path: Path) -> str:
    """Return the base of the pages that were built beside an inventory, empty without any."""
    return f"{path.parent.as_uri()}/" if (path.parent / "index.html").exists() else ""


def _folder(url: str) -> str:
    return url.rpartition("/")[0] + "/"


def _reason(error: FetchError | InventoryError) -> str:
    return error.reason
