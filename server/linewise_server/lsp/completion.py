"""textDocument/completion, for clients that do not know inline completion."""

from __future__ import annotations

from lsprotocol import types

from linewise_server.completion.ask import Ask
from linewise_server.lsp.server import LinewiseServer
from linewise_server.protocol import COMMAND_ACCEPT


def register(server: LinewiseServer) -> None:
    """Add the handler to the server."""
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions())
    async def completion(params: types.CompletionParams) -> types.CompletionList | None:
        document = session.documents.get(params.text_document.uri)
        if document is None or _has_inline_completion(server):
            return None
        line, column = document.locate(params.position)
        kind = (
            params.context.trigger_kind if params.context else types.CompletionTriggerKind.Invoked
        )
        invoked = kind == types.CompletionTriggerKind.Invoked
        suggestions = await session.complete(Ask(document.snapshot(), line, column, invoked))
        typed = document.lines[line][:column].lstrip()
        items = [
            types.CompletionItem(
                label=suggestion.text.strip().split("\n")[0][:60],
                kind=types.CompletionItemKind.Text,
                detail="Linewise",
                sort_text="0",
                # Clients filter by the word before the cursor, which the text does not repeat.
                filter_text=typed + suggestion.text,
                text_edit=types.TextEdit(
                    types.Range(
                        document.position(line, suggestion.start),
                        document.position(line, suggestion.end),
                    ),
                    suggestion.text,
                ),
                command=types.Command("Accepted", COMMAND_ACCEPT, arguments=[suggestion.id]),
            )
            for suggestion in suggestions
        ]
        return types.CompletionList(is_incomplete=True, items=items)


def _has_inline_completion(server: LinewiseServer) -> bool:
    capabilities = server.client_capabilities.text_document
    return bool(capabilities and capabilities.inline_completion)
