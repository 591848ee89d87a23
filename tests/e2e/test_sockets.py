"""Off and local mean off for the whole tree of processes that a window starts.

Two witnesses look at the server, its engine and its resolver of Python names. Each interpreter
tells its audit events of sockets and names, whoever asks for them; and the system is asked again
and again for the sockets of each process, also for those that no interpreter opened. The level
`events` is the control: there the first witness must see a name looked up. Pipes and sockets of the
file system, by which the processes speak to each other, are not looked at; on Windows, where a loop
makes itself a pair of loopback sockets, loopback is left out too.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from lsprotocol import types

from tests.e2e.conftest import Start, engines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

WITNESS = """
import os, sys
LOOKS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
TALKS = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"}
HERE = ("127.0.0.1", "::1") if sys.platform == "win32" else ()
log = os.open(os.environ["LINEWISE_TEST_WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def say(*words):
    os.write(log, (" ".join(map(repr, words)) + "\\n").encode())
def see(event, arguments):
    if event in LOOKS:
        say(event, arguments[0])
    elif event in TALKS and isinstance(arguments[1], tuple) and arguments[1][0] not in HERE:
        say(event, arguments[1])
say("pid", os.getpid())
sys.addaudithook(see)
"""
RULE = {"after": "return a", "text": " + b\n"}
TEXT = "name = 'a'.strip()\nname.upper()\n\ndef add(a, b):\n    return "
"""What `name` is, and so where `upper` is explained, only the resolver's process can tell."""
FEEDBACK: dict[str, Any] = {
    "kind": "idea", "about": "product", "subject": None, "text": "Shorter, please.", "rating": None,
    "attachments": [], "contact": None,
}  # fmt: skip


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every interpreter that is started say what it does with sockets; return where."""
    for variable in ("CI", "DO_NOT_TRACK"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LINEWISE_COLLECTOR", "https://collector.invalid#product")
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(WITNESS)
    path = os.pathsep.join([str(tmp_path / "hook"), *sys.path])
    monkeypatch.setenv("PYTHONPATH", path)
    log = tmp_path / "witness.log"
    monkeypatch.setenv("LINEWISE_TEST_WITNESS", str(log))
    return log


@asynccontextmanager
async def watched(pids: set[int]) -> AsyncIterator[set[str]]:
    """Look at the sockets of the processes below this one; yields the peers that were seen."""
    seen: set[str] = set()
    here = {"127.0.0.1", "::1"} if sys.platform == "win32" else set()

    async def look() -> None:
        while True:
            for process in psutil.Process().children(recursive=True):
                try:
                    found = await asyncio.to_thread(process.net_connections, "inet")
                except psutil.Error:
                    continue
                pids.add(process.pid)
                seen.update(f"{each.laddr}" for each in found if each.laddr.ip not in here)
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def use(start: Start, home: Path, level: str) -> set[int]:
    """Open a window, say a level, complete, hover, draft feedback; return the processes."""
    async with start(RULE) as editor:
        said = await editor.request("linewise/telemetry", {"level": level})
        assert said["effective"] == level
        uri = (home / "main.py").as_uri()
        await editor.open(uri, "python", TEXT)
        await editor.ready()
        editor.insert("a")
        (ghost,) = (await editor.ask()).ghosts
        await editor.accept(ghost)
        where = types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(1, 7))
        async with asyncio.timeout(60):
            # The resolver reads the standard library first; until then there is no answer.
            while (hover := await editor.request(types.TEXT_DOCUMENT_HOVER, where)) is None:
                pass
        assert "#str.upper" in hover.contents.value
        draft = await editor.request("linewise/previewFeedback", FEEDBACK)
        assert FEEDBACK["text"] in draft["body"]
        pids = {engine.pid for engine in engines(home)}
        assert pids, "the engine must be among those that are looked at"
    return pids


def told(log: Path) -> tuple[set[int], set[str]]:
    """Return which processes spoke, and what they said of sockets and names."""
    lines = set(log.read_text().splitlines())
    pids = {line for line in lines if line.startswith("'pid' ")}
    return {int(line.split()[1]) for line in pids}, lines - pids


@pytest.mark.parametrize("level", ["off", "local"])
async def test_no_process_of_a_window_opens_a_socket(
    start: Start, linewise_home: Path, witness: Path, level: str
) -> None:
    looked_at: set[int] = set()
    async with watched(looked_at) as seen:
        engine = await use(start, linewise_home, level)
    pids, said = told(witness)
    assert engine <= pids
    assert engine <= looked_at
    assert len(pids) >= 3, "server, engine and resolver"
    assert (said, seen) == (set(), set())


async def test_the_witness_sees_a_name_looked_up(
    start: Start, linewise_home: Path, witness: Path
) -> None:
    await use(start, linewise_home, "events")
    _, said = told(witness)
    assert "'socket.getaddrinfo' 'collector.invalid'" in said
