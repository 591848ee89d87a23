"""Feedback, consent and docs through the real server."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from lsprotocol import types

from tests.e2e.conftest import Start

RULE = {"after": "return a", "text": " + b\n"}
WORDS: dict[str, Any] = {
    "kind": "problem",
    "about": "product",
    "subject": None,
    "text": "The ghost text covers my code.",
    "rating": 2,
    "attachments": [],
    "contact": None,
}


async def test_feedback_is_previewed_kept_and_shown(start: Start) -> None:
    async with start(RULE) as editor:
        preview = await editor.request("linewise/previewFeedback", WORDS)
        assert WORDS["text"] in preview["body"]
        receipt = await editor.request("linewise/sendFeedback", WORDS)
        # No collector is set, so it is kept here until there is one.
        assert (receipt["sent"], len(receipt["receipt"])) == (False, 32)
        (mine,) = await editor.request("linewise/myFeedback", {})
        assert mine["receipt"] == receipt["receipt"]
        assert mine["status"] == "waiting"


@pytest.mark.parametrize("able", [False, True])
async def test_answer_reaches_the_editor_by_itself(
    start: Start, monkeypatch: pytest.MonkeyPatch, able: bool
) -> None:
    """The next window tells of it, once, and asks nobody but who got the feedback."""
    monkeypatch.delenv("CI", raising=False)
    with maker() as (origin, asked, says):
        monkeypatch.setenv("LINEWISE_COLLECTOR", f"{origin}#product")
        async with start(RULE) as editor:
            draft = await editor.request("linewise/previewFeedback", WORDS)
            assert f"{origin} is asked for the answer" in draft["afterwards"]
            assert (await editor.request("linewise/sendFeedback", WORDS))["sent"]
        assert editor.messages == []
        says |= {"status": "fixed", "answer": "In release 2.4,\nsee [here](command:evil)."}
        editor = start(RULE)
        editor.options = {"tellsOfAnswers": able}
        async with editor:
            async with asyncio.timeout(60):
                while not editor.messages and not editor.answered:
                    await editor.request("linewise/models")
        before = len(asked)
        async with start(RULE) as again:
            await again.request("linewise/models")
    assert (editor.answered if able else editor.messages) == [
        f"Your feedback “{WORDS['text']}” has an answer from Linewise ({origin}): "
        "In release 2.4, see [here] (command:evil)."
    ]
    assert (again.messages, again.answered, len(asked)) == ([], [], before)
    assert set(asked) == {"POST /v1/feedback", "GET /v1/feedback"}


@contextmanager
def maker() -> Iterator[tuple[str, list[str], dict[str, Any]]]:
    """A collector that takes feedback; yields its address, what was asked, and what it says."""
    asked: list[str] = []
    says: dict[str, Any] = {"status": "received", "answer": None}

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(201)

        def do_GET(self) -> None:
            self.reply(200)

        def reply(self, status: int) -> None:
            asked.append(f"{self.command} {self.path}")
            answer = json.dumps(says).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Desk) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked, says
        finally:
            server.shutdown()
            thread.join()


async def test_consent_is_said_and_can_be_taken_back(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("CI", "DO_NOT_TRACK"):
        monkeypatch.delenv(variable, raising=False)

    async with start(RULE) as editor:

        async def say(level: str | None, editor_enabled: bool | None = None) -> Any:
            word = {"level": level, "editorEnabled": editor_enabled}
            return await editor.request("linewise/telemetry", word)

        assert (await say(None))["effective"] == "local"
        assert (await say("counts"))["chosen"] == "counts"
        assert (await say(None, editor_enabled=False))["effective"] != "counts"
        assert (await say("off"))["effective"] == "off"


async def test_docs_of_the_standard_library_are_linked(start: Start) -> None:
    async with start(RULE) as editor:
        text = "import os.path\n\nos.path.join('a', 'b')"
        await editor.open("file:///a.py", "python", text)
        hover = await editor.request(
            types.TEXT_DOCUMENT_HOVER,
            types.HoverParams(types.TextDocumentIdentifier("file:///a.py"), types.Position(2, 9)),
        )
        assert "https://docs.python.org/" in hover.contents.value
        assert "#os.path.join" in hover.contents.value
        apis = await editor.request(
            "linewise/apisAt", {"uri": "file:///a.py", "line": 2, "character": 9}
        )
        assert apis[0]["name"] == "os.path.join"


async def test_the_client_is_told_what_there_is(start: Start) -> None:
    async with start(RULE) as editor:
        told: Any = editor.initialized.capabilities.experimental
        assert told["linewise"] == dict.fromkeys(told["linewise"], True)
        assert told["linewise"].keys() >= {"docs", "feedback", "telemetry"}
