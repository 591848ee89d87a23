"""What the docs features need of the rest: when a document opens, what was accepted, the end."""

from __future__ import annotations

from typing import Any

from linewise_server.completion.ask import Suggestion
from linewise_server.lsp.documents import Document, Edit
from linewise_server.lsp.plain import field
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs


def connect(server: LinewiseServer, workspace: WorkspaceDocs) -> None:
    """Let the docs of a workspace follow its session."""
    session = server.session
    server.abilities["docs"] = True

    def opened(document: Document) -> None:
        workspace.opened(document)

    def accepted(_: str, suggestion: Suggestion) -> None:
        workspace.completion = suggestion.text

    def edited(_: Document, __: Edit) -> None:
        workspace.disturbed()

    def introduced(options: Any) -> None:
        workspace.python_is_served = field(options, "pythonServer") is True

    session.listeners.introduced.append(introduced)
    session.listeners.opened.append(opened)
    session.listeners.edited.append(edited)
    session.listeners.accepted.append(accepted)
    session.listeners.folders.append(workspace.follow_folders)
    session.listeners.ending.append(workspace.close)
