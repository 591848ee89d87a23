"""An adapter in a catalogue: stated, agreed to once, fetched, verified, kept and swept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from linewise_telemetry.catalogue.build import build_document
from linewise_telemetry.catalogue.document import (
    MAX_ADAPTER_BYTES,
    Adapter,
    check,
    read_document,
    schema,
)
from linewise_telemetry.catalogue.envelope import new_key, sign
from linewise_telemetry.catalogue.errors import AdapterError, CatalogueError, KeyChangedError
from linewise_telemetry.catalogue.shelf import Pulled, Shelf

if TYPE_CHECKING:
    from pathlib import Path

BASE, OTHER = "b" * 64, "0" * 64
CONTENT, NEWER = b"weights", b"newer weights"
YAML = """
id: toy
title: Toy
maker: {name: Toy Makers}
package: toy
release: 1
adapters:
  - {file: toy.gguf, licence: MIT, summary: Teaches toy}
"""


def stated(content: bytes = CONTENT, **fields: Any) -> dict[str, Any]:
    """Return an adapter as a document states it."""
    facts = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    words = {"file": "toy.gguf", "base": BASE, "licence": "MIT", "summary": "Teaches toy"}
    return {**words, **facts, **fields}


def document(release: int = 1, *adapters: dict[str, Any]) -> bytes:
    described = build_document(YAML, [], lambda file: stated())
    fields = {"release": release, "adapters": adapters or (stated(),)}
    return json.dumps(json.loads(described) | fields).encode()


@dataclass
class Host:
    """What serves a catalogue and, beside it, an adapter."""

    catalogue: bytes
    adapter: bytes = CONTENT
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def pull(self, address: str, etag: str) -> Pulled:
        return Pulled(self.catalogue, "")

    async def fetch(self, address: str, most: int) -> bytes:
        self.asked.append((address, most))
        return self.adapter


@dataclass
class Subscriber:
    """A shelf with toy's catalogue on it."""

    shelf: Shelf
    host: Host
    key: bytes

    @classmethod
    async def of(cls, folder: Path) -> Subscriber:
        key = new_key()
        made = cls(Shelf(folder), Host(sign(document(), key)), key)
        await made.shelf.add("https://toy.example/files/toy.catalogue?x=1", made.host.pull)
        return made

    @property
    def adapter(self) -> Adapter:
        """The adapter of the catalogue as it is held now."""
        return self.shelf.catalogues()[0].adapters[0]

    async def fetch(self) -> Path:
        return await self.shelf.fetch_adapter("toy", self.adapter, self.host.fetch)

    async def update(self, release: int, *adapters: dict[str, Any], key: bytes = b"") -> None:
        self.host.catalogue = sign(document(release, *adapters), key or self.key)
        await self.shelf.update(self.shelf.subscriptions()[0], self.host.pull)


def test_a_document_states_what_the_file_is_and_the_makers_words() -> None:
    described = {"sha256": "a" * 64, "bytes": 7, "base": OTHER}
    (found,) = read_document(build_document(YAML, [], lambda file: described)).adapters
    assert found == Adapter("toy.gguf", "a" * 64, 7, OTHER, "MIT", "Teaches toy")
    chosen = YAML.replace("licence:", f"base: {BASE}, licence:")
    (found,) = read_document(build_document(chosen, [], lambda file: described)).adapters
    assert (found.base, found.bytes) == (BASE, 7)


def test_the_schema_and_the_code_agree_on_the_largest() -> None:
    fields = schema()["properties"]["adapters"]["items"]["properties"]
    assert fields["bytes"]["maximum"] == MAX_ADAPTER_BYTES


@pytest.mark.parametrize(
    ("adapters", "problem"),
    [
        ([stated(file="../toy.gguf")], "file"),
        ([stated(file="https://elsewhere.example/toy.gguf")], "file"),
        ([stated(file="toy.bin")], "file"),
        ([stated(bytes=MAX_ADAPTER_BYTES + 1)], "bytes"),
        ([stated(sha256="a" * 63)], "sha256"),
        ([stated(base="B" * 64)], "base"),
        ([stated(licence="MIT, as I said")], "licence"),
        ([stated(sha256="a" * 64 + "\n")], "sha256"),
        ([stated(surprise=1)], "surprise"),
        ([stated(), stated(file="too.gguf")], f"2 are for the base {BASE}"),
        (["toy.gguf"], "adapters/0"),
    ],
)
def test_what_may_not_be_published_is_named(adapters: list[Any], problem: str) -> None:
    problems = check(json.loads(document()) | {"adapters": adapters})
    assert any(problem in line for line in problems), problems


