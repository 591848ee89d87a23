"""`linewise serve` as a process: over stdio and TCP, from its first message to its exit code."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from tests.e2e.conftest import PATIENT, SERVE, Start, engines
from tests.scripts import write_script

ADD = {"after": r"return a", "text": " + b\n"}
INITIALIZE = {"id": 1, "method": "initialize", "params": {"capabilities": {}}}
INITIALIZED = {"method": "initialized", "params": {}}
OPEN = {
    "method": "textDocument/didOpen",
    "params": {
        "textDocument": {
            "uri": "file:///a.py", "languageId": "python", "version": 1, "text": "return a"
        }
    },
}  # fmt: skip
SHUTDOWN = {"id": 2, "method": "shutdown"}
EXIT = {"method": "exit"}
ASK = {"id": 3, "method": "linewise/status", "params": None}


def framed(message: dict[str, Any]) -> bytes:
    body = json.dumps({"jsonrpc": "2.0"} | message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


async def spoken(*messages: dict[str, Any]) -> tuple[int, str, str]:
    """Say messages to a server over stdio and hang up; return its exit code and what it said."""
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(*SERVE, stdin=pipe, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(60):
        out, err = await server.communicate(b"".join(map(framed, messages)))
    assert server.returncode is not None
    return server.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ((INITIALIZE, INITIALIZED, SHUTDOWN, EXIT), 0),
        # The protocol wants 1 of a server that was told to end without a shutdown.
        ((INITIALIZE, INITIALIZED, EXIT), 1),
    ],
    ids=["shutdown", "exit alone"],
)
async def test_ends_as_the_protocol_says(messages: Sequence[dict[str, Any]], code: int) -> None:
    ended, _, err = await spoken(*messages)
    assert (ended, err) == (code, "")


@pytest.mark.parametrize(
    "messages",
    [(), (INITIALIZE,), (INITIALIZE, INITIALIZED, OPEN), (INITIALIZE, INITIALIZED, SHUTDOWN)],
    ids=["nothing", "initialize", "open", "shutdown"],
)
async def test_ends_when_the_editor_is_gone(messages: Sequence[dict[str, Any]]) -> None:
    ended, _, err = await spoken(*messages)
    assert ended == 0
    assert "Traceback" not in err


async def test_what_is_asked_after_a_shutdown_is_refused() -> None:
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(*SERVE, stdin=pipe, stdout=pipe, stderr=pipe)
    assert server.stdin is not None
    assert server.stdout is not None
    async with asyncio.timeout(60):
        server.stdin.writelines(framed(message) for message in (INITIALIZE, INITIALIZED, SHUTDOWN))
        await answer_to(SHUTDOWN, server.stdout)
        server.stdin.write(framed(ASK))
        refused = await answer_to(ASK, server.stdout)
        assert refused["error"]["code"] == types.ErrorCodes.InvalidRequest
        _, err = await server.communicate(framed(EXIT))
    assert (server.returncode, err) == (0, b"")


async def test_the_engine_stays_for_other_windows(
    start: Start, linewise_home: Path, tmp_path: Path
) -> None:
    model = write_script(tmp_path / "model", ADD)
    async with start(model=model) as first:
        await first.open("file:///a.py", "python", "return a")
        assert [ghost.text for ghost in (await first.ask()).ghosts] == [" + b"]
        served = [process.pid for process in engines(linewise_home)]
    async with start(model=model) as second:
        await second.open("file:///a.py", "python", "return a")
        assert [ghost.text for ghost in (await second.ask()).ghosts] == [" + b"]
        assert [process.pid for process in engines(linewise_home)] == served


async def answer_to(request: dict[str, Any], stream: asyncio.StreamReader) -> Any:
    """Read messages until the answer to a request comes."""
    while True:
        head = (await stream.readuntil(b"\r\n\r\n")).decode()
        size = int(head.partition("Content-Length: ")[2].split("\r\n")[0])
        message = json.loads(await stream.readexactly(size))
        if message.get("id") == request["id"]:
            return message


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Run `linewise serve --tcp` at any port; yields the process and the port."""
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(*SERVE, "--tcp", "127.0.0.1:0", stderr=pipe)
    assert server.stderr is not None
    try:
        async with asyncio.timeout(60):
            said = (await server.stderr.readline()).decode()
            assert said.startswith("Listening at 127.0.0.1:")
            yield server, int(said.rpartition(":")[2])
    finally:
        if server.returncode is None:
            server.kill()
        await server.communicate()


async def test_completes_over_tcp(start: Start, tmp_path: Path) -> None:
    client = LanguageClient("tcp", "1")
    model = write_script(tmp_path / "model", ADD)
    async with listening() as (server, port):
        await client.start_tcp("127.0.0.1", port)
        settings = {"settings": {"model": str(model), "latency": PATIENT}}
        answer = await client.initialize_async(
            types.InitializeParams(types.ClientCapabilities(), initialization_options=settings)
        )
        assert answer.capabilities.inline_completion_provider is not None
        client.initialized(types.InitializedParams())
        item = types.TextDocumentItem("file:///a.py", "python", 1, "return a")
        client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        found = await client.text_document_inline_completion_async(
            types.InlineCompletionParams(
                types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
                types.TextDocumentIdentifier(item.uri),
                types.Position(0, len(item.text)),
            )
        )
        assert isinstance(found, types.InlineCompletionList)
        assert [item.insert_text for item in found.items] == [" + b"]
        await client.shutdown_async(None)
        client.exit(None)
        assert await server.wait() == 0
        assert server.stderr is not None
        assert await server.stderr.read() == b""
    await client.stop()  # type: ignore[no-untyped-call] # pygls
    # pygls leaves the connection open.
    assert isinstance(client.protocol.writer, asyncio.StreamWriter)
    client.protocol.writer.close()
    await client.protocol.writer.wait_closed()


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """What a shell starts in the background ignores SIGINT, and so does all that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
async def test_ctrl_c_ends_it_at_once() -> None:
    async with listening() as (server, _):
        server.send_signal(signal.SIGINT)
        assert await server.wait() == 130
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(*SERVE, stdin=pipe, stdout=pipe, stderr=pipe)
    assert server.stdin is not None
    assert server.stdout is not None
    async with asyncio.timeout(60):
        server.stdin.write(framed(INITIALIZE))
        await answer_to(INITIALIZE, server.stdout)
        server.send_signal(signal.SIGINT)
        # It is not waited for a client that says nothing and does not hang up.
        assert await server.wait() == 130
        _, err = await server.communicate()
    assert err == b""


@pytest.mark.parametrize("size", [0, 30, 80, None], ids=["nothing", "head", "body", "whole"])
async def test_a_client_that_hangs_up_ends_the_server(size: int | None) -> None:
    async with listening() as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(framed(INITIALIZE)[:size])
        await writer.drain()
        writer.close()
        assert await server.wait() == 0
        assert server.stderr is not None
        assert await server.stderr.read() == b""


async def test_a_second_client_does_not_get_in_the_way_of_the_first() -> None:
    async with listening() as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(framed(INITIALIZE))
        await answer_to(INITIALIZE, reader)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.write(framed(SHUTDOWN))
        await answer_to(SHUTDOWN, reader)
        writer.write(framed(EXIT))
        assert await server.wait() == 0
        writer.close()


async def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        pipe = asyncio.subprocess.PIPE
        server = await asyncio.create_subprocess_exec(*SERVE, "--tcp", place, stderr=pipe)
        async with asyncio.timeout(60):
            _, err = await server.communicate()
    assert server.returncode == 1
    assert err.decode().startswith(f"linewise: Nothing can listen at {place}")
