"""The remote engine on a real llama-server with the real model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

import httpx
import pytest
import pytest_asyncio

from linewise_models.engine.contract import Finish, Mark, Part, Request, Token
from linewise_models.engine.remote.client import RemoteClient
from linewise_models.engine.remote.key import Key
from linewise_models.errors import EngineError, LoadError
from tests.models.engine.remote.conftest import Clients, run, spoken

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEAD = 'import math\n\n\ndef mean(xs):\n    """Return the arithmetic mean."""\n'
LONG = "".join(f"def add_{n}(value):\n    return value + {n}\n\n\n" for n in range(15))
KEY = Key("sesame", "a test")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(llama_server: str) -> AsyncGenerator[RemoteClient, None]:
    """One for all tests: each measures the server once, which takes a while on a small machine."""
    made = Clients().connect(llama_server, key=KEY)
    await made.report()
    yield made
    await made.close()


async def test_what_serves_is_reported(client: RemoteClient) -> None:
    report = await client.report()
    assert report.model.endswith(".gguf")
    assert "/" not in report.model
    assert report.devices[0].startswith("llama.cpp at 127.0.0.1:")
    assert (report.context, report.sessions, report.fim) == (1024, 2, "none")
    assert report.prompt_speed > 0
    assert report.generation_speed > 0
    health = await client.health()
    assert health.error is None
    assert health.server is not None
    assert health.server.kind == "llama.cpp"


async def test_a_key_costs_the_tokens_typed(client: RemoteClient) -> None:
    _, first = await run(client, LONG + "def mean(xs):\n    return sum(xs) / len(")
    assert first.prompt_tokens > 200
    for typed in ("x", "xs", "xs)"):
        tokens, finish = await run(
            client, LONG + f"def mean(xs):\n    return sum(xs) / len({typed}"
        )
        assert finish.evaluated_tokens <= 8
        assert finish.reused_tokens >= first.prompt_tokens - 8
        assert all(token.logprob <= 0 for token in tokens)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        (HEAD + "    ", "return"),
        (HEAD + "    retu", "rn"),
        (HEAD + "    return su", "m("),
        (HEAD + "    return sum(xs) / le", "n("),
        (HEAD + "    return sum(xs) /", " len("),
        (HEAD, "    "),
        ('print("he', ""),
        ("x = '\\", ""),
        ("grüße = 'schö", ""),
        ("# 日本語\nx", ""),
    ],
)
async def test_healing_goes_on_where_the_text_broke_off(
    client: RemoteClient, text: str, begins: str
) -> None:
    tokens, finish = await run(client, text, must_speak=True)
    assert spoken(tokens).startswith(begins)
    assert spoken(tokens).strip()
    assert text.endswith(finish.healed)
    assert finish.generated_tokens <= 8


async def test_the_end_waits_until_something_was_said(client: RemoteClient) -> None:
    turn = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!"
    ended = f"{turn}<|im_end|>\n" * 3 + turn
    silent, _ = await run(client, ended, heal=False)
    assert spoken(silent) == ""
    loud, _ = await run(client, ended, heal=False, must_speak=True)
    assert spoken(loud).strip()


async def test_tokens_are_as_many_as_were_asked_for(client: RemoteClient) -> None:
    tokens, finish = await run(client, HEAD + "    total =", heal=False, max_tokens=5)
    assert (finish.reason, finish.generated_tokens, len(tokens)) == ("length", 5, 5)
    again, _ = await run(client, HEAD + "    total =", heal=False, max_tokens=5)
    assert spoken(again) == spoken(tokens)


async def test_a_stop_is_not_given(client: RemoteClient) -> None:
    tokens, finish = await run(client, HEAD + "    ", stop=("\n",), max_tokens=40)
    assert finish.reason == "stop"
    assert "\n" not in spoken(tokens)
    assert spoken(tokens).startswith("return")


async def test_one_line_ends_with_the_break_after_something_visible(client: RemoteClient) -> None:
    text = HEAD + "    return sum(xs) / len("
    tokens, finish = await run(client, text, one_line=True, max_tokens=40)
    assert spoken(tokens).startswith("xs)")
    assert "\n" in spoken(tokens)
    assert "\n" not in spoken(tokens).strip()
    assert finish.reason == "stop"


async def test_what_is_evaluated_for_later_is_kept(client: RemoteClient) -> None:
    _, warm = await run(client, "# warm\n" + LONG, max_tokens=0)
    assert (warm.reason, warm.prompt_tokens > 100) == ("length", True)
    _, finish = await run(client, "# warm\n" + LONG + "def ")
    assert finish.evaluated_tokens <= 16


async def test_candidates_begin_with_the_greedy_one(client: RemoteClient) -> None:
    alone, _ = await run(client, HEAD + "    ", max_tokens=12)
    tokens, finish = await run(
        client, HEAD + "    ", max_tokens=12, candidates=3, temperature=1.5, seed=1
    )
    texts = [spoken(tokens, number) for number in range(3)]
    assert texts[0] == spoken(alone)
    assert len(set(texts)) > 1
    assert finish.generated_tokens > 12


async def test_the_server_stops_when_nobody_listens(
    client: RemoteClient, llama_server: str
) -> None:
    headers = {"Authorization": f"Bearer {KEY.secret}"}
    async with httpx.AsyncClient(base_url=llama_server, headers=headers) as http:

        async def generated() -> float:
            metrics = (await http.get("/metrics")).text
            found = re.search(r"^llamacpp:tokens_predicted_total (\S+)", metrics, re.MULTILINE)
            assert found is not None
            return float(found[1])

        async def idle() -> None:
            while any(slot["is_processing"] for slot in (await http.get("/slots")).json()):
                pass

        before = await generated()
        request = Request("s", (Part("text", LONG),), 500, heal=False)
        stream = client.generate(request)
        assert isinstance(await anext(stream), Token)
        await stream.aclose()
        await asyncio.wait_for(idle(), 60)
        assert await generated() - before < 500


async def test_a_deadline_is_kept(client: RemoteClient) -> None:
    _, finish = await run(client, LONG, max_tokens=900, heal=False, deadline_ms=300)
    assert finish.reason == "deadline"
    assert finish.generated_tokens < 900


async def test_a_prompt_that_does_not_fit_is_told(client: RemoteClient) -> None:
    with pytest.raises(EngineError, match="context size"):
        await run(client, LONG * 6)


async def test_tokens_of_a_text(client: RemoteClient) -> None:
    tokens = await client.tokenise("def mean(xs):<|im_end|>")
    assert len(tokens) > 6
    assert tokens == await client.tokenise("def mean(xs):<|im_end|>")


@pytest.mark.parametrize("key", [None, Key("open", "a test")])
async def test_the_wrong_key_opens_nothing(llama_server: str, key: Key | None) -> None:
    client = Clients().connect(llama_server, key=key)
    with pytest.raises(LoadError, match="LINEWISE_API_KEY"):
        await client.report()
    await client.close()


async def test_its_own_way_of_filling_in(filling_server: str) -> None:
    client = Clients().connect(filling_server)
    report = await client.report()
    assert (report.fim, report.architecture) == ("psm", "unknown")
    assert "/infill" in (getattr((await client.health()).server, "filling", ""))
    parts = (
        Part("p", mark=Mark.PREFIX),
        Part("lines", LONG, stable=True),
        Part("s", mark=Mark.SUFFIX),
        Part("after", "\n\nprint(mean([1, 2]))\n", stable=True),
        Part("m", mark=Mark.MIDDLE),
        Part("line", "def mean(xs"),
    )
    request = Request("s", parts, 8, must_speak=True)
    *tokens, finish = [event async for event in client.generate(request)]
    said = [token for token in tokens if isinstance(token, Token)]
    assert isinstance(finish, Finish)
    assert spoken(said).strip()
    assert all(token.logprob < 0 for token in said)
    assert finish.healed == "xs"
    assert finish.prompt_tokens > 200
    assert 0 < finish.generated_tokens <= 8
    await client.close()
