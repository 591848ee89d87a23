"""A catalogue is built, checked, signed, subscribed to, updated, and refused when it must be."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from linewise_telemetry.catalogue.build import build_document, template
from linewise_telemetry.catalogue.document import Announcement, Entry, check, read_document, schema
from linewise_telemetry.catalogue.envelope import new_key, open_envelope, sign
from linewise_telemetry.catalogue.errors import (
    CatalogueError,
    DocumentError,
    KeyChangedError,
    SignatureError,
)
from linewise_telemetry.catalogue.shelf import Pulled, Shelf

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "https://docs.example/toy.catalogue"
SYMBOLS = [
    Entry(f"toy.{name}", "function", f"https://d.example/#{name}") for name in ("old", "new")
]
YAML = """
id: toy
title: Toy
maker: {name: Toy Makers}
package: toy
release: 3
deprecations:
  - {symbol: toy.old, since: "1.9", removed_in: "1.10", replacement: toy.new, mechanical: true}
samples:
  - {id: hello, title: Say hello, symbols: [toy.new], code: "toy.new()"}
announcements:
  - {id: survey, title: A survey, until: "2027-01-31", before: "2.0"}
support:
  - {title: Forum, url: "https://forum.example/"}
"""


def changed(**fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(build_document(YAML, SYMBOLS)) | fields
    return document


def signed(key: bytes, **fields: Any) -> bytes:
    return sign(json.dumps(changed(**fields)).encode(), key)


class Host:
    """An address that serves envelopes, by ETag."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[str] = []

    async def pull(self, address: str, etag: str) -> Pulled:
        assert address == ADDRESS
        self.asked.append(etag)
        now = str(hash(self.data))
        return Pulled(None if etag == now else self.data, now)


def test_a_built_document_reads_back() -> None:
    catalogue = read_document(build_document(YAML, SYMBOLS))
    assert (catalogue.id, catalogue.maker, catalogue.release) == ("toy", "Toy Makers", 3)
    assert catalogue.symbols == tuple(SYMBOLS)
    assert catalogue.deprecations[0].replacement == "toy.new"
    assert catalogue.samples[0].code == "toy.new()"


def test_the_published_schema_is_one_and_the_template_fits_it() -> None:
    Draft202012Validator.check_schema(schema())
    assert build_document(template("toy", "toy.yaml"), SYMBOLS)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"release": 0}, "release"),
        ({"id": "../toy"}, "id"),
        ({"surprise": 1}, "surprise"),
        ({"support": [{"title": "x", "url": "http://forum.example/"}]}, "support/0/url"),
        ({"support": [{"title": "x", "url": "https://a.example/) [x](y"}]}, "support/0/url"),
        ({"deprecations": [{"symbol": "toy.gone", "since": "1"}]}, "toy.gone is not among"),
        (
            {"deprecations": [{"symbol": "toy.old", "since": "1", "mechanical": True}]},
            "replacement",
        ),
        (
            {"deprecations": [{"symbol": "toy.old", "since": "1.10", "removed_in": "1.9"}]},
            "removed in 1.9",
        ),
        (
            {"samples": [{"id": "a", "title": "A", "symbols": ["toy.new"], "code": "def"}]},
            "does not parse",
        ),
        ({"announcements": [{"id": "a", "title": "A", "until": "2027-02-31"}]}, "is no day"),
        ({"symbols": [{"name": "a", "kind": "x", "url": "https://a.example"}] * 2}, "2 times"),
    ],
)
def test_what_may_not_be_published_is_named(fields: dict[str, Any], problem: str) -> None:
    problems = check(changed(**fields))
    assert any(problem in line for line in problems), problems
    with pytest.raises(DocumentError, match="no valid catalogue"):
        read_document(json.dumps(changed(**fields)).encode())


@pytest.mark.parametrize("text", ["- a", "a: [", "id: toy"])
def test_yaml_that_is_no_catalogue_says_so(text: str) -> None:
    with pytest.raises(CatalogueError):
        build_document(text, SYMBOLS)


