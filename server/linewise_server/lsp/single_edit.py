"""A generation for clients that do not stream: progress, a cancel button, and one edit at the end.

In: work that gives an outcome. Out: one `workspace/applyEdit` with the version of the document, or
a new file beside it, or a message. Where the user changed the text at the place meanwhile nothing
is written over; they are asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from lsprotocol import types

from linewise_server.generation.ask import Change, Outcome
from linewise_server.generation.generator import OnText
from linewise_server.lsp.documents import Document
from linewise_server.lsp.drift import Drift
from linewise_server.lsp.folders import path_of
from linewise_server.lsp.server import LinewiseServer
from linewise_server.snapshot import Snapshot

_BELOW, _DISCARD = "Insert Below", "Discard"
_CONFIRM = "linewise-generated"
_MOST_NAMES = 100

Work = Callable[[OnText], Awaitable[Outcome]]


class SingleEdit:
    """One generation that ends in one edit."""

    def __init__(self, server: LinewiseServer, snapshot: Snapshot, title: str) -> None:
        self._server = server
        self._snapshot = snapshot
        self._title = title.rstrip("…")
        self._drift = Drift(snapshot.uri)

    async def make(self, work: Work) -> Outcome | None:
        """Run the work, put its outcome where it belongs, and return it if its user has it now.

        If cancelled, change nothing.
        """
        edited = self._server.session.listeners.edited
        edited.append(self._drift.follow)
        try:
            outcome = await self._watched(work)
            if outcome is None or not await self._put(outcome):
                return None
        finally:
            edited.remove(self._drift.follow)
        if notes := _notes(outcome):
            self._say(types.MessageType.Warning, f"{self._title}: {notes}")
        return outcome

    async def _put(self, outcome: Outcome) -> bool:
        """Put an outcome where it belongs; say whether it stands there, or there was nothing."""
        if outcome.changes:
            return await self._edit(outcome)
        if outcome.language == "markdown":
            self._say(types.MessageType.Info, outcome.text)
        elif outcome.text.strip():
            return await self._create(outcome)
        return True

    async def _watched(self, work: Work) -> Outcome | None:
        """Run the work under a progress that can cancel it; None where it was cancelled."""
        progress, token = self._server.work_done_progress, f"linewise-generate-{uuid.uuid4()}"
        window = self._server.client_capabilities.window
        if not (window and window.work_done_progress):
            return await work(lambda change, text: None)
        await progress.create_async(token)
        task = asyncio.ensure_future(work(lambda change, text: show(text)))
        stop: Future[None] = progress.tokens[token]
        stop.add_done_callback(lambda done: task.cancel() if done.cancelled() else None)

        def show(text: str) -> None:
            lines = text.count("\n") + 1
            message = f"{lines} {'line' if lines == 1 else 'lines'}"
            progress.report(token, types.WorkDoneProgressReport(message=message))

        progress.begin(token, types.WorkDoneProgressBegin(self._title, cancellable=True))
        try:
            return await task
        except asyncio.CancelledError:
            if not stop.cancelled():
                task.cancel()
                raise
            return None
        finally:
            progress.end(token, types.WorkDoneProgressEnd())

    async def _edit(self, outcome: Outcome) -> bool:
        document = self._server.session.documents.get(self._snapshot.uri)
        if document is None:
            self._say(types.MessageType.Warning, "The document was closed; nothing was written.")
            return False
        moved = [self._moved(change) for change in outcome.changes]
        if moved[0] is None:
            asked = types.ShowMessageRequestParams(
                types.MessageType.Warning,
                f"{self._title}: you changed the text at the place meanwhile, so nothing was "
                "written over it. Insert the result below?",
                [types.MessageActionItem(_BELOW), types.MessageActionItem(_DISCARD)],
            )
            answer = await self._server.window_show_message_request_async(asked)
            if answer is None or answer.title != _BELOW:
                return False
            moved = [_below(document, outcome.changes[0]), *moved[1:]]
        # What was touched since, such as the imports, is left to the user; a check names it.
        return await self._apply(document, [change for change in moved if change is not None])

    def _moved(self, change: Change) -> Change | None:
        place = self._drift.moved(change.start, change.end)
        return replace(change, start=place[0], end=place[1]) if place is not None else None

    async def _apply(self, document: Document, changes: list[Change]) -> bool:
        snapshot = document.snapshot()
        workspace = self._server.client_capabilities.workspace
        able = workspace.workspace_edit if workspace else None
        confirm = (
            self._server.session.folders.settings(document.uri).generate_preview
            and able is not None
            and able.change_annotation_support is not None
        )
        # Of two at one place the later of `changes` is to stand in front, so it comes first.
        ordered = sorted(enumerate(changes), key=lambda pair: (pair[1].start, -pair[0]))
        edits = [_text_edit(document, snapshot, change) for _, change in ordered]
        if able is not None and able.document_changes:
            versioned = types.OptionalVersionedTextDocumentIdentifier(
                document.uri, snapshot.version
            )
            note = types.ChangeAnnotation(self._title, needs_confirmation=True)
            noted = [types.AnnotatedTextEdit(_CONFIRM, e.range, e.new_text) for e in edits]
            edit = types.WorkspaceEdit(
                document_changes=[types.TextDocumentEdit(versioned, noted if confirm else edits)],
                change_annotations={_CONFIRM: note} if confirm else None,
            )
        else:
            edit = types.WorkspaceEdit(changes={document.uri: edits})
        return await self._send(edit)

    async def _create(self, outcome: Outcome) -> bool:
        """Put a text of its own into a new file beside the document."""
        workspace = self._server.client_capabilities.workspace
        able = workspace.workspace_edit if workspace else None
        operations = able.resource_operations if able else None
        path = path_of(self._snapshot.uri)
        if path is None or types.ResourceOperationKind.Create not in (operations or ()):
            self._say(types.MessageType.Info, outcome.text)
            return True
        uri = _free(path.parent, outcome.file).as_uri()
        start = types.Range(types.Position(0, 0), types.Position(0, 0))
        new = types.OptionalVersionedTextDocumentIdentifier(uri, None)
        created = await self._send(
            types.WorkspaceEdit(
                document_changes=[
                    types.CreateFile(uri),
                    types.TextDocumentEdit(new, [types.TextEdit(start, outcome.text)]),
                ]
            )
        )
        with contextlib.suppress(Exception):
            # A client that cannot show it has it in its list of files all the same.
            await self._server.window_show_document_async(types.ShowDocumentParams(uri))
        return created

    async def _send(self, edit: types.WorkspaceEdit) -> bool:
        params = types.ApplyWorkspaceEditParams(edit, self._title)
        result = await self._server.workspace_apply_edit_async(params)
        if not result.applied:
            reason = result.failure_reason or "the editor gave no reason"
            self._say(types.MessageType.Warning, f"{self._title}: nothing was written: {reason}.")
        return result.applied

    def _say(self, kind: types.MessageType, message: str) -> None:
        self._server.window_show_message(types.ShowMessageParams(kind, message))


def _below(document: Document, change: Change) -> Change:
    """Return a change that only adds: its text on lines of its own below where it was to go."""
    text = document.snapshot().text()
    end = text.find("\n", min(change.start, len(text)))
    end = len(text) if end < 0 else end
    eol = "" if change.text.startswith(("\n", "\r")) else "\n"
    return Change(end, end, eol + change.text.rstrip("\n"))


def _text_edit(document: Document, snapshot: Snapshot, change: Change) -> types.TextEdit:
    start, end = snapshot.place(change.start), snapshot.place(change.end)
    where = types.Range(document.position(*start), document.position(*end))
    return types.TextEdit(where, change.text)


def _free(folder: Path, name: str) -> Path:
    """Return the path for a new file that no other file has."""
    stem, dot, ending = name.rpartition(".")
    names = (name, *(f"{stem}_{number}{dot}{ending}" for number in range(2, _MOST_NAMES)))
    return next((folder / one for one in names if not (folder / one).exists()), folder / name)


def _notes(outcome: Outcome) -> str:
    """Return what is wrong with a text, in one line."""
    names = f"Defined nowhere: {', '.join(outcome.unresolved)}." if outcome.unresolved else ""
    return " ".join([*outcome.problems, *([names] if names else [])])
