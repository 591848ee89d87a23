"""Docs come onto the machine with permission, are checked, and stay when a fetch fails."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from linewise_server.apidocs.acquire import Acquisition
from linewise_server.apidocs.consent import Answers, Policy
from linewise_server.apidocs.docs import Docs
from linewise_server.apidocs.errors import ApiDocsError, FetchError, FetchRefusedError
from linewise_server.apidocs.fetcher import Fetcher
from linewise_server.apidocs.inventory import Inventory, Symbol, write_inventory
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.packages import Packages
from linewise_server.apidocs.source import Source

from .conftest import TOY_INV, Handler

TOY_URL = "https://toy.example/docs/objects.inv"


def acquisition(
    library: Library, packages: Packages, tmp_path: Path, handle: Handler, policy: Policy
) -> Acquisition:
    fetcher = Fetcher(lambda: httpx.AsyncClient(transport=httpx.MockTransport(handle)))
    return Acquisition(
        library, packages, lambda: policy, Answers(tmp_path / "answers.json"), fetcher
    )


ALWAYS = Policy("always", ())


async def test_docs_are_fetched_once_a_day_and_compared_by_etag(
    library: Library, packages: Packages, tmp_path: Path
) -> None:
    asked: list[tuple[str, str | None]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append((str(request.url), request.headers.get("If-None-Match")))
        if request.headers.get("If-None-Match") == "e1":
            return httpx.Response(304)
        return httpx.Response(200, content=TOY_INV, headers={"ETag": "e1"})

    get = acquisition(library, packages, tmp_path, handle, ALWAYS)
    toy = packages.named("toy")
    assert toy is not None
    first = await get.refresh(toy)
    assert (first.base, first.version, first.symbols) == ("https://toy.example/docs/", "1.2", 3)
    await get.refresh(toy)
    assert asked == [(TOY_URL, None)]
    await get.refresh(toy, force=True)
    assert asked[1:] == [(TOY_URL, "e1")]
    symbol = library.find(toy, "toy.Box.open")
    assert symbol is not None
    link = library.link(toy, symbol)
    assert link.url == "https://toy.example/docs/api.html#toy.Box.open"
    assert link.caption == "toy 1.2.3"


async def test_docs_of_another_version_are_fetched_when_the_package_changes(
    library: Library, packages: Packages, tmp_path: Path
) -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=TOY_INV)

    get = acquisition(library, packages, tmp_path, handle, ALWAYS)
    docs = Docs(library, packages, get, None)
    toy = packages.named("toy")
    assert toy is not None
    await get.refresh(toy)
    assert not get.is_outdated(toy)
    newer = replace(toy, version="2.0.1")
    assert get.is_outdated(newer)
    await get.refresh(newer)
    assert asked == [TOY_URL] * 2
    assert not get.is_outdated(newer), "its host has no better, and was asked today"
    here = await docs.resolve(Source("import toy\ntoy.Box", "python"), 15)
    assert here is not None
    assert docs.obtainable(here) is None
    (held,) = library.index.docsets("toy")
    library.index.touch(held, time.time() - 8 * 24 * 3600, toy.version)
    assert docs.obtainable(here) == toy
    get.answers.keep("toy", yes=False)
    asking = Acquisition(library, packages, lambda: Policy("ask", ()), get.answers, get.fetcher)
    assert Docs(library, packages, asking, None).obtainable(here) is None


@pytest.mark.parametrize(
    "policy", [Policy("ask", ()), Policy("never", ()), Policy("always", ("t*",))]
)
async def test_without_permission_nothing_is_sent(
    library: Library, packages: Packages, tmp_path: Path, policy: Policy
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    get = acquisition(library, packages, tmp_path, handle, policy)
    toy = packages.named("toy")
    assert toy is not None
    with pytest.raises(FetchRefusedError):
        await get.refresh(toy)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (httpx.Response(404), "404"),
        (httpx.Response(200, content=b"<html>"), "first line"),
        (
            httpx.Response(
                200,
                content=write_inventory(Inventory("O", "1", (Symbol("os", "py:module", "p"),))),
            ),
            "no module of toy",
        ),
    ],
)
async def test_a_failed_fetch_says_why_and_keeps_what_is_here(
    library: Library, packages: Packages, tmp_path: Path, response: httpx.Response, reason: str
) -> None:
    get = acquisition(library, packages, tmp_path, lambda _: response, ALWAYS)
    toy = packages.named("toy")
    assert toy is not None
    path = tmp_path / "objects.inv"
    path.write_bytes(TOY_INV)
    await get.add(str(path), package=None, base="https://mirror.example/toy", version=None)
    with pytest.raises(FetchError, match=reason):
        await get.refresh(toy)
    symbol = library.find(toy, "toy.Box")
    assert symbol is not None
    assert library.link(toy, symbol).url == "https://mirror.example/toy/api.html#toy.Box"


async def test_a_folder_of_built_docs_is_linked_to_in_place(
    library: Library, packages: Packages, tmp_path: Path
) -> None:
    built = tmp_path / "html"
    built.mkdir()
    (built / "objects.inv").write_bytes(TOY_INV)
    (built / "index.html").write_text("")
    get = acquisition(library, packages, tmp_path, lambda _: httpx.Response(404), ALWAYS)
    docset = await get.add(str(built), package=None, base=None, version=None)
    assert docset.package == "toy"
    assert docset.base == f"{built.as_uri()}/"


@pytest.mark.parametrize("place", ["no/such/file.inv", "https://toy.example/nothing"])
async def test_adding_what_is_not_there_says_so(
    library: Library, packages: Packages, tmp_path: Path, place: str
) -> None:
    get = acquisition(library, packages, tmp_path, lambda _: httpx.Response(404), ALWAYS)
    with pytest.raises(ApiDocsError, match=place):
        await get.add(place, package=None, base=None, version=None)
