"""What the docs features need of the rest: when a document opens, what was accepted, the end."""

from __future__ import annotations

from linewise_server.completion.ask import Suggestion
from linewise_server.lsp.documents import Document
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

    session.listeners.opened.append(opened)
    session.listeners.accepted.append(accepted)
    session.listeners.ending.append(workspace.close)
