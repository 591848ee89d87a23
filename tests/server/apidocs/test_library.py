"""Which docs answer for a package, and what their links say of the version."""

from __future__ import annotations

import pytest

from linewise_server.apidocs.index import Origin
from linewise_server.apidocs.inventory import Inventory, Symbol
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.packages import Package

NAMES = (Symbol("toy.Box", "py:class", "api#$"),)


def put(library: Library, version: str, origin: Origin = "added") -> None:
    inventory = Inventory("Toy", version, NAMES)
    base = f"https://toy.example/{version}/"
    library.index.put("toy", inventory, base=base, origin=origin, source=f"{origin} {version}")


@pytest.mark.parametrize(
    ("held", "installed", "url", "caption"),
    [
        (["1.2"], "1.2.3", "1.2", "toy 1.2.3"),
        (["1.1", "1.2", "1.3"], "1.2.3", "1.2", "toy 1.2.3"),
        (["1.1", "1.10"], "2.0", "1.10", "toy docs 1.10 (installed: 2.0)"),
        (["1.2.3", "1.2.4"], "1.2.3", "1.2.3", "toy 1.2.3"),
        (["v1.2"], "1.2.3", "v1.2", "toy 1.2.3"),
        ([""], "1.2.3", "", "toy 1.2.3"),
        (["1.1"], "", "1.1", "toy 1.1"),
    ],
)
def test_the_nearest_version_answers_and_says_so(
    library: Library, held: list[str], installed: str, url: str, caption: str
) -> None:
    for version in held:
        put(library, version)
    package = Package("toy", installed, ("toy",))
    symbol = library.find(package, "toy.Box")
    assert symbol is not None
    link = library.link(package, symbol)
    assert (link.url, link.caption) == (f"https://toy.example/{url}/api#toy.Box", caption)


def test_the_maker_s_catalogue_comes_first(library: Library) -> None:
    put(library, "1.2.3")
    put(library, "9.9", "catalogue")
    package = Package("toy", "1.2.3", ("toy",))
    assert library.link(package, NAMES[0]).url == "https://toy.example/9.9/api#toy.Box"


def test_the_standard_library_s_links_are_of_the_python_in_use(library: Library) -> None:
    python = Package("python", "3.12", ())
    symbol = library.find(python, "json.dumps")
    assert symbol is not None
    link = library.link(python, symbol)
    assert link.url == "https://docs.python.org/3.12/library/json.html#json.dumps"
    assert link.caption == "Python 3.12"


def test_a_bundled_table_is_put_into_the_index_once(library: Library) -> None:
    before = library.docset("python")
    again = Library(library.index, library.environment)
    assert again.docset("python") == before
    assert len(library.index.docsets("python")) == 1
    assert library.docset("no-such-package") is None
