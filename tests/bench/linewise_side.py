"""Linewise as an editor drives it: `linewise serve` on stdio, a request a key, the old cancelled.

In: keys. Out: suggestions, and the engine's own count of the tokens it evaluated, read over a
connection to the engine process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from linewise_models.engine.contract import Finish, Part, Request, Token
from linewise_models.home import Home
from linewise_server.engines import Engines
from linewise_server.lsp.plain import plain
from linewise_server.protocol import COMMAND_ACCEPT
from linewise_server.settings import Settings
from tests.bench.keyboard import Key, Page
from tests.bench.processes import end, engines
from tests.bench.side import Record, Show, Speed


class LinewiseSide:
    """One editor window on a Linewise server with an engine that nobody else uses."""

    name = "Linewise"

    def __init__(self, model: Path, threads: int, home: Path) -> None:
        self._settings = {"model": str(model), "engine": {"threads": threads}, "trace": True}
        self._environ = {**os.environ, "LINEWISE_HOME": str(home)}
        settings = Settings(model=str(model), threads=threads)
        self._engine = Engines(Home(home), self._environ).client(settings, lambda share: None)
        self._client = LanguageClient("linewise-bench", "1")
        self._listen()
        self._ready = asyncio.Event()
        self._uri = ""
        self._version = 0
        self._documents = 0
        self._running: tuple[str, Record, asyncio.Future[Any]] | None = None
        self._records: dict[tuple[str, int], Record] = {}
        self._items: dict[int, Any] = {}
        self._samples: list[tuple[Record, int]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.engine_requests = 0

    @property
    def root(self) -> int:
        """The server; it starts the engine process."""
        server = self._client._server
        assert server is not None
        return server.pid

    async def start(self) -> None:
        """Start the server; the engine follows when a document is opened."""
        await self._client.start_io(
            sys.executable, "-m", "linewise_server", "serve", env=self._environ
        )
        inline = types.InlineCompletionClientCapabilities()
        await self._client.initialize_async(
            types.InitializeParams(
                capabilities=types.ClientCapabilities(
                    text_document=types.TextDocumentClientCapabilities(inline_completion=inline)
                ),
                initialization_options={"settings": self._settings},
            )
        )
        self._client.initialized(types.InitializedParams())
        opened = types.TextDocumentItem("untitled:warm-up.py", "python", 1, "")
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(opened))
        # The server starts the engine, so that its process is in the server's tree.
        await self._ready.wait()
        await self._engine.report()

    async def speed(self, text: str) -> Speed:
        """Measure the engine on a prompt it has not seen."""
        tokens = 0
        times: list[float] = []
        finish: Finish | None = None
        request = Request("speed", (Part("text", text),), max_tokens=65, heal=False)
        async for event in self._engine.generate(request):
            if isinstance(event, Token):
                tokens += 1
                times.append(time.perf_counter())
            else:
                finish = event
        assert finish is not None
        seconds = (finish.total_ms - (times[-1] - times[0]) * 1000) / 1000
        return Speed(finish.evaluated_tokens / seconds, (tokens - 1) / (times[-1] - times[0]))

    async def open(self, page: Page, name: str) -> None:
        """Open a document."""
        self._documents += 1
        self._version = 1
        self._uri = f"file:///bench/{self._documents}/{name}"
        item = types.TextDocumentItem(self._uri, "python", 1, page.text)
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        report = await self._engine.report()
        self._samples = [(Record("open"), report.evaluated_total)]
        self.engine_requests = report.requests_total

    def key(self, page: Page, key: Key, record: Record, show: Show) -> None:
        """Send the change, cancel what is under way, and ask."""
        self._version += 1
        edit = key.edit
        change = types.TextDocumentContentChangePartial(
            types.Range(types.Position(*edit.start), types.Position(*edit.end)), edit.text
        )
        document = types.VersionedTextDocumentIdentifier(self._version, self._uri)
        self._client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
        if self._running is not None:
            identity, old, answer = self._running
            if not answer.done():
                old.cancelled = True
                self._client.cancel_request(types.CancelParams(identity))
        if key.kind == "accept" and key.whole and (item := self._items.get(0)) is not None:
            command = types.ExecuteCommandParams(COMMAND_ACCEPT, item.command.arguments)
            self._client.workspace_execute_command(command)
        self._records[self._uri, self._version] = record
        identity = f"key-{self._documents}-{self._version}"
        answer = self._client.protocol.send_request_async(
            types.TEXT_DOCUMENT_INLINE_COMPLETION,
            types.InlineCompletionParams(
                types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
                types.TextDocumentIdentifier(self._uri),
                types.Position(page.line, page.column),
            ),
            msg_id=identity,
        )
        self._running = identity, record, answer
        self._do(self._answered(answer, page.column, record, show))
        self._do(self._sample(record))

    async def close(self) -> None:
        """Close the document and attribute what was evaluated to its keys."""
        await asyncio.sleep(0.5)
        document = types.TextDocumentIdentifier(self._uri)
        self._client.text_document_did_close(types.DidCloseTextDocumentParams(document))
        while self._tasks:
            await asyncio.wait(self._tasks)
        report = await self._engine.report()
        self._samples.append((Record("close"), report.evaluated_total))
        for (record, before), (_, after) in zip(
            self._samples[1:-1], self._samples[2:], strict=True
        ):
            record.evaluated = after - before
        # What opening the document cost is the first key's.
        self._samples[1][0].evaluated += self._samples[1][1] - self._samples[0][1]
        self.engine_requests = report.requests_total - self.engine_requests

    async def stop(self) -> None:
        """End the server, and the engine process that it leaves to other windows."""
        left = engines(self.root)
        await self._engine.close()
        with contextlib.suppress(JsonRpcException):
            await self._client.shutdown_async(None)
        self._client.exit(None)
        await self._client.stop()  # type: ignore[no-untyped-call]  # pygls's client has no types
        end(left)

    async def _answered(
        self, answer: asyncio.Future[Any], column: int, record: Record, show: Show
    ) -> None:
        try:
            result = await answer
        except (JsonRpcException, asyncio.CancelledError):
            return
        item = result.items[0] if result is not None and result.items else None
        self._items[0] = item
        text = ""
        if item is not None:
            text = item.insert_text[column - item.range.start.character :]
        if not record.cancelled:
            show(record, text)

    async def _sample(self, record: Record) -> None:
        """Note how many tokens the engine had evaluated when a key came."""
        place = len(self._samples)
        self._samples.append((record, 0))
        report = await self._engine.report()
        self._samples[place] = record, report.evaluated_total

    def _listen(self) -> None:
        """Take the server's notifications; call by call, since pygls's decorator has no type."""

        def traced(params: Any) -> None:
            trace = plain(params)
            record = self._records.pop((trace["uri"], trace["version"]), None)
            if record is not None:
                record.origin = trace["origin"]
                record.filters = tuple(trace["filters"])

        def status_changed(_: Any) -> None:
            self._ready.set()

        def told(params: types.ShowMessageParams) -> None:
            print(f"  Linewise says: {params.message}", file=sys.stderr)

        self._client.feature("linewise/trace")(traced)
        self._client.feature("linewise/statusChanged")(status_changed)
        self._client.feature(types.WINDOW_SHOW_MESSAGE)(told)

    def _do(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
