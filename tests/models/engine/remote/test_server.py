"""Finding out what answers, and saying in words what does not."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from linewise_models.engine.contract import ChatTemplate
from linewise_models.engine.remote.key import Key
from linewise_models.errors import EngineLost, LoadError, ModelError
from tests.models.engine.remote.conftest import Clients, play, run, spoken
from tests.models.engine.remote.stage import (
    Reply,
    Stage,
    as_json,
    as_stream,
    said,
    staged,
    usage,
)

VLLM = {"id": "m", "owned_by": "vllm", "max_model_len": 2048}
LLAMA = {"id": "/models/x.gguf", "owned_by": "llamacpp"}
PROPS = as_json({"default_generation_settings": {"n_ctx": 2048}, "total_slots": 4})
INFILL = as_json({"content": ""})
NO_INFILL = as_json({"error": {"message": "prefix token is missing"}}, 501)
OLLAMA = as_json({"version": "0.9"})
INSERT = as_json({"capabilities": ["completion", "insert"]})
NO_INSERT = as_json({"capabilities": ["completion"]})


@pytest.mark.parametrize(
    ("listed", "others", "found"),
    [
        (VLLM, {}, "vLLM serves m, 1 x 2048 tokens, none"),
        (VLLM | {"max_model_len": 32768}, {}, "vLLM serves m, 1 x 4096 tokens, none"),
        (VLLM | {"id": "starcoder2"}, {}, "vLLM serves starcoder2, 1 x 2048 tokens, template"),
        (
            LLAMA,
            {"/props": PROPS, "/infill": NO_INFILL},
            "llama.cpp serves /models/x.gguf, 4 x 2048 tokens, none",
        ),
        (
            LLAMA,
            {"/props": PROPS, "/infill": INFILL},
            "llama.cpp serves /models/x.gguf, 4 x 2048 tokens, infill",
        ),
        (
            LLAMA | {"id": "/models/codegemma.gguf"},
            {"/infill": INFILL},
            "llama.cpp serves /models/codegemma.gguf, 1 x 4096 tokens, template",
        ),
        (
            {"id": "q:1b", "owned_by": "library"},
            {"/api/version": OLLAMA, "/api/show": INSERT},
            "Ollama serves q:1b, 1 x 4096 tokens, suffix",
        ),
        (
            {"id": "qwen2.5-coder:1b", "owned_by": "library"},
            {"/api/version": OLLAMA, "/api/show": NO_INSERT},
            "Ollama serves qwen2.5-coder:1b, 1 x 4096 tokens, none",
        ),
        (
            {"id": "org/m", "owned_by": "org/m"},
            {"/info": as_json({"max_total_tokens": 3000})},
            "TGI serves tgi, 1 x 3000 tokens, none",
        ),
        (
            {
                "id": "qwen2.5-coder-7b",
                "owned_by": "organization-owner",
                "metadata": {"max_request_context_length": 2048},
            },
            {},
            "vLLM serves qwen2.5-coder-7b, 1 x 2048 tokens, template",
        ),
        (
            {
                "id": "m",
                "owned_by": "organization-owner",
                "metadata": {"max_request_context_length": None},
            },
            {},
            "vLLM serves m, 1 x 4096 tokens, none",
        ),
        (
            {"id": "m", "owned_by": "organization-owner"},
            {},
            "unknown serves m, 1 x 4096 tokens, none",
        ),
    ],
)
async def test_a_server_is_known_by_what_it_says(
    stage: Stage,
    clients: Clients,
    listed: dict[str, Any],
    others: dict[str, Reply],
    found: str,
) -> None:
    stage.replies["/v1/models"] = [as_json({"data": [listed]})]
    stage.replies |= {path: [reply] for path, reply in others.items()}
    health = await clients.connect(stage.url).health()
    assert health.error is None
    assert health.server is not None
    assert health.report is not None
    server, report = health.server, health.report
    room = f"{report.sessions} x {report.context} tokens"
    assert f"{server.kind} serves {server.model}, {room}, {server.way}" == found
    assert (report.backend, report.fim == "none") == ("remote", server.way == "none")
    assert stage.bodies()[-1]["model"] == server.model


@pytest.mark.parametrize(
    ("props", "found"),
    [
        ({}, None),
        ({"chat_template": ""}, None),
        (
            {"chat_template": "{{ x }}", "bos_token": "<s>", "eos_token": "</s>"},
            ChatTemplate("{{ x }}", "<s>", "</s>"),
        ),
    ],
)
async def test_how_a_model_is_talked_to_is_told_by_llama_server(
    stage: Stage, clients: Clients, props: dict[str, str], found: ChatTemplate | None
) -> None:
    stage.replies["/v1/models"] = [as_json({"data": [LLAMA]})]
    stage.replies["/props"] = [as_json(props)]
    assert (await clients.connect(stage.url).report()).chat_template == found


@pytest.mark.parametrize(
    ("model", "fim", "order", "marks"),
    [
        ("m", "auto", "none", ()),
        ("starcoder2", "auto", "psm", ("middle", "prefix", "suffix")),
        ("starcoder2", "none", "none", ()),
        ("m", "suffix", "psm", ("middle", "prefix", "suffix")),
        ("m", "infill", "psm", ("middle", "prefix", "suffix")),
        ("m", "qwen", "psm", ("file", "middle", "prefix", "repository", "suffix")),
        ("starcoder2", "codestral", "spm", ("prefix", "suffix")),
    ],
)
async def test_the_setting_says_how_to_fill_in(
    stage: Stage, clients: Clients, model: str, fim: str, order: str, marks: tuple[str, ...]
) -> None:
    stage.replies["/v1/models"] = [as_json({"data": [VLLM | {"id": model}]})]
    report = await clients.connect(stage.url, fim=fim).report()
    assert (report.fim, report.marks) == (order, marks)


@pytest.mark.parametrize(
    ("names", "wanted", "chosen"),
    [
        (["m"], "", "m"),
        (["m", "n"], "n", "n"),
        (["llama3:latest", "llama3:8b"], "llama3", "llama3:latest"),
        (["/models/a.gguf"], "a.gguf", "/models/a.gguf"),
        (["org/m", "m"], "m", "m"),
    ],
)
async def test_a_model_is_chosen_by_its_name(
    stage: Stage, clients: Clients, names: list[str], wanted: str, chosen: str
) -> None:
    stage.replies["/v1/models"] = [as_json({"data": [{"id": name} for name in names]})]
    await clients.connect(stage.url, wanted).report()
    assert stage.bodies()[-1]["model"] == chosen


@pytest.mark.parametrize(
    ("reply", "wanted", "says"),
    [
        (as_json({"data": [{"id": "m"}, {"id": "n"}]}), "o", "does not serve o.*m, n"),
        (as_json({"data": [{"id": "m"}, {"id": "n"}]}), "", "several models.*m, n"),
        (as_json({"data": []}), "", "no model yet"),
        (as_json({"data": {}}), "", "no list of models"),
        (as_json([1]), "", "no list of models"),
        (as_json({"detail": "Not Found"}, 404), "", "lists no models.*linewise.remote.url"),
        (Reply((b"<html>",), headers={"Content-Type": "text/html"}), "", "not answer in JSON"),
        (as_json({}, 500), "", "status 500"),
        (as_json({"error": {"message": "worker died"}}, 500), "", "worker died"),
        (as_json({}, 302, Location="https://elsewhere.example/v1"), "", "elsewhere.example"),
        (as_json({}, 401), "", "wants a key.*LINEWISE_API_KEY.*keyring set linewise 127"),
        (as_json({}, 403), "", "wants a key, and there is none"),
    ],
)
async def test_what_is_wrong_with_a_server_is_told(
    stage: Stage, clients: Clients, reply: Reply, wanted: str, says: str
) -> None:
    stage.replies["/v1/models"] = [reply]
    client = clients.connect(stage.url, wanted)
    with pytest.raises(LoadError, match=says):
        await client.report()
    with pytest.raises(LoadError, match=says):
        await run(client)
    health = await client.health()
    assert health.error is not None
    assert health.report is None
    assert stage.bodies() == []


async def test_a_server_need_not_list_its_models(stage: Stage, clients: Clients) -> None:
    del stage.replies["/v1/models"]
    client = clients.connect(stage.url, "m")
    await client.report()
    assert stage.bodies()[-1]["model"] == "m"


async def test_a_server_that_loads_its_model_is_waited_for(stage: Stage, clients: Clients) -> None:
    loading = as_json({"error": {"message": "Loading model"}}, 503)
    stage.replies["/v1/models"] = [loading] * 5 + stage.replies["/v1/models"]
    assert (await clients.connect(stage.url).report()).model == "m"
    assert len(clients.slept) == 5


async def test_a_redirect_takes_neither_code_nor_key_elsewhere(
    stage: Stage, clients: Clients
) -> None:
    async with staged() as other:
        play(other)
        moved = as_json({}, 307, Location=f"{other.url}/v1/completions")
        client = clients.connect(stage.url, key=Key("sesame", "a test"))
        await client.report()
        stage.replies["/v1/completions"] = [moved]
        with pytest.raises(ModelError, match="sends on to"):
            await run(client)
        assert other.asked == []


# --- keys


async def test_the_key_goes_with_every_request(stage: Stage, clients: Clients) -> None:
    client = clients.connect(stage.url, key=Key("sesame", "a test"))
    await run(client)
    assert {asked.headers.get("Authorization") for asked in stage.asked} == {"Bearer sesame"}


async def test_the_keyring_is_asked_only_where_a_key_is_wanted(
    stage: Stage, clients: Clients
) -> None:
    asked = []

    def find() -> Key:
        asked.append("keyring")
        return Key("sesame", "the keyring")

    client = clients.connect(stage.url, find_key=find)
    await client.report()
    assert asked == []
    wanted = as_json({"error": {"message": "Invalid API Key"}}, 401)
    stage.replies["/v1/completions"] = [wanted, as_stream(said("a", "stop"))]
    tokens, _ = await run(client)
    assert spoken(tokens) == "a"
    assert stage.asked[-1].headers["Authorization"] == "Bearer sesame"
    stage.replies["/v1/completions"] = [wanted]
    with pytest.raises(ModelError, match="does not accept the key from the keyring"):
        await run(client)
    assert asked == ["keyring"]


async def test_a_model_list_for_anybody_hides_no_missing_key(
    stage: Stage, clients: Clients
) -> None:
    stage.replies["/v1/models"] = [as_json({"data": [LLAMA]})]
    stage.replies["/props"] = [as_json({"error": {"message": "Invalid API Key"}}, 401)]
    with pytest.raises(LoadError, match="wants a key"):
        await clients.connect(stage.url).report()


# --- the way there


async def test_nothing_answers(clients: Clients) -> None:
    with socket.socket() as held:
        # Bound and not listening: refuses, and nobody else gets the port meanwhile.
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        client = clients.connect(f"http://127.0.0.1:{port}")
        with pytest.raises(EngineLost, match=f"Nothing answers at 127.0.0.1:{port}"):
            await client.report()
        assert len(clients.slept) == 2
        assert "Nothing answers" in ((await client.health()).error or "")


async def test_no_such_host(clients: Clients) -> None:
    with pytest.raises(EngineLost, match=r"No host is called nowhere\.invalid"):
        await clients.connect("http://nowhere.invalid").report()
    assert clients.slept == []


async def test_a_certificate_is_checked(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with staged(context) as server:
        play(server)
        with pytest.raises(EngineLost, match=r"not trusted.*SSL_CERT_FILE"):
            await clients.connect(server.url).report()
        trusted = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(str(trusted))
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert (await clients.connect(server.url).report()).model == "m"
    assert clients.slept == []


async def test_tls_where_there_is_none(stage: Stage, clients: Clients) -> None:
    with pytest.raises(EngineLost, match="does not speak TLS"):
        await clients.connect(stage.url.replace("http:", "https:")).report()


async def test_no_proxy_carries_what_is_meant_for_this_machine(
    stage: Stage, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        await run(clients.connect(stage.url))
        assert proxy.asked == []


async def test_health_says_what_there_is(stage: Stage, clients: Clients) -> None:
    words = [said(word) for word in "abcdefgh"]
    stage.replies["/v1/completions"] = [as_stream(*words, said("", "length"), usage(340, 8))]
    health = await clients.connect(stage.url).health()
    assert (health.error, health.warning) == (None, None)
    assert health.host == stage.url.removeprefix("http://")
    assert health.server is not None
    assert health.server.models == ("m",)
    assert "left to right only" in health.server.filling
    assert health.latency_ms is not None
    assert health.report is not None
    assert health.report.prompt_speed > 0
    assert health.report.generation_speed > 0
