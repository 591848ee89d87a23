"""textDocument/codeAction and codeAction/resolve: what several features offer, in one list.

In: a document and a range. Out: the actions of all who offer some, in the order in which they were
registered. Whoever offers an action without its edit or command names itself in `data["of"]` and
fills it in when the action is chosen.
"""

from __future__ import annotations

from lsprotocol import types

from linewise_server.lsp.plain import field
from linewise_server.lsp.server import LinewiseServer


def register(server: LinewiseServer) -> None:
    """Add the handlers to the server."""
    kinds = types.CodeActionKind

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(
            [kinds.QuickFix, kinds.Refactor, kinds.RefactorRewrite], resolve_provider=True
        ),
    )
    async def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        document = server.session.documents.get(params.text_document.uri)
        if document is None:
            return []
        found = [await offer(document, params) for offer in server.code_actions.offers]
        return [action for offered in found for action in offered]

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(action: types.CodeAction) -> types.CodeAction:
        resolver = server.code_actions.resolvers.get(str(field(action.data, "of")))
        return await resolver(action) if resolver is not None else action
