"""Feedback, consent and docs through the real server."""

from __future__ import annotations

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
