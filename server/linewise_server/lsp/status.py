"""linewise/status, linewise/models, linewise/selectModel: the status item and model picker."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from linewise_models.errors import ModelError, UnknownModel
from linewise_models.fetch import Progress
from linewise_models.index import Entry
from linewise_server import protocol
from linewise_server.lsp.plain import plain
from linewise_server.lsp.server import LinewiseServer


def register(server: LinewiseServer) -> None:
    """Add the handlers to the server."""
    session = server.session

    @server.feature("linewise/status")
    async def status(_: Any) -> Any:
        await session.refresh_keys()
        return protocol.to_wire(session.status)

    @server.feature("linewise/models")
    async def models(_: Any) -> Any:
        found = await asyncio.to_thread(session.engines.models, session.settings.model)
        return protocol.to_wire(found)

    @server.feature("linewise/selectModel")
    async def select_model(params: Any) -> Any:
        wanted = protocol.from_wire(protocol.SelectModel, plain(params))
        try:
            entry = session.engines.entry(wanted.name)
        except UnknownModel as error:
            raise JsonRpcException(str(error), types.LSPErrorCodes.RequestFailed) from error
        await pull(server, entry, wanted.work_done_token)
        await session.serve_model(entry.name)
        await session.load()
        return protocol.to_wire(session.status)


async def pull(server: LinewiseServer, entry: Entry, token: str | None) -> None:
    """Fetch a model with progress under the client's token; cancelling the request stops it."""
    loop = asyncio.get_running_loop()
    stopped = threading.Event()
    store = server.session.engines.store
    if token:
        begin = types.WorkDoneProgressBegin(title=f"Getting {entry.title}", percentage=0)
        server.work_done_progress.begin(token, begin)

    def show(progress: Progress) -> None:
        share = int(100 * progress.done / progress.total) if progress.total else 0
        text = f"{progress.done / 1e6:.0f} MB"
        if progress.total:
            text = f"{progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB"
        report = types.WorkDoneProgressReport(message=text, percentage=min(share, 100))
        if token:
            loop.call_soon_threadsafe(server.work_done_progress.report, token, report)

    try:
        await asyncio.to_thread(store.pull, entry, show, stopped.is_set)
    except asyncio.CancelledError:
        stopped.set()
        raise
    except ModelError as error:
        # Whoever asked shows it, with what mends it; a message besides would say it twice.
        raise JsonRpcException(str(error), types.LSPErrorCodes.RequestFailed) from error
    finally:
        if token:
            server.work_done_progress.end(token, types.WorkDoneProgressEnd())
