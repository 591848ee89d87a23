"""Generation through a real server and engine process, with a scripted model: exact edits.

`Window` is an editor of the plainest kind: it runs code actions, applies the edits that it is sent,
keeps a list of what one undo takes back, and answers questions as a test tells it to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from linewise_server.lsp.editor import Editor
from linewise_server.protocol import COMMAND_GENERATE
from linewise_server.snapshot import Snapshot
from tests.e2e.conftest import Start, engines

MEAN = 'def mean(xs):\n    """Return the mean."""\n'
BODY = {"after": r'the mean\."""\n\s*', "text": "    return sum(xs) / len(xs)\n\n\ndef other():\n"}
SLOW = {"after": r"the slow one\.\"\"\"\n\s*", "text": "    x = 1\n" * 3, "delay_ms": 60}
TITLE = "Implement This Function"


@dataclass
class Window:
    """What a test sees of the editor."""

    editor: Editor
    edits: list[types.WorkspaceEdit] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.editor.buffer.lines)

    async def open(self, text: str, language: str = "python", uri: str = "file:///w/a.py") -> None:
        await self.editor.open(uri, language, text.replace("║", ""))
        place = Snapshot.of(text).place(text.find("║")) if "║" in text else (0, 0)
        self.editor.buffer.line, self.editor.buffer.column = place

    def request(self, kind: str, **values: Any) -> dict[str, Any]:
        buffer = self.editor.buffer
        return {
            "uri": buffer.uri,
            "version": buffer.version,
            "kind": kind,
            "startLine": buffer.line,
            "startCharacter": buffer.column,
            "endLine": buffer.line,
            "endCharacter": buffer.column,
            "detail": None,
            "partialResultToken": "part",
        } | values

    async def generate(self, kind: str, **values: Any) -> Any:
        return await self.editor.request("linewise/generate", self.request(kind, **values))

    async def run(self, kind: str, **values: Any) -> None:
        params = types.ExecuteCommandParams(COMMAND_GENERATE, [self.request(kind, **values)])
        await self.editor.request(types.WORKSPACE_EXECUTE_COMMAND, params)

    def apply(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        """Apply an edit as an editor does: all of it, at positions of the text as it is."""
        self.edits.append(params.edit)
        for each in params.edit.document_changes or ():
            if isinstance(each, types.TextDocumentEdit):
                version = each.text_document.version
                if version not in (None, self.editor.buffer.version):
                    return types.ApplyWorkspaceEditResult(applied=False, failure_reason="changed")
                if each.text_document.uri == self.editor.buffer.uri:
                    self.editor.buffer.lines = _applied(self.text, each.edits)
        return types.ApplyWorkspaceEditResult(applied=True)


def _applied(text: str, edits: Any) -> list[str]:
    snapshot = Snapshot.of(text)
    # Later edits first; of two at one place the one that comes first in the list ends up in front.
    placed = [
        (snapshot.offset(e.range.start.line, e.range.start.character), n, e)
        for n, e in enumerate(edits)
    ]
    for start, _, edit in sorted(placed, key=lambda one: one[:2], reverse=True):
        end = snapshot.offset(edit.range.end.line, edit.range.end.character)
        text = text[:start] + edit.new_text + text[end:]
    return list(Snapshot.of(text).lines)


@asynccontextmanager
async def window(
    start: Start, *rules: dict[str, Any], asks: bool = False, **settings: Any
) -> AsyncIterator[Window]:
    editor = start(*rules, **settings)
    editor.options["asksForDetail"] = asks
    edits = types.WorkspaceEditClientCapabilities(
        document_changes=True,
        resource_operations=[types.ResourceOperationKind.Create],
        change_annotation_support=types.ChangeAnnotationsSupportOptions(),
    )
    resolving = types.ClientCodeActionResolveOptions(["command"])
    actions = types.CodeActionClientCapabilities(resolve_support=resolving)
    assert editor.capabilities.text_document is not None
    editor.capabilities.text_document.code_action = actions
    editor.capabilities.workspace = types.WorkspaceClientCapabilities(
        apply_edit=True, workspace_edit=edits
    )
    shown = Window(editor)
    client = editor._client

    @client.feature(types.WORKSPACE_APPLY_EDIT)  # type: ignore[untyped-decorator]
    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        return shown.apply(params)

    async with editor:
        yield shown


async def test_one_edit_with_the_version_checked_is_one_undo(start: Start) -> None:
    async with window(start, BODY) as w:
        await w.open(MEAN + "    ║\n\nprint(mean([1]))\n")
        await w.run("implement")
        assert w.text == MEAN + "    return sum(xs) / len(xs)\n\nprint(mean([1]))\n"
        (edit,) = w.edits
        (change,) = edit.document_changes or ()
        assert isinstance(change, types.TextDocumentEdit)
        assert change.text_document.version == 1


async def test_streams_whole_states_of_the_edit(start: Start) -> None:
    async with window(start, BODY) as w:
        await w.open(MEAN + "║")
        answer = await w.generate("implement")
        seen = [value["edit"]["text"] for value in w.editor.progress if "edit" in value]
        assert len(seen) > 3
        assert seen[0] == "\n    return"
        assert seen[-1] == answer["edits"][0]["text"] == "\n    return sum(xs) / len(xs)"
        assert (answer["problems"], answer["unresolved"]) == ([], [])
        assert w.edits == []


async def test_imports_go_to_the_top_in_the_same_edit(start: Start) -> None:
    rule = BODY | {"text": "    import statistics\n    return statistics.mean(math.pi)\n"}
    async with window(start, rule) as w:
        await w.open("import os\n\n\n" + MEAN + "║")
        await w.run("implement")
        assert w.text == (
            "import os\nimport statistics\nimport math\n\n\n"
            + MEAN
            + "    return statistics.mean(math.pi)\n"
        )
        assert len(w.edits) == 1


async def test_a_failed_check_is_told_and_the_text_is_there(start: Start) -> None:
    rule = BODY | {"text": "    return summed(xs) / len(\n"}
    async with window(start, rule) as w:
        await w.open(MEAN + "║")
        answer = await w.generate("implement")
        assert "return summed(xs) / len(" in answer["edits"][0]["text"]
        assert any("does not parse" in problem for problem in answer["problems"])


async def test_names_that_lead_nowhere_are_listed(start: Start) -> None:
    async with window(start, BODY | {"text": "    return summed(xs)\n"}) as w:
        await w.open(MEAN + "║")
        assert (await w.generate("implement"))["unresolved"] == ["summed"]


async def test_cancelling_half_way_ends_the_work_and_changes_nothing(start: Start) -> None:
    text = 'def slow():\n    """Return the slow one."""\n'
    async with window(start, SLOW) as w:
        await w.open(text + "║")
        await w.editor.ready()
        running = asyncio.create_task(w.run("implement"))
        token = await w.editor.progress_until(lambda value: value.get("message") == "2 lines")
        w.editor._client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
        await running
        assert (w.text, w.edits) == (text, [])
        assert w.editor.progress[-1]["kind"] == "end"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, 'def slow():\n    """Return the slow one."""\n    mine\n'),
        (
            "Insert Below",
            'def slow():\n    """Return the slow one."""\n    x = 1\n    mine\n',
        ),
    ],
)
async def test_what_was_changed_meanwhile_is_never_written_over(
    start: Start, answer: str | None, expected: str
) -> None:
    async with window(start, SLOW | {"text": "    x = 1\n"}) as w:
        w.editor.answers = [answer] if answer else []
        await w.open('def slow():\n    """Return the slow one."""\n    ║\n')
        await w.editor.ready()
        running = asyncio.create_task(w.run("implement"))
        await w.editor.progress_until(lambda value: value.get("title") == TITLE)
        w.editor.insert("mine")
        await running
        assert w.text == expected
        assert "changed the text at the place" in w.editor.messages[0]


