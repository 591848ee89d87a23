"""A small editor: it drives a language server over stdio as a real editor would.

In: keys. Out: the document, the ghost text for each key and what the server says of it. `linewise
demo` shows it to people, tests and benchmarks ask it questions.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from lsprotocol import types
from pygls.exceptions import JsonRpcRequestCancelled
from pygls.lsp.client import LanguageClient
from pygls.protocol import default_converter

from linewise_server import __version__
from linewise_server.lsp.plain import plain
from linewise_server.protocol import COMMAND_ACCEPT
from linewise_server.snapshot import split_lines

PATIENCE = 10.0
"""Seconds that a server may take to end."""
ANSWER = 120.0
"""Seconds that a request other than a completion may take."""


@dataclass(frozen=True, slots=True)
class Ghost:
    """A suggestion as it would be drawn."""

    text: str
    start: int
    end: int
    id: str


@dataclass(slots=True)
class Answer:
    """What came of one request."""

    ghosts: list[Ghost]
    milliseconds: float
    """From the key to the answer, as the user feels it."""
    trace: Any = None
    cancelled: bool = False


@dataclass(slots=True)
class Buffer:
    """The one document that is open, and the cursor in it; columns are code points."""

    uri: str
    language: str
    lines: list[str] = field(default_factory=lambda: [""])
    line: int = 0
    column: int = 0
    version: int = 1


class Editor:
    """One window with one document; use it as an asynchronous context."""

    def __init__(
        self,
        command: Sequence[str],
        settings: Mapping[str, Any],
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._command = command
        self._environ = environ
        self._settings = {"trace": True} | dict(settings)
        self._client = LanguageClient(
            "linewise-editor", __version__, converter_factory=new_converter
        )
        self._traces: asyncio.Queue[Any] = asyncio.Queue()
        self._numbers = itertools.count(1)
        self.buffer = Buffer("untitled:empty", "plaintext")
        self.documents: dict[str, Any] = {}
        """What the server said last of each document, by its URI."""
        self.statuses: list[Any] = []
        self.messages: list[str] = []
        self.answered: list[str] = []
        """What the server said of answers to feedback, if it may."""
        self.answers: list[str] = []
        """Buttons to press, in turn, when the server asks something; none left, it is closed."""
        self.offered: list[list[str]] = []
        """The buttons of each question."""
        self.diagnosed: list[str] = []
        """The documents of which diagnostics came, however few."""
        self.published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        """The diagnostics as they came."""
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        """What the server says unasked of the APIs in use: method and payload."""
        self.options: dict[str, Any] = {}
        """What else the server is told when it is initialized."""
        self.folders: list[types.WorkspaceFolder] = []
        """The folders that are open at first; `change_folders` changes them later."""
        self.set_in: dict[str | None, Any] = {}
        """What is set in each folder by its URI, None for the window; empty for a client that does
        not tell, else the server can ask for it."""
        self.progress: list[Any] = []
        """What the server said of long work: begin, report and end values, and partial results."""
        self.tokens: list[Any] = []
        """Under which token it said each."""
        self._progressed = asyncio.Event()
        self.capabilities = types.ClientCapabilities(
            window=types.WindowClientCapabilities(work_done_progress=True),
            general=types.GeneralClientCapabilities(
                position_encodings=[types.PositionEncodingKind.Utf32]
            ),
            text_document=types.TextDocumentClientCapabilities(
                inline_completion=types.InlineCompletionClientCapabilities()
            ),
        )
        self._listen()

    async def __aenter__(self) -> Editor:
        extra: dict[str, Any] = {"env": dict(self._environ)} if self._environ is not None else {}
        await self._client.start_io(*self._command, **extra)
        if self.set_in:
            self.capabilities.workspace = types.WorkspaceClientCapabilities(
                configuration=True, workspace_folders=True
            )
        self.initialized = await self._client.initialize_async(
            types.InitializeParams(
                capabilities=self.capabilities,
                initialization_options={"settings": self._settings, **self.options},
                workspace_folders=self.folders,
            )
        )
        self._client.initialized(types.InitializedParams())
        return self

    async def __aexit__(self, *_: object) -> None:
        # `exit` must be sent whatever became of `shutdown`, or the server would wait for ever.
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._client.shutdown_async(None), PATIENCE)
        with contextlib.suppress(Exception):
            self._client.exit(None)
        try:
            await asyncio.wait_for(self._stop(), PATIENCE)
        except TimeoutError:
            if self._client._server is not None:
                self._client._server.kill()
            await self._stop()

    async def _stop(self) -> None:
        await self._client.stop()  # type: ignore[no-untyped-call] # pygls types the server only

    async def open(self, uri: str, language: str, text: str) -> None:
        """Open a document with the cursor at its end."""
        lines = split_lines(text)
        self.buffer = Buffer(uri, language, lines, len(lines) - 1, len(lines[-1]))
        item = types.TextDocumentItem(uri, language, 1, text)
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def change_folders(
        self, added: Sequence[types.WorkspaceFolder], removed: Sequence[types.WorkspaceFolder]
    ) -> None:
        """Add folders to the workspace and take others out of it."""
        event = types.WorkspaceFoldersChangeEvent(added, removed)
        self._client.workspace_did_change_workspace_folders(
            types.DidChangeWorkspaceFoldersParams(event)
        )

    async def ready(self) -> Any:
        """Wait until the model is loaded, or cannot be, and return the status."""
        while True:
            status = await self._client.protocol.send_request_async("linewise/status", None)
            if status.state != "loading":
                return status
            await asyncio.sleep(0.05)

    def insert(self, text: str) -> None:
        """Put text at the cursor, as typing or pasting does."""
        self.replace(self.buffer.column, self.buffer.column, text)

    def replace(self, start: int, end: int, text: str) -> None:
        """Put text in the place of some columns of the cursor's line."""
        buffer = self.buffer
        line = buffer.lines[buffer.line]
        fresh = split_lines(line[:start] + text + line[end:])
        if fresh[-1] == "" and buffer.line + 1 < len(buffer.lines):
            fresh.pop()
        where = types.Range(types.Position(buffer.line, start), types.Position(buffer.line, end))
        buffer.lines[buffer.line : buffer.line + 1] = fresh
        added = split_lines(line[:start] + text)
        buffer.line += len(added) - 1
        buffer.column = len(added[-1])
        buffer.version += 1
        document = types.VersionedTextDocumentIdentifier(buffer.version, buffer.uri)
        change = types.TextDocumentContentChangePartial(where, text)
        self._client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    async def ask(self, invoked: bool = False, cancel_after: float | None = None) -> Answer:
        """Request a completion at the cursor; cancel it after some seconds if asked to."""
        buffer = self.buffer
        kinds = types.InlineCompletionTriggerKind
        params = types.InlineCompletionParams(
            types.InlineCompletionContext(kinds.Invoked if invoked else kinds.Automatic),
            types.TextDocumentIdentifier(buffer.uri),
            types.Position(buffer.line, buffer.column),
        )
        while not self._traces.empty():
            self._traces.get_nowait()
        started = time.perf_counter()
        identity = f"complete-{next(self._numbers)}"
        request = asyncio.ensure_future(
            self._client.protocol.send_request_async(
                types.TEXT_DOCUMENT_INLINE_COMPLETION, params, identity
            )
        )
        if cancel_after is not None:
            await asyncio.wait([request], timeout=cancel_after)
            self._client.cancel_request(types.CancelParams(identity))
        try:
            result = await request
        except JsonRpcRequestCancelled:
            return Answer([], (time.perf_counter() - started) * 1000, cancelled=True)
        took = (time.perf_counter() - started) * 1000
        items = result.items if isinstance(result, types.InlineCompletionList) else result or []
        trace = await self._trace()
        return Answer([_ghost(item) for item in items], took, trace)

    async def accept(self, ghost: Ghost) -> None:
        """Press Tab: take the ghost text in and tell the server."""
        self.replace(ghost.start, ghost.end, ghost.text)
        await self._client.workspace_execute_command_async(
            types.ExecuteCommandParams(COMMAND_ACCEPT, [ghost.id])
        )

    async def request(self, method: str, params: Any = None, identity: str | None = None) -> Any:
        """Send any other request and return its result; untyped JSON comes as plain values.

        `identity` is what it is cancelled by. Raises TimeoutError when no answer comes.
        """
        answer = self._client.protocol.send_request_async(method, params, identity)
        return plain(await asyncio.wait_for(answer, ANSWER))

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._client.protocol.notify(method, params)

    async def progress_until(self, holds: Callable[[Any], bool]) -> Any:
        """Wait for a value of progress for which `holds`, and return its token."""
        seen = 0
        while True:
            for at in range(seen, len(self.progress)):
                if holds(self.progress[at]):
                    return self.tokens[at]
            seen = len(self.progress)
            self._progressed.clear()
            await asyncio.wait_for(self._progressed.wait(), ANSWER)

    async def _trace(self) -> Any:
        """Return the trace of the answer just given; none comes where nothing was asked."""
        try:
            return await asyncio.wait_for(self._traces.get(), 0.5)
        except TimeoutError:
            return None

    def _listen(self) -> None:
        # pygls marks the functions that it is given, which methods do not allow; its client's
        # decorator has no types.
        @self._client.feature("linewise/trace")  # type: ignore[untyped-decorator]
        def traced(trace: Any) -> None:
            self._traces.put_nowait(trace)

        @self._client.feature("linewise/statusChanged")  # type: ignore[untyped-decorator]
        def status_changed(status: Any) -> None:
            self.statuses.append(status)

        @self._client.feature("linewise/documentStatus")  # type: ignore[untyped-decorator]
        def document_status(status: Any) -> None:
            self.documents[status.uri] = status

        @self._client.feature("linewise/feedbackAnswered")  # type: ignore[untyped-decorator]
        def feedback_answered(told: Any) -> None:
            self.answered.append(told.notice)

        @self._client.feature(  # type: ignore[untyped-decorator]
            types.WINDOW_WORK_DONE_PROGRESS_CREATE
        )
        def progress_created(_: types.WorkDoneProgressCreateParams) -> None:
            return None

        @self._client.feature(types.PROGRESS)  # type: ignore[untyped-decorator]
        def progressed(params: types.ProgressParams) -> None:
            self.progress.append(plain(params.value))
            self.tokens.append(params.token)
            self._progressed.set()

        @self._client.feature(types.WINDOW_SHOW_MESSAGE)  # type: ignore[untyped-decorator]
        def message_shown(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @self._client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)  # type: ignore[untyped-decorator]
        def asked(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
            self.messages.append(params.message)
            self.offered.append([action.title for action in params.actions or []])
            return types.MessageActionItem(self.answers.pop(0)) if self.answers else None

        @self._client.feature(types.WORKSPACE_CONFIGURATION)  # type: ignore[untyped-decorator]
        def configured(params: types.ConfigurationParams) -> list[Any]:
            return [self.set_in.get(item.scope_uri) for item in params.items]

        @self._client.feature(  # type: ignore[untyped-decorator]
            types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS
        )
        def diagnosed(params: types.PublishDiagnosticsParams) -> None:
            self.diagnosed.append(params.uri)
            self.published.put_nowait(params)

        @self._client.feature("linewise/completionApis")  # type: ignore[untyped-decorator]
        def apis_told(payload: Any) -> None:
            self.told.put_nowait(("completionApis", plain(payload)))

        @self._client.feature("linewise/announcementsChanged")  # type: ignore[untyped-decorator]
        def announcements_told(payload: Any) -> None:
            self.told.put_nowait(("announcementsChanged", plain(payload)))

        @self._client.feature(types.WINDOW_SHOW_DOCUMENT)  # type: ignore[untyped-decorator]
        def document_shown(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
            self.messages.append(params.uri)
            return types.ShowDocumentResult(success=True)


def new_converter() -> Any:
    """Return pygls's converter, told to tell code actions from commands as the protocol does.

    A command's `command` is a string, an action's an object; lsprotocol takes either for a command,
    and an action that has one would lose its edit.
    """

    def structure(found: Any, _: object) -> types.Command | types.CodeAction:
        kind = types.Command if isinstance(found.get("command"), str) else types.CodeAction
        action: types.Command | types.CodeAction = converter.structure(found, kind)
        return action

    converter = default_converter()  # type: ignore[no-untyped-call] # pygls types the server only
    converter.register_structure_hook(Union[types.Command, types.CodeAction], structure)  # noqa: UP007 - lsprotocol's own spelling
    return converter


def _ghost(item: types.InlineCompletionItem) -> Ghost:
    where = item.range
    text = item.insert_text if isinstance(item.insert_text, str) else item.insert_text.value
    arguments = item.command.arguments if item.command else None
    return Ghost(
        text=text,
        start=where.start.character if where else 0,
        end=where.end.character if where else 0,
        id=str(arguments[0]) if arguments else "",
    )
