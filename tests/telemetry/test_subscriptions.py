"""What the user's shelf says to telemetry: which names exist, and who reads their events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from linewise_telemetry.catalogue.envelope import new_key, sign
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Pulled, Shelf
from linewise_telemetry.client.subscriptions import Collector, Shelved, Subscriptions

if TYPE_CHECKING:
    from pathlib import Path

HERE, THERE = "http://127.0.0.1:4318", "https://t.example"


def document(origin: str, **fields: Any) -> bytes:
    content = {
        "format": "linewise-catalogue/1",
        "id": "toy",
        "title": "Toy",
        "maker": {"name": "Toy Makers"},
        "release": 1,
        "package": "toy",
        "symbols": [{"name": "toy.Box", "kind": "class", "url": "https://toy.example/#Box"}],
        "deprecations": [{"symbol": "toy.Box", "since": "1.0"}],
        "samples": [{"id": "box", "title": "A box", "symbols": ["toy.Box"], "code": "toy.Box()"}],
        "announcements": [{"id": "news", "title": "News", "until": "2099-01-01"}],
        "telemetry": {"origin": origin, "project": "p1"},
    }
    return sign(json.dumps(content | fields).encode(), new_key())


async def subscribe(folder: Path, address: str, origin: str = THERE) -> Shelf:
    async def pull(_: str, __: str) -> Pulled:
        return Pulled(document(origin), "1")

    shelf = Shelf(folder)
    await shelf.add(address, pull)
    return shelf


async def test_names_are_those_of_the_catalogue(tmp_path: Path) -> None:
    shelf = await subscribe(tmp_path, "https://toy.example/toy.catalogue")
    seen: Subscriptions = Shelved(Holding(shelf))
    assert list(seen.catalogues()) == ["toy"]
    assert seen.collector("toy") == Collector(THERE, "p1")
    assert [seen.lists("toy", name) for name in ("toy.Box", "box", "news", "toy.x")] == [
        True, True, True, False,
    ]  # fmt: skip
    assert (seen.catalogue_of("toy.Box"), seen.maker("toy")) == ("toy", "Toy Makers")
    assert (seen.lists("other", "toy.Box"), seen.collector("other")) == (False, None)


@pytest.mark.parametrize(
    ("address", "origin", "heard"),
    [
        ("https://toy.example/toy.catalogue", THERE, True),
        ("http://127.0.0.1:8000/toy.catalogue", HERE, True),
        ("http://127.0.0.1:8000/toy.catalogue", THERE, True),
        # Nobody else may have requests made to what runs on the reader's machine.
        ("https://toy.example/toy.catalogue", HERE, False),
        ("https://toy.example/toy.catalogue", "https://localhost", False),
        ("https://toy.example/toy.catalogue", "https://127.0.0.2:9", False),
    ],
)
async def test_a_collector_on_this_machine_wants_a_catalogue_from_it(
    tmp_path: Path, address: str, origin: str, heard: bool
) -> None:
    seen = Shelved(Holding(await subscribe(tmp_path, address, origin)))
    assert (seen.collector("toy") is not None) == heard


async def test_it_follows_the_shelf_and_reads_it_only_when_it_changed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    holding = Holding(shelf)
    assert holding.current().by_id == {}
    await subscribe(tmp_path, "https://toy.example/toy.catalogue")
    held = holding.current()
    assert held.owners == {"toy.Box": "toy"}
    assert held.lasts == frozenset({"Box"})
    assert held.deprecated == held.sampled == frozenset({("toy", "toy.Box")})
    assert holding.current() is held
    shelf.remove("toy")
    assert holding.current().by_id == {}


def test_a_damaged_shelf_has_no_subscriptions(tmp_path: Path) -> None:
    (tmp_path / "subscriptions.json").write_text("{")
    seen = Shelved(Holding(Shelf(tmp_path)))
    assert (list(seen.catalogues()), seen.lists("toy", "x"), seen.catalogue_of("x")) == (
        [], False, None,
    )  # fmt: skip
