"""textDocument/completion, for clients that do not know inline completion."""

from __future__ import annotations

import re

from lsprotocol import types

from linewise_server.completion.ask import Ask, Suggestion
from linewise_server.lsp.documents import Document
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.suggesting import suggest
from linewise_server.protocol import COMMAND_ACCEPT

LABEL = 60
"""Characters of a suggestion that a list shows."""


def register(server: LinewiseServer) -> None:
    """Add the handler to the server."""
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions())
    async def completion(params: types.CompletionParams) -> types.CompletionList | None:
        document = session.documents.get(params.text_document.uri)
        if document is None or _has_inline_completion(server):
            return None
        line, column = document.locate(params.position)
        typed = document.lines[line][:column]
        # The protocol knows one kind for a list asked for by hand and for one that opens at the
        # first letter of a word; all that follows of itself has another.
        kinds = types.CompletionTriggerKind
        kind = params.context.trigger_kind if params.context else kinds.Invoked
        ask = Ask(document.snapshot(), line, column, kind == kinds.Invoked)
        items = [_item(found, document, ask, typed) for found in await suggest(session, ask)]
        return types.CompletionList(is_incomplete=True, items=items)


def _item(suggestion: Suggestion, document: Document, ask: Ask, typed: str) -> types.CompletionItem:
    """Return a suggestion as an item; `typed` is the line up to the cursor as it was asked about.

    Clients filter by the word before the cursor, or by what the edit replaces, of which the
    suggestion has nothing: it goes on where they end.
    """
    word = re.search(r"\w*$", typed[: suggestion.start])
    first = suggestion.text.strip().partition("\n")[0].rstrip()
    return types.CompletionItem(
        label=first[:LABEL],
        kind=types.CompletionItemKind.Text,
        detail="Linewise",
        sort_text="0",
        filter_text=(word[0] if word else "") + suggestion.text,
        text_edit=types.TextEdit(
            types.Range(
                document.position(ask.line, suggestion.start),
                document.position(ask.line, suggestion.end),
            ),
            suggestion.text,
        ),
        command=types.Command("Accepted", COMMAND_ACCEPT, arguments=[suggestion.id]),
    )


def _has_inline_completion(server: LinewiseServer) -> bool:
    capabilities = server.client_capabilities.text_document
    return bool(capabilities and capabilities.inline_completion)