async def test_edits_elsewhere_move_the_place(start: Start) -> None:
    async with window(start, SLOW | {"text": "    x = 1\n"}) as w:
        await w.open('y = 1\n\n\ndef slow():\n    """Return the slow one."""\n║')
        await w.editor.ready()
        running = asyncio.create_task(w.run("implement"))
        await w.editor.progress_until(lambda value: value.get("title") == TITLE)
        w.editor.buffer.line, w.editor.buffer.column = 0, 0
        w.editor.insert("# more\n")
        await running
        assert w.editor.messages == []
        assert w.text.startswith("# more\ny = 1")
        assert '"""\n    x = 1' in w.text


async def test_a_preview_asks_the_editor_to_confirm(start: Start) -> None:
    async with window(start, BODY, generate={"preview": True}) as w:
        await w.open(MEAN + "║")
        await w.run("implement")
        annotations = w.edits[0].change_annotations or {}
        assert [note.needs_confirmation for note in annotations.values()] == [True]


async def test_tests_go_into_a_new_file_beside(start: Start, tmp_path: Path) -> None:
    rule = {"after": r"def test_mean", "text": "():\n    assert mean([1, 3]) == 2\n"}
    async with window(start, rule) as w:
        source = tmp_path / "stats.py"
        await w.open(MEAN + "    return║ 1\n", uri=source.as_uri())
        await w.run("tests")
        created, written = w.edits[0].document_changes or ()
        assert isinstance(created, types.CreateFile)
        assert created.uri == (tmp_path / "test_stats.py").as_uri()
        assert isinstance(written, types.TextDocumentEdit)
        (edit,) = written.edits
        assert isinstance(edit, types.TextEdit)
        assert edit.new_text == (
            "from stats import mean\n\n\ndef test_mean():\n    assert mean([1, 3]) == 2\n"
        )


