"""The composition root of the server's process: what is made of what, in one place."""

from __future__ import annotations

import os

from linewise_models.home import Home
from linewise_server.engines import Engines
from linewise_server.lsp import completion, inline_completion, lifecycle, status
from linewise_server.lsp.server import LinewiseServer


def build_engines() -> Engines:
    """Return the models and engines of the user who runs this process."""
    return Engines(Home.locate(os.environ), os.environ)


def build_server(engines: Engines) -> LinewiseServer:
    """Return a server with all its features, ready to be started on a pair of streams."""
    server = LinewiseServer(engines)
    for feature in (lifecycle, inline_completion, completion, status):
        feature.register(server)
    return server
