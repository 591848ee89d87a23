"""Clients of servers: of one that a test scripts, and of a real llama-server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import gguf
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


@pytest.fixture(scope="module")
def llama_server(left_to_right_model: Path) -> Iterator[str]:
    """A llama-server with the real model, two slots and the key sesame; its address."""
    with serving(left_to_right_model, "sesame") as address:
        yield address


@pytest.fixture(scope="module")
def filling_server(
    left_to_right_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A llama-server whose model has marks in its vocabulary, though it was not trained on them."""
    marked = tmp_path_factory.mktemp("models") / "marked.gguf"
    add_marks(left_to_right_model, marked)
    with serving(marked) as address:
        yield address


@contextmanager
def serving(model: Path, *key: str) -> Iterator[str]:
    """Run a llama-server; yields its address once it serves."""
    program = Path(__file__).with_name("llama_server.py")
    with subprocess.Popen(
        [sys.executable, str(program), str(model), "2", *key],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def add_marks(source: Path, target: Path) -> None:
    """Copy a GGUF, naming five tokens of its vocabulary as the marks of filling in."""
    reader = gguf.GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(target, architecture)
    for name, entry in reader.fields.items():
        if name == "general.architecture" or name.startswith("GGUF."):
            continue
        kind, inner = entry.types[0], entry.types[-1]
        array = kind == gguf.GGUFValueType.ARRAY
        writer.add_key_value(name, entry.contents(), kind, inner if array else None)
    for number, name in enumerate(("pre", "suf", "mid", "rep", "sep"), start=3):
        writer.add_uint32(f"tokenizer.ggml.fim_{name}_token_id", number)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
