"""Completions for clients without inline completion, and beside a list of suggestions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from linewise_server.lsp.editor import Editor
from tests.e2e.conftest import Start

LINE = "    return alpha"
TEXT = f"def add(alpha, beta):\n{LINE}"
ADD = {"after": r"alpha", "text": " + beta\n\nprint(1)"}
BY_HAND = types.CompletionTriggerKind.Invoked
GOING_ON = types.CompletionTriggerKind.TriggerForIncompleteCompletions


def plain(editor: Editor) -> Editor:
    """Let an editor know plain completion alone."""
    editor.capabilities.text_document = types.TextDocumentClientCapabilities(
        completion=types.CompletionClientCapabilities()
    )
    return editor


async def listed(
    editor: Editor,
    text: str = TEXT,
    kind: types.CompletionTriggerKind | None = BY_HAND,
    uri: str = "file:///a.py",
) -> list[types.CompletionItem]:
    await editor.open(uri, "python", text)
    found = await editor.request(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionParams(
            types.TextDocumentIdentifier(uri),
            types.Position(editor.buffer.line, editor.buffer.column),
            types.CompletionContext(kind) if kind else None,
        ),
    )
    # What is typed next changes what is suggested, so that a client has to ask again.
    assert found.is_incomplete
    return list(found.items)


async def test_an_item_goes_on_from_the_word_before_the_cursor(start: Start) -> None:
    async with plain(start(ADD)) as editor:
        (item,) = await listed(editor)
        end = types.Position(1, len(LINE))
        assert item.text_edit == types.TextEdit(types.Range(end, end), " + beta")
        assert (item.label, item.filter_text) == ("+ beta", "alpha + beta")
        assert item.command is not None
        await editor.request(
            types.WORKSPACE_EXECUTE_COMMAND,
            types.ExecuteCommandParams(item.command.command, item.command.arguments),
        )
        saved = await editor.request("linewise/status")
        assert saved["keysSavedToday"] == len(" + beta")


@pytest.mark.parametrize(
    ("before", "word"),
    [("x = alpha.", ""), ("é_alpha", "é_alpha"), ("'' + alpha", "alpha"), ("", "")],
)
async def test_only_the_word_before_the_cursor_is_filtered_by(
    start: Start, before: str, word: str
) -> None:
    async with plain(start({"after": r".*", "text": "fox(1)\n"})) as editor:
        (item,) = await listed(editor, f"run(1)\n{before}")
        assert isinstance(item.text_edit, types.TextEdit)
        assert (item.label, item.filter_text) == ("fox(1)", f"{word}{item.text_edit.new_text}")


@pytest.mark.parametrize(
    ("trigger", "kind", "labels"),
    [
        ("automatic", None, ["+ beta"]),
        ("automatic", BY_HAND, ["+ beta"]),
        ("automatic", GOING_ON, ["+ beta"]),
        ("manual", BY_HAND, ["+ beta"]),
        ("manual", GOING_ON, []),
    ],
)
async def test_what_is_not_asked_for_by_hand_comes_only_where_that_is_set(
    start: Start, trigger: str, kind: types.CompletionTriggerKind | None, labels: list[str]
) -> None:
    async with plain(start(ADD, trigger=trigger)) as editor:
        assert [item.label for item in await listed(editor, kind=kind)] == labels


async def test_what_the_folder_sets_is_waited_for(start: Start, tmp_path: Path) -> None:
    quiet, loud = tmp_path / "quiet", tmp_path / "loud"
    editor = plain(start(ADD))
    editor.folders = [types.WorkspaceFolder(path.as_uri(), path.name) for path in (quiet, loud)]
    editor.set_in = {quiet.as_uri(): {"trigger": "manual"}}
    async with editor:
        # Asked at once, before the server can know what is set.
        assert await listed(editor, kind=GOING_ON, uri=f"{quiet.as_uri()}/a.py") == []
        (item,) = await listed(editor, kind=GOING_ON, uri=f"{loud.as_uri()}/a.py")
        assert item.label == "+ beta"


async def test_who_knows_inline_completion_gets_no_list(start: Start) -> None:
    async with start(ADD) as editor:
        await editor.open("file:///a.py", "python", TEXT)
        place = types.Position(1, len(LINE))
        params = types.CompletionParams(types.TextDocumentIdentifier("file:///a.py"), place)
        assert await editor.request(types.TEXT_DOCUMENT_COMPLETION, params) is None


async def test_several_lines_are_put_in_where_one_is_shown(start: Start) -> None:
    block = "total = 0\n    for x in xs:\n        total += x\n    return total\n"
    async with plain(start({"after": r"\):\n +", "text": block})) as editor:
        (item,) = await listed(editor, "def sum(xs):\n    ")
        assert item.label == "total = 0"
        assert isinstance(item.text_edit, types.TextEdit)
        assert item.text_edit.new_text.count("\n") == 3


SELECTIONS: list[Any] = [
    # What is selected takes the place of what was typed of it.
    (" alp", 11, "alpha", "alpha + beta", 11),
    # The list may know another spelling.
    (" ALP", 11, "alpha", "alpha + beta", 11),
    # Nothing of it is typed yet.
    (" ", 11, "alpha", "alpha + beta", 11),
]


@pytest.mark.parametrize(("typed", "start_at", "selected", "text", "begins"), SELECTIONS)
async def test_what_is_selected_in_the_list_is_gone_on_from(
    start: Start, typed: str, start_at: int, selected: str, text: str, begins: int
) -> None:
    async with start(ADD) as editor:
        await editor.open("file:///a.py", "python", f"def add(alpha, beta):\n    return{typed}")
        (item,) = await beside(editor, types.Range(place(1, start_at), at(editor)), selected)
        assert item.insert_text == text
        assert item.range == types.Range(place(1, begins), at(editor))


async def test_a_selection_on_another_line_is_passed_over(start: Start) -> None:
    async with start(ADD) as editor:
        await editor.open("file:///a.py", "python", TEXT)
        (item,) = await beside(editor, types.Range(place(0, 0), place(0, 3)), "class")
        assert (item.insert_text, item.range) == (" + beta", types.Range(at(editor), at(editor)))


async def beside(
    editor: Editor, where: types.Range, selected: str
) -> list[types.InlineCompletionItem]:
    """Ask while a list of suggestions is open in which `selected` would take the place `where`."""
    context = types.InlineCompletionContext(
        types.InlineCompletionTriggerKind.Automatic, types.SelectedCompletionInfo(where, selected)
    )
    document = types.TextDocumentIdentifier(editor.buffer.uri)
    params = types.InlineCompletionParams(context, document, at(editor))
    found = await editor.request(types.TEXT_DOCUMENT_INLINE_COMPLETION, params)
    return list(found.items)


def place(line: int, column: int) -> types.Position:
    return types.Position(line, column)


def at(editor: Editor) -> types.Position:
    return place(editor.buffer.line, editor.buffer.column)
