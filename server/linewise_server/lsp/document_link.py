"""textDocument/documentLink on imports, resolved when one is clicked."""

from __future__ import annotations

from lsprotocol import types

from linewise_server.apidocs.apis import import_links, open_import
from linewise_server.lsp.folders import path_of
from linewise_server.lsp.plain import field
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs, range_of, source_of


def register(server: LinewiseServer, workspace: WorkspaceDocs) -> None:
    """Add the handlers to the server."""

    @server.feature(
        types.TEXT_DOCUMENT_DOCUMENT_LINK, types.DocumentLinkOptions(resolve_provider=True)
    )
    async def links(params: types.DocumentLinkParams) -> list[types.DocumentLink]:
        document = server.session.documents.get(params.text_document.uri)
        if document is None:
            return []
        source = source_of(document)
        return [
            types.DocumentLink(
                range=range_of(document, each.span),
                target=each.link.url if each.link else None,
                tooltip=each.link.caption if each.link else None,
                data={"name": each.name, "uri": document.uri},
            )
            for each in import_links(workspace.docs(source.path), source)
        ]

    @server.feature(types.DOCUMENT_LINK_RESOLVE)
    async def resolve(link: types.DocumentLink) -> types.DocumentLink:
        name = str(field(link.data, "name") or "")
        docs = workspace.docs(path_of(str(field(link.data, "uri") or "")))
        found = open_import(docs, name)
        workspace.usage.listed(name, "link", answered=found is not None)
        if found is not None and link.target is None:
            link.target = found.url
            link.tooltip = f"{found.target} · {found.caption}"
        return link
