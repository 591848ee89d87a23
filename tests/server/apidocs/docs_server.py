"""A server on stdio with the docs features only; run by test_lsp.py as a process of its own."""

from __future__ import annotations

import os

from lsprotocol import types

from linewise_models.home import Home
from linewise_server.app import build_engines
from linewise_server.lsp import catalogue, document_link, external_docs, hover, lifecycle
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs

if __name__ == "__main__":
    server = LinewiseServer(build_engines())
    workspace = WorkspaceDocs(server, Home.locate(os.environ), os.environ)
    lifecycle.register(server)
    for feature in (hover, document_link, external_docs, catalogue):
        feature.register(server, workspace)
    features = server.protocol.fm.features
    open_engine = features[types.TEXT_DOCUMENT_DID_OPEN]

    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        document = server.session.documents.get(params.text_document.uri)
        if document is not None:
            workspace.opened(document)
        await open_engine(params)

    features[types.TEXT_DOCUMENT_DID_OPEN] = opened
    server.start_io()
