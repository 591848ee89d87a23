"""textDocument/hover: signature, summary, and the link to the installed version's docs."""

from __future__ import annotations

from lsprotocol import types

from linewise_server.apidocs.hover import hover_of
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs, range_of, source_of


def register(server: LinewiseServer, workspace: WorkspaceDocs) -> None:
    """Add the handler to the server."""

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        document = server.session.documents.get(params.text_document.uri)
        if document is None:
            return None
        offset = document.snapshot().offset(*document.locate(params.position))
        source = source_of(document)
        found = await workspace.docs(source.path).resolve(source, offset)
        workspace.noticed(source, found)
        workspace.looked_into(document)
        workspace.usage.shown(found, "hover")
        if found is None:
            return None
        notes = [note for add in workspace.notes if (note := add(found)) is not None]
        whole = workspace.shows_whole(document)
        shown = hover_of(found, whole=whole, language=document.language)
        if shown is None and not notes:
            return None
        markdown = "\n\n".join([*([shown.markdown] if shown is not None else []), *notes])
        content = types.MarkupContent(types.MarkupKind.Markdown, markdown)
        return types.Hover(content, range_of(document, found.span))
