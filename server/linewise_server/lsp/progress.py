"""Work-done progress while a model is loaded, for clients that show it (LSP 3.17)."""

from __future__ import annotations

import itertools

from lsprotocol import types

from linewise_server.lsp.server import LinewiseServer

_DONE = 1.0


def register(server: LinewiseServer) -> None:
    """Show the loading of models from now on."""
    session = server.session
    numbers = itertools.count(1)
    tokens: list[str] = []
    """The token of the load that is shown now, if any."""
    begun: set[str] = set()
    """Tokens that the client knows and whose beginning was told."""

    def loading(share: float) -> None:
        window = server.client_capabilities.window
        if not (window and window.work_done_progress):
            return
        if share >= _DONE:
            end()
        elif not tokens:
            tokens.append(f"linewise-load-{next(numbers)}")
            session.run(begin(tokens[0]))
        elif tokens[0] in begun:
            report = types.WorkDoneProgressReport(percentage=round(share * 100))
            server.work_done_progress.report(tokens[0], report)

    async def begin(token: str) -> None:
        await server.work_done_progress.create_async(token)
        title = f"Loading {session.settings.model}"
        server.work_done_progress.begin(token, types.WorkDoneProgressBegin(title, percentage=0))
        begun.add(token)
        if token not in tokens:
            # Loaded before the client had answered.
            server.work_done_progress.end(token, types.WorkDoneProgressEnd())

    def end() -> None:
        if tokens:
            token = tokens.pop()
            if token not in begun:
                return
            server.work_done_progress.end(token, types.WorkDoneProgressEnd(message="Loaded"))

    session.listeners.loading.append(loading)
    session.listeners.failed.append(end)
