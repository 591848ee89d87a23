"""Explaining a completion through a real server and engine process, with a scripted model."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from linewise_server.lsp.editor import Editor
from linewise_server.lsp.plain import field
from tests.e2e.conftest import Start

METHOD = "linewise/explainCompletion"
TEXT = "def mean(xs):\n    total = sum(xs)\n    return "
RULE = {"after": "return ?", "text": "total / len(xs)\n"}
LEANS = {"sum(xs)": 2.0}


def request(editor: Editor, **values: Any) -> dict[str, Any]:
    buffer = editor.buffer
    return {
        "uri": buffer.uri,
        "version": buffer.version,
        "line": buffer.line,
        "character": buffer.column,
        "workDoneToken": "why",
    } | values


async def test_a_page_comes_with_progress_and_its_cost(start: Start) -> None:
    async with start(RULE, leans=LEANS) as editor:
        experimental = editor.initialized.capabilities.experimental
        assert field(field(experimental, "linewise"), "explanation")
        await editor.open("file:///w/a.py", "python", TEXT)
        await editor.ready()
        found = await editor.request(METHOD, request(editor))
        assert "It leans most on line 2: without it the completion is" in found["summary"]
        assert "<script" not in found["html"]
        assert "a.py:3:12" in found["html"]
        shown = [v for v, t in zip(editor.progress, editor.tokens, strict=True) if t == "why"]
        assert [value["kind"] for value in shown] == ["begin", *["report"] * 3, "end"]
        assert shown[1]["message"].startswith("0 of up to 2 requests, each of up to")
        assert shown[-2]["percentage"] == 100


async def test_what_was_shown_at_the_cursor_is_explained(start: Start) -> None:
    async with start(RULE, leans=LEANS) as editor:
        await editor.open("file:///w/a.py", "python", TEXT)
        await editor.ready()
        assert (await editor.ask()).ghosts[0].text == "total / len(xs)"
        editor.insert("tot")
        found = await editor.request(METHOD, request(editor))
        assert "<pre>al / len(xs)</pre>" in found["html"]


async def test_where_nothing_is_suggested_there_is_no_page(start: Start) -> None:
    async with start(RULE) as editor:
        await editor.open("file:///w/a.py", "python", "x = ")
        found = await editor.request(METHOD, request(editor))
        assert found["html"] is None
        assert "nothing to explain" in found["summary"]


@pytest.mark.parametrize(
    ("rules", "values", "said"),
    [
        ([RULE], {"version": 7}, "The text has changed"),
        ([RULE], {"uri": "file:///w/other.py"}, "not open"),
        ([{"after": "return ?", "fail": "no memory"}], {}, "no memory"),
    ],
)
async def test_what_goes_wrong_is_the_answer(
    start: Start, rules: list[dict[str, Any]], values: dict[str, Any], said: str
) -> None:
    async with start(*rules) as editor:
        await editor.open("file:///w/a.py", "python", TEXT)
        await editor.ready()
        with pytest.raises(JsonRpcException, match=said):
            await editor.request(METHOD, request(editor, **values))


async def test_cancelling_it_frees_the_engine(start: Start) -> None:
    slow = RULE | {"delay_ms": 50}
    async with start(slow, {"after": "x = ", "text": "1\n"}) as editor:
        await editor.open("file:///w/a.py", "python", "y = 1\n" * 30 + TEXT)
        await editor.ready()
        protocol = editor._client.protocol
        asked = asyncio.ensure_future(
            protocol.send_request_async(METHOD, request(editor), "explain-1")
        )
        await editor.progress_until(lambda value: "1 of up to" in str(value))
        editor._client.cancel_request(types.CancelParams("explain-1"))
        with pytest.raises(JsonRpcException):
            await asked
        editor.insert("\nx = ")
        assert (await editor.ask(invoked=True)).ghosts[0].text == "1"


async def test_typing_goes_before_it(start: Start) -> None:
    slow = RULE | {"delay_ms": 30}
    async with start(slow, {"after": "x = ", "text": "1\n"}, leans=LEANS) as editor:
        await editor.open("file:///w/a.py", "python", "y = 1\n" * 30 + TEXT)
        await editor.ready()
        why = asyncio.ensure_future(editor.request(METHOD, request(editor)))
        await editor.progress_until(lambda value: "1 of up to" in str(value))
        editor.insert("\nx = ")
        assert (await editor.ask(invoked=True)).ghosts[0].text == "1"
        assert not why.done()
        assert "It leans most on line 32" in (await why)["summary"]