async def test_nothing_is_fetched_without_a_yes(tmp_path: Path) -> None:
    toy = await Subscriber.of(tmp_path)
    for answer in (None, False):
        if answer is not None:
            toy.shelf.agree("toy", yes=answer)
        with pytest.raises(AdapterError, match="linewise catalogue adapter toy on"):
            await toy.fetch()
    assert toy.host.asked == []


async def test_it_comes_from_beside_the_catalogue_once_and_stays(tmp_path: Path) -> None:
    toy = await Subscriber.of(tmp_path)
    toy.shelf.agree("toy", yes=True)
    path = await toy.fetch()
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o077 == 0
    assert await toy.fetch() == path
    assert toy.host.asked == [("https://toy.example/files/toy.gguf", len(CONTENT))]


@pytest.mark.parametrize("sent", [b"", b"Weights", CONTENT + b"!"])
async def test_what_was_not_signed_is_not_kept(tmp_path: Path, sent: bytes) -> None:
    toy = await Subscriber.of(tmp_path)
    toy.shelf.agree("toy", yes=True)
    toy.host.adapter = sent
    with pytest.raises(AdapterError, match="not what its maker signed"):
        await toy.fetch()
    assert toy.shelf.adapters("toy").find(toy.adapter) is None


@pytest.mark.parametrize("damage", [b"", b"Weights"])
async def test_a_file_that_changed_on_disk_is_not_used(tmp_path: Path, damage: bytes) -> None:
    toy = await Subscriber.of(tmp_path)
    toy.shelf.agree("toy", yes=True)
    (await toy.fetch()).write_bytes(damage)
    assert toy.shelf.adapters("toy").find(toy.adapter) is None
    assert (await toy.fetch()).read_bytes() == CONTENT


async def test_the_question_is_asked_once(tmp_path: Path) -> None:
    toy = await Subscriber.of(tmp_path)
    assert toy.shelf.may_ask("toy")
    assert not toy.shelf.may_ask("toy")
    assert not toy.shelf.may_ask("other")
    toy.shelf.agree("toy", yes=True)
    assert not toy.shelf.may_ask("toy")
    assert toy.shelf.subscriptions()[0].adapter is True
    with pytest.raises(CatalogueError, match="is subscribed to"):
        toy.shelf.agree("other", yes=True)


async def test_an_update_keeps_the_yes_and_drops_the_old_file(tmp_path: Path) -> None:
    toy = await Subscriber.of(tmp_path)
    toy.shelf.agree("toy", yes=True)
    old = await toy.fetch()
    with pytest.raises(KeyChangedError):
        await toy.update(2, stated(NEWER), key=new_key())
    assert old.is_file()
    await toy.update(2, stated(NEWER))
    toy.host.adapter = NEWER
    assert (await toy.fetch()).read_bytes() == NEWER
    assert not old.exists()


@pytest.mark.parametrize("way", ["off", "removed"])
async def test_what_is_not_wanted_any_more_is_deleted(tmp_path: Path, way: str) -> None:
    toy = await Subscriber.of(tmp_path)
    toy.shelf.agree("toy", yes=True)
    path = await toy.fetch()
    if way == "off":
        toy.shelf.agree("toy", yes=False)
    else:
        toy.shelf.remove("toy")
    assert not path.exists()


async def test_a_list_from_before_there_were_adapters_is_read(tmp_path: Path) -> None:
    toy = await Subscriber.of(tmp_path)
    path = tmp_path / "subscriptions.json"
    (row,) = json.loads(path.read_text())
    del row["adapter"]
    path.write_text(json.dumps([row]))
    assert toy.shelf.subscriptions()[0].adapter is None
