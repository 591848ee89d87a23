"""A subscribed catalogue's say on a Python text: deprecations, samples, announcements, links."""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from linewise_server.apidocs.acquire import Acquisition
from linewise_server.apidocs.catalogues import Catalogues, DeprecatedUse
from linewise_server.apidocs.consent import Answers, Policy
from linewise_server.apidocs.docs import Docs
from linewise_server.apidocs.fetcher import Fetcher
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.packages import Packages
from linewise_server.apidocs.source import Source
from linewise_telemetry.catalogue.envelope import new_key, sign
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Pulled, Shelf

GUIDE = "https://toy.example/migrate"
KEY = new_key()


def document(release: int = 1, **fields: Any) -> bytes:
    names = ("old", "new", "gone", "later", "Box", "moved")
    symbols = [
        {"name": f"toy.{n}", "kind": "function", "url": f"https://toy.example/#{n}"} for n in names
    ]
    content = {
        "format": "linewise-catalogue/1",
        "id": "toy",
        "title": "Toy",
        "maker": {"name": "Toy Makers"},
        "release": release,
        "package": "toy",
        "symbols": symbols,
        "deprecations": [
            {"symbol": "toy.old", "since": "1.0", "removed_in": "2.0", "replacement": "toy.new",
             "mechanical": True, "guide": GUIDE},
            {"symbol": "toy.gone", "since": "0.9", "removed_in": "1.1", "note": "Nothing like it."},
            {"symbol": "toy.later", "since": "1.10"},
            {"symbol": "toy.moved", "since": "1.2", "replacement": "toy.Box"},
        ],
        "samples": [{"id": "box", "title": "A box", "symbols": ["toy.Box"], "code": "toy.Box()"}],
        "announcements": [
            {"id": "all", "title": "To all", "until": "2027-01-31"},
            {"id": "some", "title": "To some", "until": "2027-01-31", "symbols": ["toy.Box"]},
        ],
        "support": [{"title": "Forum", "url": "https://forum.example/"}],
        "telemetry": {"origin": "https://t.example", "project": "p1"},
    }  # fmt: skip
    return sign(json.dumps(content | fields).encode(), KEY)


@pytest_asyncio.fixture
async def docs(library: Library, packages: Packages, tmp_path: Path) -> AsyncIterator[Docs]:
    """Return docs by text alone, of an environment with toy 1.2.3."""
    answers = Answers(tmp_path / "answers.json")
    acquisition = Acquisition(library, packages, lambda: Policy("never", ()), answers, Fetcher())
    yield Docs(library, packages, acquisition, None)


@pytest_asyncio.fixture
async def catalogues(library: Library, tmp_path: Path) -> Catalogues:
    """Return catalogues with toy's subscribed to."""

    async def pull(_: str, __: str) -> Pulled:
        return Pulled(document(), "1")

    shelf = Shelf(tmp_path / "catalogues")
    await shelf.add("https://toy.example/toy.catalogue", pull)
    return Catalogues(Holding(shelf), library.index)


OLD = "toy.old is deprecated since 1.0 and will be removed in 2.0. Use toy.new."

CASES: list[tuple[str, list[tuple[str, str, str | None, bool]]]] = [
    (
        "import toy\ntoy.old()",
        [("old", OLD, "new", False)],
    ),
    (
        "from toy import old as fresh\nfresh()",
        [("old", OLD, "new", False)],
    ),
    ("import toy as t\nt.gone",
     [("gone", "toy.gone was removed in 1.1. Nothing like it.", None, True)]),
    ("import toy\ntoy.moved()",
     [("moved", "toy.moved is deprecated since 1.2. Use toy.Box.", None, False)]),
    ("import toy\ntoy.later()", []),
    ("import toy\ntoy.new()", []),
    ("import other as toy\ntoy.old()", []),
    ("old = 1\nold", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
async def test_deprecated_uses(
    docs: Docs, catalogues: Catalogues, text: str, expected: list[tuple[str, str, str | None, bool]]
) -> None:
    source = Source(text, "python")
    found: list[DeprecatedUse] = await catalogues.deprecated_uses(docs, source, 1.0)
    spelled = [(text[u.span.start : u.span.end], u.message, u.rename, u.gone) for u in found]
    assert spelled == expected


async def test_a_deprecation_leads_to_its_guide_and_a_symbol_to_its_page(
    docs: Docs, catalogues: Catalogues
) -> None:
    (found,) = await catalogues.deprecated_uses(docs, Source("import toy\ntoy.old", "python"), 1.0)
    assert (found.url, found.catalogue) == (GUIDE, "Toy")
    link = docs.lookup("toy.Box").link
    assert link is not None
    assert link.url == "https://toy.example/#Box"


async def test_an_update_shows_at_once(docs: Docs, catalogues: Catalogues) -> None:
    source = Source("import toy\ntoy.new()", "python")
    assert await catalogues.deprecated_uses(docs, source, 1.0) == []

    async def pull(_: str, __: str) -> Pulled:
        return Pulled(document(2, deprecations=[{"symbol": "toy.new", "since": "1.2"}]), "2")

    (subscription,) = catalogues.shelf.subscriptions()
    await catalogues.shelf.update(subscription, pull)
    (found,) = await catalogues.deprecated_uses(docs, source, 1.0)
    assert found.message == "toy.new is deprecated since 1.2."
    catalogues.shelf.remove("toy")
    assert await catalogues.deprecated_uses(docs, source, 1.0) == []
    assert docs.lookup("toy.Box").link is None


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("import toy", "2027-01-31", ["all"]),
        ("import toy\ntoy.Box", "2027-01-31", ["all", "some"]),
        ("import toy", "2027-02-01", []),
        ("import json", "2027-01-31", []),
    ],
)
async def test_announcements_reach_who_uses_the_package(
    docs: Docs, catalogues: Catalogues, text: str, day: str, expected: list[str]
) -> None:
    today, source = datetime.date.fromisoformat(day), Source(text, "python")
    found = catalogues.announcements(docs, source, today)
    assert [announcement.id for _, announcement in found] == expected
    catalogues.shelf.mute("toy", "all")
    left = catalogues.announcements(docs, source, today)
    assert [announcement.id for _, announcement in left] == [e for e in expected if e != "all"]


def test_samples_and_support(catalogues: Catalogues) -> None:
    assert [(of, sample.id) for of, sample in catalogues.samples("toy.Box")] == [("toy", "box")]
    assert [link.title for link in catalogues.support("toy")] == ["Forum"]
