"""The composition root of the server's process: what is made of what, in one place."""

from __future__ import annotations

import os

from linewise_models.home import Home
from linewise_server.apidocs.usage import Usage
from linewise_server.engines import Engines
from linewise_server.lsp import (
    calibration,
    catalogue,
    code_action,
    completion,
    docs,
    document_link,
    explain,
    external_docs,
    feedback,
    generate,
    hover,
    inline_completion,
    lifecycle,
    progress,
    status,
    surroundings,
    telemetry,
)
from linewise_server.lsp.keys_saved import KeysSaved
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Shelf
from linewise_telemetry.client.places import locate_places
from linewise_telemetry.client.telemetry import Telemetry
from linewise_telemetry.consent import Level
from linewise_telemetry.events import load


def build_engines() -> Engines:
    """Return the models and engines of the user who runs this process."""
    return Engines(Home.locate(os.environ), os.environ)


def build_server(engines: Engines) -> LinewiseServer:
    """Return a server with all its features, ready to be started on a pair of streams."""
    server = LinewiseServer(engines)
    for feature in (lifecycle, inline_completion, completion, progress, status, explain):
        feature.register(server)
    holding = Holding(Shelf(engines.home.root / "catalogues"))
    recorder = Telemetry(load(), locate_places(engines.environ, holding))
    usage = Usage(recorder.record, holding)
    workspace = WorkspaceDocs(server, engines.home, engines.environ, holding, usage)
    docs.connect(server, workspace)
    surroundings.register(server, workspace, holding)
    code_action.register(server)
    for links in (hover, document_link, external_docs, catalogue, generate):
        links.register(server, workspace)
    learned = engines.home.root / "calibration.json"
    calibration.connect(
        server.session, calibration.Calibrations(learned, lambda: recorder.level > Level.OFF)
    )
    saved = engines.home.root / "keys-saved.json"
    server.session.keys = KeysSaved(saved, lambda: recorder.level > Level.OFF)
    telemetry.register(server, recorder, usage, workspace)
    feedback.register(server, recorder)
    return server
