"""A subscribed catalogue's say on a Python text: deprecations, samples, announcements, links."""

from __future__ import annotations

import datetime
import json
import re
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from linewise_server.apidocs.acquire import Acquisition
from linewise_server.apidocs.catalogues import Catalogues
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
async def catalogues(docs: Docs, library: Library, tmp_path: Path) -> Catalogues:
    """Return catalogues with toy's subscribed to."""
    shelf = await _subscribed(tmp_path / "catalogues")
    found = Catalogues(Holding(shelf), library.index, docs.threads)
    await found.refresh()
    return found


async def _subscribed(folder: Path) -> Shelf:
    async def pull(_: str, __: str) -> Pulled:
        return Pulled(document(), "1")

    shelf = Shelf(folder)
    await shelf.add("https://toy.example/toy.catalogue", pull)
    return shelf


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
    uses = await catalogues.deprecated_uses(docs, source, 1.0)
    spelled = [(text[u.span.start : u.span.end], u.message, u.rename, u.gone) for u in uses.found]
    assert spelled == expected
    assert uses.complete


RENAMED: list[tuple[str, str | None]] = [
    ("from toy import §old\n§old()\nx = [§old, §old.name]\n", "new"),
    ("from toy import §old\ndef f(old):\n  old()\n§old()\n", "new"),
    ("from toy import §old, new\n§old(old=1)\nnew()\n", "new"),
    ("from toy import §old\n§old(new=1)\nx.new\n", "new"),
    ("from toy import §old as fresh\nfresh()\nold = 1\n", "new"),
    ("import toy\ntoy.§old()\ntoy.old()\n", "new"),
    ("import toy\nnew = toy.§old()\n", "new"),
    ("import toy.§old\ntoy.§old.f()\n", "new"),
    ("from toy.§old import f\nfrom toy import old\nold()\n", "new"),
    ("from toy import §old\nnew = 1\nold()\n", None),
    ("from toy import §old\ndef f(new): old()\n", None),
    ("from toy import §old\n__all__ = ['old']\nold()\n", None),
    ("from toy import §old as old\nold()\n", None),
]
"""The fix of the first marked use changes all marked ones, to the name beside it."""


@pytest.mark.parametrize(("marked", "rename"), RENAMED)
async def test_a_fix_renames_all_that_has_to_be_renamed_together(
    docs: Docs, catalogues: Catalogues, marked: str, rename: str | None
) -> None:
    first, *others = (match.start() - n for n, match in enumerate(re.finditer("§", marked)))
    source = Source(marked.replace("§", ""), "python", Path("/code/main.py"))
    uses = await catalogues.deprecated_uses(docs, source, 1.0)
    (use,) = (use for use in uses.found if use.span.start == first)
    assert use.rename == rename
    assert [place.start for place in use.places] == ([first, *others] if rename else [])


async def test_no_fix_takes_a_name_from_those_who_import_a_package(
    docs: Docs, catalogues: Catalogues
) -> None:
    source = Source("from toy import old\n", "python", Path("/code/mine/__init__.py"))
    uses = await catalogues.deprecated_uses(docs, source, 1.0)
    assert [use.rename for use in uses.found] == [None]


async def test_a_deprecated_class_is_found_within_a_longer_name(
    docs: Docs, catalogues: Catalogues
) -> None:
    source = Source("import toy\ntoy.moved.f.g()\n", "python")
    uses = await catalogues.deprecated_uses(docs, source, 1.0)
    assert [use.symbol for use in uses.found] == ["toy.moved"]


async def test_a_deprecation_leads_to_its_guide_and_a_symbol_to_its_page(
    docs: Docs, catalogues: Catalogues
) -> None:
    source = Source("import toy\ntoy.old", "python")
    (found,) = (await catalogues.deprecated_uses(docs, source, 1.0)).found
    assert (found.url, found.catalogue) == (GUIDE, "Toy")
    link = docs.lookup("toy.Box").link
    assert link is not None
    assert link.url == "https://toy.example/#Box"


async def test_who_can_wait_is_never_told_of_less_than_is_there(tmp_path: Path) -> None:
    """Many ask at once while the shelf is read for the first time."""
    holding = Holding(await _subscribed(tmp_path / "catalogues"))
    together = threading.Barrier(8)

    def ask() -> list[str]:
        together.wait()
        return list(holding.current(wait=True).by_id)

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(ask) for _ in range(8)]
    assert [answer.result() for answer in answers] == [["toy"]] * 8


async def test_an_update_shows_at_once(docs: Docs, catalogues: Catalogues) -> None:
    source = Source("import toy\ntoy.new()", "python")
    assert not (await catalogues.deprecated_uses(docs, source, 1.0)).found

    async def pull(_: str, __: str) -> Pulled:
        return Pulled(document(2, deprecations=[{"symbol": "toy.new", "since": "1.2"}]), "2")

    (subscription,) = catalogues.shelf.subscriptions()
    await catalogues.shelf.update(subscription, pull)
    await catalogues.refresh()
    (found,) = (await catalogues.deprecated_uses(docs, source, 1.0)).found
    assert found.message == "toy.new is deprecated since 1.2."
    catalogues.shelf.remove("toy")
    await catalogues.refresh()
    assert not (await catalogues.deprecated_uses(docs, source, 1.0)).found
    assert docs.lookup("toy.Box").link is None


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("import toy", "2027-01-31", ["all"]),
        ("import toy\ntoy.Box", "2027-01-31", ["all", "some"]),
        ("import toy", "2027-02-01", []),
        ("import toy\n# A toy.Box is not used.", "2027-01-31", ["all"]),
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
    await catalogues.refresh()
    left = catalogues.announcements(docs, source, today)
    assert [announcement.id for _, announcement in left] == [e for e in expected if e != "all"]


def test_samples_and_support(catalogues: Catalogues) -> None:
    assert [(of, sample.id) for of, sample in catalogues.samples("toy.Box")] == [("toy", "box")]
    assert [link.title for link in catalogues.support("toy")] == ["Forum"]
