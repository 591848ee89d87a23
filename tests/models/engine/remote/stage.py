"""A server that says what a test has it say, byte for byte, and notes what it is asked."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

After = Literal["keep", "close", "reset", "silence"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: `pieces` are sent as one chunk each (RFC 9112, section 7.1)."""

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: After = "keep"
    """What becomes of the connection; only with "keep" is the answer complete."""
    mute: bool = False
    """Whether not even a status line is sent."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Stage:
    """The server: `replies` has a list for each path, whose last entry is said again and again."""

    url: str = ""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a client closed a connection whose answer was not complete."""

    def bodies(self, path: str = "/v1/completions") -> list[Any]:
        """Return what was posted to a path."""
        return [asked.body for asked in self.asked if asked.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while (asked := await _read(reader)) is not None:
                self.asked.append(asked)
                replies = self.replies.get(asked.path) or [as_json({}, 404)]
                reply = replies.pop(0) if len(replies) > 1 else replies[0]
                if not reply.mute:
                    await _write(writer, reply)
                match reply.after:
                    case "keep":
                        continue
                    case "silence":
                        await reader.read()
                        self.hung_up.set()
                    case "reset":
                        writer.transport.abort()
                break
        writer.close()


@asynccontextmanager
async def staged(tls: ssl.SSLContext | None = None) -> AsyncGenerator[Stage, None]:
    """Run a server on a free port of this machine."""
    stage = Stage()
    server = await asyncio.start_server(stage.serve, "127.0.0.1", 0, ssl=tls)
    stage.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stage
    finally:
        server.close()


def as_json(body: Any, status: int = 200, **headers: str) -> Reply:
    """Return an answer in JSON; an underscore in a header's name is a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named |= {"Content-Type": "application/json"}
    return Reply((json.dumps(body).encode(),), status, named)


def as_stream(*events: Any, done: bool = True, after: After = "keep", cut: int = 0) -> Reply:
    """Return a stream of events; with `cut` its bytes come in pieces of that size."""
    data = [f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in events]
    if done:
        data.append(b"data: [DONE]\n\n")
    whole = b"".join(data)
    pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)] if cut else data
    return Reply(pieces, headers={"Content-Type": "text/event-stream"}, after=after)


def said(text: str, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a chunk as the OpenAI protocol has it, of one token."""
    logprobs = {"tokens": [text], "token_logprobs": [-0.5]} if text else None
    choice = {"index": 0, "text": text, "logprobs": logprobs, "finish_reason": finish}
    return {"object": "text_completion", "choices": [choice]} | more


def usage(prompt: int, generated: int, cached: int | None = None) -> dict[str, Any]:
    """Return the chunk with figures that ends a stream."""
    details = None if cached is None else {"cached_tokens": cached}
    counts = {"prompt_tokens": prompt, "completion_tokens": generated}
    return {"choices": [], "usage": counts | {"prompt_tokens_details": details}}


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    path = head[0].split(" ")[1]
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    cased = dict(line.split(": ", 1) for line in head[1:] if line)
    return Asked(path, cased, json.loads(body) if body else None)


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    headers = {"Transfer-Encoding": "chunked"} | dict(reply.headers)
    lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    for piece in reply.pieces:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
    if reply.after == "keep":
        writer.write(b"0\r\n\r\n")
    await writer.drain()
