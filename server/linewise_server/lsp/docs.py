"""What the docs features need of the rest: when a document opens, what was accepted, the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from linewise_server.apidocs.apis import Accepted, apis_of
from linewise_server.completion.ask import Suggestion
from linewise_server.lsp.documents import Document, Edit
from linewise_server.lsp.folders import place_of
from linewise_server.lsp.plain import field, plain
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import INFERENCE_SECONDS, WorkspaceDocs, source_of
from linewise_server.protocol import ApiLink, CompletionApis, PythonChosen, from_wire, to_wire


def connect(server: LinewiseServer, workspace: WorkspaceDocs) -> None:
    """Let the docs of a workspace follow its session."""
    session = server.session
    server.abilities["docs"] = True

    def opened(document: Document) -> None:
        workspace.opened(document)

    def accepted(uri: str, suggestion: Suggestion) -> None:
        took(uri, suggestion.text)

    def accepted_partly(identity: str, characters: int) -> None:
        uri, suggestion = session.shown[identity]
        took(uri, suggestion.text[:characters])

    def took(uri: str, text: str) -> None:
        workspace.accepted = (uri, text)
        workspace.run("APIs of the completion", tell(uri))

    async def tell(uri: str) -> None:
        """Say which APIs the completion uses: what the text says at once, types in a pause."""
        said = await _tell(server, workspace, uri, 0.0, None)
        await workspace.quiet()
        await workspace.read_catalogues()
        await _tell(server, workspace, uri, INFERENCE_SECONDS, said)

    def edited(_: Document, __: Edit) -> None:
        workspace.disturbed()

    def introduced(options: Any) -> None:
        workspace.python_is_served = field(options, "pythonServer") is True
        for each in field(options, "pythonChosen") or ():
            take(each)

    @server.feature("linewise/pythonChosen")
    def take(params: Any) -> None:
        chosen = from_wire(PythonChosen, plain(params))
        workspace.interpreters[place_of(chosen.folder)] = chosen.interpreter

    session.listeners.introduced.append(introduced)
    session.listeners.opened.append(opened)
    session.listeners.edited.append(edited)
    session.listeners.accepted.append(accepted)
    session.listeners.accepted_partly.append(accepted_partly)
    session.listeners.folders.append(workspace.follow_folders)
    session.listeners.ending.append(workspace.close)


def accepted_at(
    server: LinewiseServer, workspace: WorkspaceDocs, at: str = "", offset: int = 0
) -> Accepted | None:
    """Return the last completion as it stands in its document, near `offset` of `at`."""
    uri, text = workspace.accepted or ("", "")
    document = server.session.documents.get(uri)
    if document is None:
        return None
    source = source_of(document)
    return Accepted(source, text, offset if uri == at else len(source.text))


async def _tell(
    server: LinewiseServer,
    workspace: WorkspaceDocs,
    uri: str,
    deadline: float,
    said: list[ApiLink] | None,
) -> list[ApiLink]:
    """Tell the client which APIs with a page the last completion uses, unless it was `said`."""
    edit, document = server.session.last_edit.get(uri), server.session.documents.get(uri)
    place = document.snapshot().offset(*document.end_of(edit)) if document and edit else 0
    accepted = accepted_at(server, workspace, uri, place)
    found = []
    if accepted is not None:
        found = await apis_of(workspace.docs(accepted.source.path), accepted, deadline)
    linked = [replace(a, maker=workspace.usage.maker(a.name)) for a in found if a.url is not None]
    if linked != said:
        payload = CompletionApis(uri, linked)
        server.protocol.notify("linewise/completionApis", to_wire(payload))
    return linked
