"""Models that the index does not list: pulled by their source, found and checked like others."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from linewise_models.errors import PullError
from linewise_models.index import load_index
from linewise_models.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from linewise_models.fetch import Progress
    from tests.models.conftest import MakeWheel, Registry

INDEX = load_index()
HUB = "hf:o/r/sub/f.gguf@main"
WHEEL = "pypi:tiny-model==1.0/tiny_model/tiny.gguf"


@pytest.mark.parametrize("text", [HUB, WHEEL])
def test_what_was_pulled_by_its_source_is_known_by_it(
    online: Store, registry: Registry, make_wheel: MakeWheel, gguf: bytes, text: str
) -> None:
    registry.add_hub_file("o/r", "sub/f.gguf", "main", gguf)
    registry.add_wheel(make_wheel({"tiny_model/tiny.gguf": gguf}))
    entry = INDEX.resolve(text)
    assert online.known(INDEX) == list(INDEX.entries)

    path = online.pull(entry)
    assert path.parent == online.home.models
    assert path.read_bytes() == gguf
    assert online.verify(entry).sha256 == hashlib.sha256(gguf).hexdigest()
    *listed, other = online.known(INDEX)
    assert listed == list(INDEX.entries)
    assert (other.name, other.size) == (text, len(gguf))
    assert online.installed(other)
    assert online.path(other) == path

    assert online.remove(entry) >= len(gguf)
    assert online.known(INDEX) == list(INDEX.entries)


def test_progress_counts_towards_the_size_that_the_hub_states(
    online: Store, registry: Registry, gguf: bytes
) -> None:
    path = registry.add_hub_file("o/r", "sub/f.gguf", "main", gguf * 24)
    registry.hold(path)
    told: list[Progress] = []

    def report(progress: Progress) -> None:
        told.append(progress)
        if progress.total and progress.done:
            registry.release.set()

    online.pull(INDEX.resolve(HUB), report)
    downloading = [progress for progress in told if progress.phase == "downloading"]
    assert downloading[-1].total == len(gguf) * 24
    assert all(each.done <= each.total for each in downloading if each.total)


def test_sources_of_one_file_name_do_not_meet(
    online: Store, registry: Registry, gguf: bytes
) -> None:
    paths = set()
    for repo in ("o/r", "o/s"):
        content = gguf + repo.encode()
        registry.add_hub_file(repo, "f.gguf", "main", content)
        path = online.pull(INDEX.resolve(f"hf:{repo}/f.gguf@main"))
        assert path.read_bytes() == content
        paths.add(path)
    assert len(paths) == 2


@pytest.mark.parametrize(
    ("content", "headers", "message"),
    [
        (b"<html>not a model", {}, "no GGUF file"),
        (b"GGUF", {"X-Linked-Etag": f'"{"0" * 64}"'}, "is not what the hub states"),
        (b"GGUF", {"X-Linked-Size": str(10**18)}, "Make room"),
    ],
)
def test_what_is_not_a_model_is_thrown_away(
    online: Store, registry: Registry, content: bytes, headers: dict[str, str], message: str
) -> None:
    path = registry.add_hub_file("o/r", "sub/f.gguf", "main", content)
    registry.headers[path].update(headers)
    entry = INDEX.resolve(HUB)
    with pytest.raises(PullError, match=message):
        online.pull(entry)
    assert not online.installed(entry)
    assert not online.home.models.exists()


def test_of_a_file_of_the_user_the_hash_is_said(online: Store, tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF mine")
    file.with_suffix(".json").write_text("{}")
    found = online.verify(INDEX.resolve(f"file:{file}"))
    assert found.sha256 == hashlib.sha256(b"GGUF mine").hexdigest()
    assert found.size == 9
