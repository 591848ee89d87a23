"""The model picker's request: another model from now on, or a message and everything as it was."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcRequestCancelled

from linewise_models.home import Home
from tests.e2e.conftest import Start, engines
from tests.models.conftest import Registry
from tests.scripts import write_script

ADD = {"after": r"return a", "text": " + b\n"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("smolm", "Did you mean smollm2-135m"),
        ("zzz", "linewise models list"),
        ("nowhere.gguf", "There is no file"),
        (".", "is a directory"),
        ("hf:bad", "names no source"),
    ],
)
async def test_an_unknown_name_is_told_and_changes_nothing(
    start: Start, linewise_home: Path, name: str, said: str
) -> None:
    async with start(ADD) as editor:
        await editor.open("file:///a.py", "python", "return a")
        before = await editor.ready()
        heard = (list(editor.messages), list(editor.progress))
        serving = [process.pid for process in engines(linewise_home)]
        with pytest.raises(JsonRpcException, match=said):
            await editor.request("linewise/selectModel", {"name": name, "workDoneToken": "t"})
        assert await editor.ready() == before
        assert [ghost.text for ghost in (await editor.ask()).ghosts] == [" + b"]
        assert [process.pid for process in engines(linewise_home)] == serving
        # Whoever asked shows the reason; it is not shown twice.
        assert (editor.messages, editor.progress) == heard


async def test_another_model_serves_from_now_on(start: Start, tmp_path: Path) -> None:
    other = write_script(tmp_path / "other", ADD | {"text": " - b\n"})
    async with start(ADD) as editor:
        await editor.open("file:///a.py", "python", "return a")
        assert [ghost.text for ghost in (await editor.ask()).ghosts] == [" + b"]
        wanted = {"name": str(other), "workDoneToken": None}
        status = await editor.request("linewise/selectModel", wanted)
        assert status["state"] == "ready"
        assert [ghost.text for ghost in (await editor.ask()).ghosts] == [" - b"]


SOURCE = "hf:o/r/f.gguf@main"
WANTED = {"name": SOURCE, "workDoneToken": "pull"}
MEBIBYTE = 2**20


@pytest.fixture
def hub(registry: Registry, linewise_home: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A hub of models that the server asks."""
    for name in os.environ:
        if name.startswith("HF_") or "proxy" in name.lower():
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_ENDPOINT", registry.url)
    monkeypatch.setenv("HF_HOME", str(linewise_home / "hf"))
    return registry


async def test_a_pull_shows_how_far_it_is(start: Start, hub: Registry, linewise_home: Path) -> None:
    content = b"GGUF" + bytes(24 * MEBIBYTE)
    hub.add_hub_file("o/r", "f.gguf", "main", content)
    async with start(ADD) as editor:
        status = await editor.request("linewise/selectModel", WANTED)
        pairs = zip(editor.tokens, editor.progress, strict=True)
        told = [value for token, value in pairs if token == "pull"]
        kinds = [value["kind"] for value in told]
        assert (kinds[0], kinds[-1]) == ("begin", "end")
        assert "25 of 25 MB" in [value.get("message") for value in told]
        (file,) = Home(linewise_home).models.glob("*.gguf")
        assert file.read_bytes() == content
        # It is nothing but zeros; that it serves from now on is what it is told of.
        assert status["state"] == "error"
        assert file.name in status["message"]


async def test_a_pull_that_fails_is_told_and_changes_nothing(start: Start, hub: Registry) -> None:
    async with start(ADD) as editor:
        await editor.open("file:///a.py", "python", "return a")
        before = await editor.ready()
        with pytest.raises(JsonRpcException, match="the hub answered 404"):
            await editor.request("linewise/selectModel", WANTED)
        assert await editor.ready() == before
        assert [ghost.text for ghost in (await editor.ask()).ghosts] == [" + b"]
        assert editor.messages == []
        assert editor.progress[-1]["kind"] == "end"


async def test_a_pull_that_is_cancelled_leaves_nothing(
    start: Start, hub: Registry, linewise_home: Path
) -> None:
    hub.hold(hub.add_hub_file("o/r", "f.gguf", "main", b"GGUF" + bytes(24 * MEBIBYTE)))
    async with start(ADD) as editor:
        await editor.open("file:///a.py", "python", "return a")
        before = await editor.ready()
        asked = asyncio.create_task(editor.request("linewise/selectModel", WANTED, "the pull"))
        assert await asyncio.to_thread(hub.halfway.wait, 60)
        editor.notify("$/cancelRequest", types.CancelParams("the pull"))
        with pytest.raises(JsonRpcRequestCancelled):
            await asked
        assert await editor.ready() == before
        assert [ghost.text for ghost in (await editor.ask()).ghosts] == [" + b"]
        assert editor.messages == []
    assert not Home(linewise_home).models.exists()
