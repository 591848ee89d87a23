"""Expressions over nine packages lead to the exact anchor, and never to a wrong one.

The packages are those of the dependency group `docs-test`. The standard library's docs come with
Linewise; the others' inventories are read from ../shared where it stands, else their blocks assert
nothing but that no link is made up.
"""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from importlib import metadata
from pathlib import Path

import pytest
import pytest_asyncio

from linewise_server.apidocs.consent import Policy
from linewise_server.apidocs.docs import Docs, Shared, open_docs
from linewise_server.apidocs.environment import own_environment
from linewise_server.apidocs.inventory import parse_inventory
from linewise_server.apidocs.link import Link
from linewise_server.apidocs.packages import Package
from linewise_server.apidocs.source import Source

from .golden import BLOCKS, INVENTORIES, Row, rows

SHARED = Path(__file__).parents[4] / "shared" / "data" / "inventories"
LATE = 120.0
"""Seconds; the first look at a package takes some."""

MISSES = {
    "sys.stdout.write": "jedi finds no class for a name that typeshed types as a union",
    "home.parent.mkdir": "jedi takes the property's `Self` for the class that defines it",
}
"""What is known to have no exact link, and why."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def docs(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> AsyncIterator[Docs]:
    """Return docs with the inventories at hand; one jedi for all blocks, its cache kept."""
    folder = tmp_path_factory.mktemp("golden")
    cache = Path(pytestconfig.cache.mkdir("linewise-golden")) if pytestconfig.cache else folder
    root = folder / "root"
    root.mkdir()
    shared = Shared(folder / "docs")
    docs = open_docs(shared, cache, root, own_environment(), lambda: Policy("never", ()))
    for package, file in INVENTORIES.items():
        if (SHARED / file).exists():
            inventory = parse_inventory((SHARED / file).read_bytes())
            base = f"https://{package}.example/"
            docs.library.index.put(package, inventory, base=base, origin="added", source=file)
    yield docs
    await docs.close()
    await shared.close()


def is_right(docs: Docs, package: str, row: Row, link: Link | None) -> bool:
    """Whether a link is the expected page and anchor, or none where none is expected."""
    exact = link.url if link is not None and link.exact else None
    held = Package(package, "", ())
    entries = [docs.library.find(held, name) for name in row.expected]
    right = [docs.library.link(held, entry).url for entry in entries if entry is not None]
    if docs.library.docset(package) is None:
        return exact is None
    assert len(right) > 0 or not row.expected, f"{row.expected} is not in the docs of {package}"
    return exact in right if right else exact is None


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("package", BLOCKS)
async def test_golden_table(docs: Docs, package: str) -> None:
    missed, false = set(), {}
    for row in rows(BLOCKS[package]):
        found = await docs.resolve(Source(row.text, "python"), row.offset, LATE)
        link = found.link if found is not None else None
        if not is_right(docs, package, row, link):
            missed.add(row.expression)
            if link is not None and link.exact:
                false[row.expression] = link.url
    held = docs.library.docset(package) is not None
    known = {row.expression for row in rows(BLOCKS[package])} & MISSES.keys() if held else set()
    assert false == {}
    assert missed == known


def test_the_packages_of_the_table_are_pinned_and_installed_as_pinned() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))
    pins = dict(pin.split("==") for pin in project["dependency-groups"]["docs-test"])
    assert pins.keys() == BLOCKS.keys() - {"python"}
    assert pins == {name: metadata.version(name) for name in pins}


def test_the_table_is_large_and_its_misses_few() -> None:
    expressions = [row.expression for block in BLOCKS.values() for row in rows(block)]
    assert len(expressions) >= 150
    assert len(MISSES) / len(expressions) < 0.05
