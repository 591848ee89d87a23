"""Clients of servers: of one that a test scripts, and of a real llama-server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from linewise_models.engine.contract import Event, Finish, Part, Request, Token
from linewise_models.engine.remote.address import read_address
from linewise_models.engine.remote.client import RemoteClient
from linewise_models.engine.remote.key import Key
from linewise_models.engine.remote.link import Link, new_http
from tests.models.engine.remote.stage import Stage, as_json, as_stream, said, staged, usage


@dataclass
class Clients:
    """Makes clients, and notes how long they would have slept."""

    slept: list[float] = field(default_factory=list)
    made: list[RemoteClient] = field(default_factory=list)

    def connect(
        self,
        url: str,
        model: str = "",
        fim: str = "auto",
        key: Key | None = None,
        find_key: Callable[[], Key | None] = lambda: None,
        timeout: float | None = None,
    ) -> RemoteClient:
        """Return a client; it is closed with the test."""
        address = read_address(url)
        http = new_http(address)
        if timeout:
            http.timeout = httpx.Timeout(timeout)

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        client = RemoteClient(Link(address, http, key, find_key, sleep), model, fim)
        self.made.append(client)
        return client


@pytest.fixture
async def clients() -> AsyncGenerator[Clients, None]:
    """Close every client that was made."""
    made = Clients()
    yield made
    for client in made.made:
        await client.close()


@pytest.fixture
async def stage() -> AsyncGenerator[Stage, None]:
    """A server with the manners of vLLM, which serves the model m."""
    async with staged() as server:
        play(server)
        yield server


def play(server: Stage) -> None:
    """Have a server list a model and answer the first request, which measures it."""
    listed = {"id": "m", "owned_by": "vllm", "max_model_len": 2048}
    server.replies["/v1/models"] = [as_json({"data": [listed]})]
    server.replies["/v1/completions"] = [as_stream(said(" 1", "length"), usage(340, 1))]


async def run(
    client: RemoteClient,
    text: str = "x =",
    stopped: Callable[[], bool] = lambda: False,
    max_tokens: int = 8,
    **options: object,
) -> tuple[list[Token], Finish]:
    """Return the tokens of a request, and how it ended."""
    request = Request("s", (Part("text", text),), max_tokens, **options)  # type: ignore[arg-type] # a table
    found: list[Event] = [event async for event in client.generate(request, stopped)]
    finish = found.pop()
    assert isinstance(finish, Finish)
    return [event for event in found if isinstance(event, Token)], finish


def spoken(tokens: list[Token], candidate: int = 0) -> str:
    """Return what a candidate said."""
    return "".join(token.text for token in tokens if token.candidate == candidate)