@pytest.mark.parametrize(
    ("installed", "today", "concerns"),
    [
        ("1.9", "2027-01-31", True),
        ("2.0", "2027-01-31", False),
        ("10.0", "2027-01-31", False),
        ("", "2027-01-31", True),
        ("1.9", "2027-02-01", False),
    ],
)
def test_an_announcement_has_an_audience_and_an_end(
    installed: str, today: str, concerns: bool
) -> None:
    end = datetime.date(2027, 1, 31)
    announcement = Announcement("a", "A", "", None, (), "2.0", end)
    assert announcement.concerns(installed, datetime.date.fromisoformat(today)) is concerns


def test_a_signature_holds_for_these_bytes_and_this_key_only() -> None:
    envelope = signed(new_key())
    assert read_document(open_envelope(envelope).payload).id == "toy"
    fields = json.loads(envelope)
    other = json.loads(signed(new_key(), title="Other"))
    changes: list[dict[str, Any]] = [
        {"payload": other["payload"]},
        {"signatures": other["signatures"]},
        {"payloadType": "text/plain"},
        {"signatures": []},
        {"payload": "???"},
    ]
    for change in changes:
        with pytest.raises(SignatureError):
            open_envelope(json.dumps(fields | change).encode())
    with pytest.raises(SignatureError):
        open_envelope(build_document(YAML, SYMBOLS))
    with pytest.raises(SignatureError, match="key"):
        sign(b"{}", b"no key")


async def test_a_subscriber_gets_what_is_new_by_etag(tmp_path: Path) -> None:
    key, shelf = new_key(), Shelf(tmp_path / "catalogues")
    host = Host(signed(key))
    before = shelf.stamp
    subscription, catalogue = await shelf.add(ADDRESS, host.pull)
    assert (subscription.release, catalogue.release, shelf.stamp != before) == (3, 3, True)
    assert await shelf.update(subscription, host.pull) is None
    host.data = signed(key, release=4, title="Toy 4")
    (held,) = shelf.subscriptions()
    newer = await shelf.update(held, host.pull)
    assert newer is not None
    assert [c.title for c in shelf.catalogues()] == ["Toy 4"]
    assert host.asked[0] == ""
    assert host.asked[1] == host.asked[2] != ""
    with pytest.raises(CatalogueError, match="already"):
        await shelf.add(ADDRESS, host.pull)


async def test_another_key_is_refused_loudly_and_the_copy_stays(tmp_path: Path) -> None:
    key, shelf = new_key(), Shelf(tmp_path)
    host = Host(signed(key))
    subscription, _ = await shelf.add(ADDRESS, host.pull)
    host.data = signed(new_key(), release=4)
    with pytest.raises(KeyChangedError, match="REFUSED") as refusal:
        await shelf.update(subscription, host.pull)
    assert subscription.fingerprint in str(refusal.value)
    for data, error in [
        (signed(key, release=2), "went back"),
        (signed(key, id="other"), "now gives other"),
        (b"<html>", "no signed catalogue"),
    ]:
        host.data = data
        with pytest.raises(CatalogueError, match=error):
            await shelf.update(subscription, host.pull)
    assert [c.release for c in shelf.catalogues()] == [3]
    assert shelf.subscriptions() == [subscription]


async def test_a_copy_changed_on_disk_is_not_used(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    await shelf.add(ADDRESS, Host(signed(new_key())).pull)
    (tmp_path / "toy.catalogue").write_bytes(signed(new_key()))
    assert shelf.catalogues() == []


async def test_removing_and_muting(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    await shelf.add(ADDRESS, Host(signed(new_key())).pull)
    shelf.mute("toy", "survey")
    assert shelf.subscriptions()[0].muted == ("survey",)
    shelf.remove("toy")
    assert shelf.subscriptions() == []
    assert not (tmp_path / "toy.catalogue").exists()
    with pytest.raises(CatalogueError, match="subscribed"):
        shelf.remove("toy")
    shelf.folder.joinpath("subscriptions.json").write_text("{")
    with pytest.raises(CatalogueError, match="is damaged"):
        shelf.subscriptions()