async def test_actions_are_offered_and_resolved_where_they_make_sense(start: Start) -> None:
    async with window(start, BODY) as w:
        await w.open(MEAN + "    ║\n")
        place = types.Range(types.Position(0, 5), types.Position(0, 5))
        kinds = types.CodeActionTriggerKind
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(w.editor.buffer.uri),
            place,
            types.CodeActionContext([], trigger_kind=kinds.Invoked),
        )
        actions = await w.editor._client.text_document_code_action_async(params)
        titles = [action.title for action in actions or ()]
        assert titles == ["Implement This Function (Linewise)", "Write Docstring (Linewise)"]
        chosen = (actions or [])[0]
        assert isinstance(chosen, types.CodeAction)
        resolved = await w.editor._client.code_action_resolve_async(chosen)
        assert resolved.command is not None
        await w.editor._client.workspace_execute_command_async(
            types.ExecuteCommandParams(resolved.command.command, resolved.command.arguments)
        )
        assert "return sum(xs) / len(xs)" in w.text


_OTHERS = ("JavaScript", "TypeScript", "Go", "Rust", "Java", "C", "C++")
TRANSLATE = [f"Translate to {name}" for name in _OTHERS]


@pytest.mark.parametrize(
    ("asks", "titles"), [(True, ["Generate…", "Translate to…"]), (False, TRANSLATE)]
)
async def test_a_selection_can_be_rewritten(start: Start, asks: bool, titles: list[str]) -> None:
    async with window(start, asks=asks) as w:
        await w.open("def f():\n    return 1║\n")
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(w.editor.buffer.uri),
            types.Range(types.Position(0, 0), types.Position(1, 12)),
            types.CodeActionContext([], only=[types.CodeActionKind.RefactorRewrite]),
        )
        actions = await w.editor._client.text_document_code_action_async(params)
        assert [action.title for action in actions or ()] == [f"{t} (Linewise)" for t in titles]


@pytest.mark.parametrize(
    ("text", "kind", "detail", "said"),
    [
        ("x = 1║\n", "implement", None, "no function here"),
        (MEAN + "    return 1║\n", "implement", None, "has a body already"),
        ("x = 1║\n", "comment", None, "on the comment"),
        ("x = 1║\n", "instruction", " ", "no instruction"),
        ("x = 1║\n", "translate", "klingon", "no language to translate to"),
        ("x = 1║\n", "sample", "a/b", "has a sample"),
    ],
)
async def test_what_cannot_be_done_is_said(
    start: Start, text: str, kind: str, detail: str | None, said: str
) -> None:
    async with window(start) as w:
        await w.open(text)
        with pytest.raises(JsonRpcException, match=said):
            await w.generate(kind, detail=detail)


async def test_the_default_model_writes_code_docstrings_and_answers(
    start: Start, real_model: Path
) -> None:
    async with window(start, model=real_model) as w:
        await w.open('def mean(xs):\n    """Return the arithmetic mean of xs."""\n║')
        answer = await w.generate("implement")
        # Which words it chooses is the model's business; that they are code at its place is ours.
        assert answer["edits"][0]["text"].startswith("\n    return ")
        assert (answer["problems"], answer["unresolved"]) == ([], [])
        await w.open("def is_even(n):\n    return n % 2 == 0║\n", uri="file:///w/b.py")
        described = await w.generate("docstring")
        assert described["problems"] == []
        assert described["edits"][0]["text"].startswith('\n    """')
        explained = await w.generate("explain")
        assert explained["language"] == "markdown"
        assert "even" in explained["text"]


async def test_a_small_model_is_shown_what_the_file_imports(start: Start) -> None:
    signed = {
        "after": r"(?s)# click\S*\.echo\(message.*the mean\.\"\"\"\s*",
        "text": "    return 1\n",
    }
    async with window(start, signed) as w:
        await w.open(
            "import json\nfrom click import echo\n\necho(json.dumps(1))\n\n\n" + MEAN + "║"
        )
        answers = [await w.generate("implement") for _ in range(3)]
        # Names are inferred while the user waits, and no longer; asked again, they are known.
        assert any(answer["text"] == "return 1" for answer in answers)


async def test_a_request_about_an_older_text_is_refused(start: Start) -> None:
    async with window(start, BODY) as w:
        await w.open(MEAN + "║")
        with pytest.raises(JsonRpcException, match="Ask for it again"):
            await w.generate("implement", version=0)


async def test_what_is_coming_reaches_the_engine_before_it_is_asked(
    start: Start, linewise_home: Path
) -> None:
    unwritten = {"after": r"…\s*", "die": True}
    async with window(start, unwritten, BODY) as w:
        await w.open(MEAN + "    ║\n")
        await w.generate("implement")
        (engine,) = engines(linewise_home)
        w.editor._client.protocol.notify("linewise/generationComing", w.request("instruction"))
        await asyncio.to_thread(engine.wait, 20)
        assert (await w.generate("implement"))["edits"]


async def test_files_that_are_left_alone_are_left_alone(start: Start, tmp_path: Path) -> None:
    async with window(start, BODY) as w:
        await w.open(MEAN + "║", uri=(tmp_path / ".env").as_uri())
        with pytest.raises(JsonRpcException, match="secrets"):
            await w.generate("implement")
