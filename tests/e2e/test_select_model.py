"""The model picker's request: another model from now on, or a message and everything as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcException

from tests.e2e.conftest import Start, engines
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
