"""A server on stdio with the docs features only; run by test_lsp.py as a process of its own."""

from __future__ import annotations

import os
import sys

from linewise_models.home import Home
from linewise_server.apidocs.usage import Usage
from linewise_server.app import build_engines
from linewise_server.lsp import (
    catalogue,
    code_action,
    docs,
    document_link,
    external_docs,
    hover,
    lifecycle,
)
from linewise_server.lsp.running import run_on_stdio
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Shelf

if __name__ == "__main__":
    server = LinewiseServer(build_engines())
    home = Home.locate(os.environ)
    holding = Holding(Shelf(home.root / "catalogues"))
    usage = Usage(lambda name, **values: None, holding)
    workspace = WorkspaceDocs(server, home, os.environ, holding, usage)
    lifecycle.register(server)
    code_action.register(server)
    docs.connect(server, workspace)
    for feature in (hover, document_link, external_docs, catalogue):
        feature.register(server, workspace)
    sys.exit(run_on_stdio(server))
