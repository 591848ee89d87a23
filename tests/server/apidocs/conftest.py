"""Docs of a made-up world: an environment with one installed package, and hosts that serve docs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from linewise_server.apidocs.environment import Environment
from linewise_server.apidocs.index import Index
from linewise_server.apidocs.inventory import Inventory, Symbol, write_inventory
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.packages import Packages

Handler = Callable[[httpx.Request], httpx.Response]

TOY = Inventory(
    "Toy",
    "1.2",
    (
        Symbol("toy", "py:module", "api.html#module-$"),
        Symbol("toy.Box", "py:class", "api.html#$"),
        Symbol("toy.Box.open", "py:method", "api.html#$"),
    ),
)
TOY_INV = write_inventory(TOY)


def install(folder: Path, name: str, version: str, *, modules: str, urls: tuple[str, ...]) -> None:
    """Write a distribution's metadata into a site-packages folder."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Project-URL: {url}" for url in urls]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    (info / "top_level.txt").write_text(modules)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Return an environment in which `toy` 1.2.3 is installed."""
    folder = tmp_path / "site-packages"
    urls = ("Documentation, https://toy.example/docs", "Source, https://github.com/toy/toy")
    install(folder, "Toy", "1.2.3", modules="toy\n", urls=urls)
    return Environment(tmp_path / "bin" / "python", (3, 12), (folder,))


@pytest.fixture
def packages(environment: Environment) -> Packages:
    """Return the packages of the environment."""
    return Packages(environment)


@pytest.fixture
def library(environment: Environment) -> Iterator[Library]:
    """Return an empty library."""
    index = Index(None)
    yield Library(index, environment)
    index.close()
