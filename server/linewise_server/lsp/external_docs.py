"""experimental/externalDocs in rust-analyzer's shape, linewise/apisAt, and what became of its list.

`externalDocs` answers with a URL or null; a client that declares the experimental capability
`localDocs` gets `{"web": …, "local": …}` instead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lsprotocol import types

from linewise_server import protocol
from linewise_server.apidocs.apis import apis_at
from linewise_server.apidocs.usage import Surface
from linewise_server.lsp.docs import accepted_at
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
        source = source_of(document)
        found = await workspace.docs(source.path).resolve(source, offset, _DEADLINE)
        workspace.noticed(source, found)
        workspace.usage.shown(found, "palette")
        if found is not None and found.link is not None:
            # The client asks for the address because the user opens it.
            workspace.usage.opened(found.name, "reference")
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
        accepted = accepted_at(server, workspace, wanted.uri, offset)
        source = source_of(document)
        found = await apis_at(workspace.docs(source.path), source, offset, accepted)
        usage = workspace.usage
        for link in found:
            surface: Surface = "palette" if link.source == "cursor" else "completion"
            usage.listed(link.name, surface, answered=link.url is not None)
        return protocol.to_wire([replace(link, maker=usage.maker(link.name)) for link in found])

    @server.feature("linewise/docsOpened")
    def opened(params: Any) -> None:
        workspace.usage.opened(
            protocol.from_wire(protocol.DocsOpened, plain(params)).name, "reference"
        )

    @server.feature("linewise/docsRated")
    def rated(params: Any) -> None:
        told = protocol.from_wire(protocol.DocsRated, plain(params))
        workspace.usage.rated(told.name, helped=told.helped, reason=told.reason)
