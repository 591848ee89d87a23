"""linewise/explainCompletion: why the model says what it says at the cursor, as a page.

What was last shown there is explained where it still holds. Progress says what is left to do and
how long that takes; cancelling the request ends the work in the engine.
"""

from __future__ import annotations

import asyncio
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from linewise_models.errors import ModelError
from linewise_server import protocol
from linewise_server.completion.ask import Ask
from linewise_server.explain import words
from linewise_server.explain.explainer import Step, explain
from linewise_server.explain.page import page
from linewise_server.lsp.plain import plain
from linewise_server.lsp.server import LinewiseServer

TITLE = "Explain Completion"


def register(server: LinewiseServer) -> None:
    """Add the handler to the server."""
    server.abilities["explanation"] = True

    @server.feature("linewise/explainCompletion")
    async def requested(params: Any) -> Any:
        wanted = protocol.from_wire(protocol.ExplainCompletion, plain(params))
        token, progress = wanted.work_done_token, server.work_done_progress
        if token:
            progress.begin(token, types.WorkDoneProgressBegin(TITLE, percentage=0))

        def on_step(step: Step) -> None:
            if token:
                progress.report(token, _report(step))

        try:
            found = await explain(_ask(server, wanted), server.session.completer(), on_step=on_step)
        except ModelError as error:
            raise _failure(str(error)) from error
        finally:
            if token:
                progress.end(token, types.WorkDoneProgressEnd())
        if found is None:
            nothing = "Nothing is suggested here, so there is nothing to explain."
            return protocol.to_wire(protocol.ExplainedCompletion(None, nothing))
        html = await asyncio.to_thread(page, found)
        summary = " ".join(words.summary(found))
        return protocol.to_wire(protocol.ExplainedCompletion(html, summary))


def _ask(server: LinewiseServer, wanted: protocol.ExplainCompletion) -> Ask:
    """Return the request in code points, of the document as the client had it when it asked."""
    document = server.session.documents.get(wanted.uri)
    if document is None:
        raise _failure("This document is not open.")
    reason = server.session.silences.reason(wanted.uri, document.language)
    if reason is not None:
        raise _failure(f"Linewise leaves this document alone: {reason}.")
    if document.version != wanted.version:
        raise JsonRpcException(
            "The text has changed since this was asked. Ask for it again.",
            types.LSPErrorCodes.ContentModified,
        )
    line, column = document.locate(types.Position(wanted.line, wanted.character))
    return Ask(document.snapshot(), line, column, invoked=True)


def _report(step: Step) -> types.WorkDoneProgressReport:
    message = (
        f"{step.done} of up to {step.most} requests, each of up to {step.prompt_tokens} tokens; "
        f"about {step.seconds:.0f} s left"
    )
    return types.WorkDoneProgressReport(message=message, percentage=100 * step.done // step.most)


def _failure(message: str) -> JsonRpcException:
    """Return the error that the request is answered with; whoever asked shows it."""
    return JsonRpcException(message, types.LSPErrorCodes.RequestFailed)
