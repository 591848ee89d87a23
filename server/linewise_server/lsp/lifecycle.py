"""initialize to shutdown: settings, folders, position encoding, open documents, the engine's start.

`initialize` is answered before anything is loaded; the model is loaded when the first document in a
language that is served is opened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from linewise_server.lsp.plain import field, plain
from linewise_server.lsp.server import LinewiseServer

log = logging.getLogger(__name__)

SECTION = "linewise"
_ANSWER_SECONDS = 5.0
"""How long a client may take to tell its settings, before completions go on without them."""
IGNORE_RULES = ("**/.gitignore", "**/.git/info/exclude")
"""Files in a workspace by which git ignores others."""


def register(server: LinewiseServer) -> None:
    """Add the handlers to the server."""
    session = server.session

    @server.feature(types.INITIALIZE)
    async def initialize(params: types.InitializeParams) -> None:
        encoding = server.workspace.position_encoding
        session.documents.encoding = types.PositionEncodingKind(encoding or "utf-16").value
        session.client = params.client_info.name if params.client_info else ""
        options = params.initialization_options
        for listener in session.listeners.introduced if options else ():
            listener(options)
        session.folders.change(_folders(params, server.workspace.root_uri))
        await session.configure(field(options, "settings") if options else None)

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        await _inform(server)
        await session.begin()
        wanted = _wanted(server.client_capabilities.workspace)
        if wanted:
            await server.client_register_capability_async(types.RegistrationParams(wanted))

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
        section = field(params.settings, SECTION)
        await _inform(server, plain(section), of_window=section is None)

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        session.folders.change(params.event.added, [gone.uri for gone in params.event.removed])
        for listener in session.listeners.folders:
            await listener()
        await _inform(server)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        await session.warm_up(params.text_document)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        if params.text_document.uri.endswith("/.gitignore"):
            session.silences.refresh()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(_: types.DidChangeWatchedFilesParams) -> None:
        session.silences.refresh()

    @server.feature(types.SHUTDOWN)
    async def shutdown(_: None) -> None:
        await session.end()


async def _inform(server: LinewiseServer, section: Any = None, *, of_window: bool = False) -> None:
    """Take the section of the window, if there is one, and ask the client for that of each folder.

    `of_window` says that the client is to be asked for that of the window, too. What it does not
    answer stays as it was.
    """
    session = server.session
    async with session.informing:
        scopes = [*([None] if of_window else []), *(each.uri for each in session.folders.open)]
        told = await _sections(server, scopes)
        section = told.pop(None, section)
        if section is not None:
            await session.configure(section)
        for problem in session.folders.configure(told):
            session.tell_once(problem)
        session.silences.look_again()


async def _sections(server: LinewiseServer, scopes: Sequence[str | None]) -> dict[str | None, Any]:
    """Return the section of each scope, None being the window; none where the client tells none."""
    workspace = server.client_capabilities.workspace
    if not scopes or not workspace or not workspace.configuration:
        return {}
    items = [types.ConfigurationItem(scope_uri=scope, section=SECTION) for scope in scopes]
    asked = server.workspace_configuration_async(types.ConfigurationParams(items))
    try:
        found = await asyncio.wait_for(asked, _ANSWER_SECONDS)
    except (TimeoutError, JsonRpcException) as error:
        log.warning("The client does not tell its settings: %s", error)
        return {}
    return dict(zip(scopes, map(plain, found or ()), strict=False))


def _folders(params: types.InitializeParams, root: str | None) -> list[types.WorkspaceFolder]:
    """Return the folders that are open; older clients know a single root."""
    if params.workspace_folders:
        return list(params.workspace_folders)
    return [types.WorkspaceFolder(root, "")] if root else []


def _wanted(workspace: types.WorkspaceClientCapabilities | None) -> list[types.Registration]:
    """Return what the client is to tell, as far as it can be asked to."""
    found = []
    changes = workspace and workspace.did_change_configuration
    if changes and changes.dynamic_registration:
        method, options = types.WORKSPACE_DID_CHANGE_CONFIGURATION, {"section": SECTION}
        found.append(types.Registration("linewise-settings", method, options))
    files = workspace and workspace.did_change_watched_files
    if files and files.dynamic_registration:
        watchers = [types.FileSystemWatcher(pattern) for pattern in IGNORE_RULES]
        wanted = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        found.append(types.Registration("linewise-ignore-rules", method, wanted))
    return found
