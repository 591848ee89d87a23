"""experimental/externalDocs in rust-analyzer's shape, and linewise/apisAt.

`externalDocs` answers with a URL or null; a client that declares the experimental capability
`localDocs` gets `{"web": …, "local": …}` instead.
"""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from linewise_server import protocol
from linewise_server.apidocs.apis import apis_at
from linewise_server.lsp.plain import field, plain
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs, source_of

_DEADLINE = 1.5


def register(server: LinewiseServer, workspace: WorkspaceDocs) -> None:
    """Add the handlers to the server."""

    @server.feature("experimental/externalDocs")
    async def external_docs(params: Any) -> Any:
        wanted = plain(params)
        document = server.session.documents.get(wanted["textDocument"]["uri"])
        if document is None:
            return None
        position = types.Position(wanted["position"]["line"], wanted["position"]["character"])
        offset = document.snapshot().offset(*document.locate(position))
        found = await workspace.docs.resolve(source_of(document), offset, _DEADLINE)
        workspace.noticed(found)
        url = found.link.url if found is not None and found.link is not None else None
        if not field(server.client_capabilities.experimental, "localDocs"):
            return url
        local = url is not None and url.startswith("file:")
        return {"web": None if local else url, "local": url if local else None}

    @server.feature("linewise/apisAt")
    async def apis(params: Any) -> Any:
        wanted = protocol.from_wire(protocol.ApisAt, plain(params))
        document = server.session.documents.get(wanted.uri)
        if document is None:
            return []
        position = types.Position(wanted.line, wanted.character)
        offset = document.snapshot().offset(*document.locate(position))
        found = await apis_at(workspace.docs, source_of(document), offset, workspace.completion)
        return protocol.to_wire(found)
