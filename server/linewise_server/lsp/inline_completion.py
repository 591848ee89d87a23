"""textDocument/inlineCompletion (LSP 3.18), and what the client says became of its items."""

from __future__ import annotations

import asyncio
from typing import Any

from lsprotocol import types

from linewise_server import protocol
from linewise_server.completion.ask import Ask, Suggestion
from linewise_server.lsp.documents import Document
from linewise_server.lsp.plain import plain
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.suggesting import suggest
from linewise_server.protocol import COMMAND_ACCEPT


def register(server: LinewiseServer) -> None:
    """Add the handlers to the server."""
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(
        params: types.InlineCompletionParams,
    ) -> types.InlineCompletionList | None:
        document = session.documents.get(params.text_document.uri)
        if document is None:
            return None
        ask = ask_for(document, params)
        found = await suggest(session, ask, several=True)
        return types.InlineCompletionList([item(each, document, ask) for each in found])

    @server.command(COMMAND_ACCEPT)
    async def accepted(identity: str) -> None:
        session.accepted(identity)
        await asyncio.to_thread(session.keys.keep)

    @server.feature("textDocument/didShowCompletion")
    def did_show(params: Any) -> None:
        told = protocol.from_wire(protocol.ItemShown, plain(params))
        session.displayed(told.item.command.arguments[0], "rendered")

    @server.feature("linewise/completionShown")
    def shown(params: Any) -> None:
        told = protocol.from_wire(protocol.CompletionShown, plain(params))
        session.displayed(told.id, told.basis)

    @server.feature("linewise/completionDismissed")
    def dismissed(params: Any) -> None:
        told = protocol.from_wire(protocol.CompletionDismissed, plain(params))
        session.dismissed(told.id, told.reason, told.shown_ms)

    @server.feature("textDocument/didPartiallyAcceptCompletion")
    async def partially_accepted(params: Any) -> None:
        told = protocol.from_wire(protocol.PartlyAccepted, plain(params))
        session.accepted(told.item.command.arguments[0], told.accepted_length)
        await asyncio.to_thread(session.keys.keep)


def ask_for(document: Document, params: types.InlineCompletionParams) -> Ask:
    """Return the request in code points."""
    line, column = document.locate(params.position)
    invoked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    selected = params.context.selected_completion_info
    start = document.locate(selected.range.start) if selected else None
    usable = selected is not None and start is not None and start[0] == line
    return Ask(
        snapshot=document.snapshot(),
        line=line,
        column=column,
        invoked=invoked,
        selected=selected.text if usable and selected else "",
        selected_from=start[1] if usable and start else None,
    )


def item(suggestion: Suggestion, document: Document, ask: Ask) -> types.InlineCompletionItem:
    """Return a suggestion as LSP has it; its columns are of the line as it was asked about."""
    start = document.position(ask.line, suggestion.start)
    end = document.position(ask.line, suggestion.end)
    return types.InlineCompletionItem(
        insert_text=suggestion.text,
        range=types.Range(start, end),
        command=types.Command("Accepted", COMMAND_ACCEPT, arguments=[suggestion.id]),
    )
