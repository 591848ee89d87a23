"""A real server and engine process with a scripted model: the exact shape of what editors see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from gguf import GGUFWriter
from lsprotocol import types

from linewise_server import __version__
from linewise_server.lsp.editor import Editor
from tests.e2e.conftest import Start, engines
from tests.scripts import write_script

ADD = {"after": r"return a", "text": " + b\n\nprint(1)"}
LONG = {"after": r"slow = ", "text": " ".join("abcdefghij"), "delay_ms": 50}


async def open_and_ask(editor: Editor, text: str, language: str = "python") -> list[str]:
    await editor.open(f"file:///{language}.txt", language, text)
    return [ghost.text for ghost in (await editor.ask()).ghosts]


async def test_initialize_is_answered_before_any_engine_runs(
    start: Start, linewise_home: Path
) -> None:
    async with start(ADD) as editor:
        capabilities = editor.initialized.capabilities
        assert capabilities.inline_completion_provider is not None
        assert capabilities.position_encoding == "utf-32"
        assert engines(linewise_home) == []


async def test_types_and_accepts(start: Start) -> None:
    async with start(ADD) as editor:
        assert await open_and_ask(editor, "def add(a, b):\n    return ") == []
        editor.insert("a")
        answer = await editor.ask()
        await editor.accept(answer.ghosts[0])
        assert editor.buffer.lines == ["def add(a, b):\n", "    return a + b"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", []),
        ("\r\nx = 1\r\ndef add(a, b):\r\n    return a", [" + b"]),
        ("😀 = 'é'\ndef add(a, b):\n    return a", [" + b"]),
        ("\f\n\ndef add(a, b):\n    return a", [" + b"]),
        ("x = 1\n" * 50_000 + "def add(a, b):\n    return a", [" + b"]),
    ],
    ids=["empty", "crlf", "emoji", "form feed", "50,000 lines"],
)
async def test_odd_documents(start: Start, text: str, shown: list[str]) -> None:
    async with start(ADD) as editor:
        assert await open_and_ask(editor, text) == shown


@pytest.mark.parametrize(
    ("offered", "chosen", "column"),
    [
        (None, "utf-16", 19),
        ([], "utf-16", 19),
        (["utf-16"], "utf-16", 19),
        (["utf-8", "utf-16"], "utf-8", 22),
        (["utf-32"], "utf-32", 18),
    ],
)
async def test_positions_are_counted_as_the_client_wants(
    start: Start, offered: list[str] | None, chosen: str, column: int
) -> None:
    line = "x = '😀é'; return a"
    editor = start({"after": r"return a", "text": " + b\n"})
    encodings = None if offered is None else [types.PositionEncodingKind(one) for one in offered]
    editor.capabilities.general = types.GeneralClientCapabilities(position_encodings=encodings)
    async with editor:
        assert editor.initialized.capabilities.position_encoding == chosen
        await editor.open("file:///a.py", "python", f"{line}\n")
        place = types.Position(0, column)
        found = await editor.request(
            types.TEXT_DOCUMENT_INLINE_COMPLETION,
            types.InlineCompletionParams(
                types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked),
                types.TextDocumentIdentifier("file:///a.py"),
                place,
            ),
        )
        assert found.items[0].range.start == place
        assert found.items[0].insert_text.startswith(" + b")


async def test_several_documents_keep_apart(start: Start) -> None:
    async with start(ADD, {"after": "return b", "text": " - a\n"}) as editor:
        assert await open_and_ask(editor, "def add(a, b):\n    return a") == [" + b"]
        assert await open_and_ask(editor, "function f(a, b) {\n  return b", "javascript") == [
            " - a"
        ]


async def test_cancelling_stops_the_tokens(start: Start, linewise_home: Path) -> None:
    async with start(LONG, ADD) as editor:
        await editor.open("file:///a.py", "python", "slow = ")
        await editor.ready()
        answer = await editor.ask(cancel_after=0.12)
        assert answer.cancelled
        # The engine serves one request at a time: this answer comes only once that one stopped,
        # which is long before its ten tokens of 50 ms would have come.
        editor.insert("1\nreturn a")
        second = await editor.ask()
        assert second.ghosts[0].text == " + b"
        assert second.milliseconds < 400


async def test_killing_the_engine_costs_one_answer_and_says_so_once(
    start: Start, linewise_home: Path, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    hanging = LONG | {"delay_ms": 60_000, "begun": str(begun)}
    async with start(hanging, ADD) as editor:
        await editor.open("file:///a.py", "python", "slow = ")
        await editor.ready()
        asked = asyncio.create_task(editor.ask())
        while not begun.exists():
            await editor.request("linewise/status")
        (engine,) = engines(linewise_home)
        engine.kill()
        assert (await asked).ghosts == []
        (message,) = editor.messages
        assert "killed" in message
        assert "next request starts it again" in message
        editor.insert("1\nreturn a")
        assert [ghost.text for ghost in (await editor.ask()).ghosts] == [" + b"]
        assert editor.messages == [message]
        assert editor.statuses[-1].state == "ready"


async def test_the_engine_that_is_started_is_of_this_version_and_as_set(
    start: Start, linewise_home: Path
) -> None:
    def served() -> tuple[float, int, str]:
        (engine,) = engines(linewise_home)
        facts = next(json.loads(part) for part in engine.cmdline() if part.startswith("{"))
        return facts["idle_minutes"], facts["threads"], facts["version"]

    async with start(ADD, engine={"idleMinutes": 7.5, "threads": 1}) as editor:
        assert await open_and_ask(editor, "return a") == [" + b"]
        assert served() == (7.5, 1, __version__)


async def test_an_engine_leaves_after_the_minutes_that_are_set_and_comes_back(
    start: Start, linewise_home: Path
) -> None:
    async with start(ADD, engine={"idleMinutes": 0.01}) as editor:
        assert await open_and_ask(editor, "return a") == [" + b"]
        # It thinks ahead for a moment; then it has nothing to do.
        left, _ = await asyncio.to_thread(psutil.wait_procs, engines(linewise_home), 60)
        assert len(left) == 1
        assert await open_and_ask(editor, "return a", "go") == [" + b"]
        assert editor.messages == []


async def test_an_engine_that_dies_of_a_request_does_not_take_the_server_along(
    start: Start,
) -> None:
    async with start({"after": "bad", "die": True}, ADD) as editor:
        assert await open_and_ask(editor, "bad") == []
        assert "next request starts it again" in editor.messages[0]
        assert await open_and_ask(editor, "return a", "go") == [" + b"]


def write_damaged(path: Path) -> None:
    path.write_bytes(b"GGUF" + b"\0" * 64)


def write_no_model(path: Path) -> None:
    path.write_text("x = 1\n")


def write_unknown(path: Path) -> None:
    """Write a whole file of an architecture that there is not."""
    writer = GGUFWriter(path, "grok9")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (write_damaged, "pull --again"),
        (write_no_model, "is not a GGUF model file"),
        (write_unknown, "architecture 'grok9'"),
    ],
)
async def test_a_model_that_cannot_be_served_is_explained_once_and_another_can(
    start: Start, tmp_path: Path, write: Callable[[Path], None], said: str
) -> None:
    path = tmp_path / "bad.gguf"
    write(path)
    async with start(model=path) as editor:
        assert await open_and_ask(editor, "x = ") == []
        assert (await editor.ready()).state == "error"
        assert await open_and_ask(editor, "y = ") == []
        (message,) = editor.messages
        assert said in message
        assert "linewise models list" in message
        good = {"name": str(write_script(tmp_path / "good", ADD)), "workDoneToken": None}
        assert (await editor.request("linewise/selectModel", good))["state"] == "ready"
        assert await open_and_ask(editor, "return a") == [" + b"]


async def test_a_model_that_is_not_here_is_offered(start: Start) -> None:
    async with start(model=Path("smollm2-135m")) as editor:
        await editor.open("file:///a.py", "python", "x = ")
        status = await editor.ready()
        assert status.state == "noModel"
        assert "linewise models pull smollm2-135m" in status.message


@pytest.mark.parametrize(("latency", "state"), [(300, "tooSlow"), (2000, "ready")])
async def test_a_model_that_is_too_slow_is_told_with_the_one_to_use_instead(
    start: Start, latency: int, state: str
) -> None:
    words = {"after": r"= ", "text": " ".join("abcdefghijkl")}
    settings = {"latency": {"automatic": latency}}
    async with start(words, script={"generation_speed": 4.0}, **settings) as editor:
        await editor.open("file:///a.py", "python", "")
        for number in range(7):
            editor.insert(f"name_{number} = ")
            await editor.ask()
            editor.insert("1\n")
        assert editor.statuses[-1].state == state
        advice = editor.statuses[-1].advice or ""
        assert ("linewise models pull" in advice and " instead, about " in advice) == (
            state == "tooSlow"
        )
        assert editor.messages == ([advice] if advice else [])


async def test_bad_settings_are_told_and_passed_over(start: Start) -> None:
    async with start(ADD, trigger="sometimes") as editor:
        assert await open_and_ask(editor, "return a") == [" + b"]
        assert "linewise.trigger is 'sometimes'" in editor.messages[0]


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"enable": False}, []),
        ({"languages": {"*": False}}, []),
        ({"languages": {"*": False, "python": True}}, [" + b"]),
        ({"trigger": "manual"}, []),
    ],
)
async def test_switches(start: Start, settings: dict[str, object], shown: list[str]) -> None:
    async with start(ADD, **settings) as editor:
        assert await open_and_ask(editor, "return a") == shown


@pytest.mark.parametrize(
    ("name", "silence", "source"),
    [
        ("build/a.py", "ignored", ".gitignore"),
        ("x.env.py", None, None),
        (".env", "secrets", None),
        ("vendor/a.py", "excluded", None),
    ],
)
async def test_files_that_are_left_alone_and_why(
    start: Start, tmp_path: Path, name: str, silence: str | None, source: str | None
) -> None:
    (tmp_path / ".gitignore").write_text("build/\n")
    async with start(ADD, exclude=["vendor/"]) as editor:
        uri = (tmp_path / name).as_uri()
        await editor.open(uri, "python", "return a")
        assert [g.text for g in (await editor.ask()).ghosts] == ([] if silence else [" + b"])
        told = editor.documents[uri]
        assert told.silence == silence
        assert told.source == ((tmp_path / source).as_uri() if source else None)


async def test_a_document_is_told_of_again_when_that_changes(start: Start, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with start(ADD) as editor:

        async def silence_after(method: str, params: Any) -> Any:
            editor.notify(method, params)
            await editor.request("linewise/status")
            return editor.documents[uri].silence

        def configured(**section: Any) -> types.DidChangeConfigurationParams:
            return types.DidChangeConfigurationParams({"linewise": {"model": "m.gguf"} | section})

        await editor.open(uri, "python", "return a")
        await editor.request("linewise/status")
        assert editor.documents[uri].silence is None
        settings = types.WORKSPACE_DID_CHANGE_CONFIGURATION
        assert await silence_after(settings, configured(languages={"python": False})) == "language"
        assert await silence_after(settings, configured(enable=False)) == "disabled"
        assert await silence_after(settings, configured(exclude=["*.py"])) == "excluded"
        assert await silence_after(settings, configured()) is None
        rules = tmp_path / ".gitignore"
        rules.write_text("a.py\n")
        change = types.FileEvent(rules.as_uri(), types.FileChangeType.Created)
        changes = types.DidChangeWatchedFilesParams([change])
        assert await silence_after(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, changes) == "ignored"
        rules.write_text("")
        saved = types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(rules.as_uri()))
        assert await silence_after(types.TEXT_DOCUMENT_DID_SAVE, saved) is None


async def test_manual_still_answers_by_hand(start: Start) -> None:
    async with start(ADD, trigger="manual") as editor:
        await editor.open("file:///a.py", "python", "return a")
        assert [g.text for g in (await editor.ask(invoked=True)).ghosts][:1] == [" + b"]


async def test_windows_share_one_engine(start: Start, linewise_home: Path) -> None:
    async with start(ADD) as one, start(ADD) as two:
        assert await open_and_ask(one, "return a") == [" + b"]
        assert await open_and_ask(two, "return a") == [" + b"]
        assert len(engines(linewise_home)) == 1


async def test_models_are_listed_for_the_picker(start: Start) -> None:
    async with start(ADD) as editor:
        models = await editor.request("linewise/models")
        names = [model["name"] for model in models]
        assert "smollm2-135m" in names
        assert not any(model["installed"] for model in models)
