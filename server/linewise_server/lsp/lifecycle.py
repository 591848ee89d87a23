"""initialize to shutdown: settings, position encoding, open documents, the engine's start.

`initialize` is answered before anything is loaded; the model is loaded when the first document in a
language that is served is opened.
"""

from __future__ import annotations

from lsprotocol import types

from linewise_server.lsp.plain import field, plain
from linewise_server.lsp.server import LinewiseServer

SECTION = "linewise"
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
        await session.configure(field(options, "settings") if options else None)

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        await session.begin()
        wanted = _wanted(server.client_capabilities.workspace)
        if wanted:
            await server.client_register_capability_async(types.RegistrationParams(wanted))

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
        section = field(params.settings, SECTION)
        workspace = server.client_capabilities.workspace
        if section is None and workspace and workspace.configuration:
            items = [types.ConfigurationItem(section=SECTION)]
            answer = await server.workspace_configuration_async(types.ConfigurationParams(items))
            section = answer[0] if answer else None
        if section is not None:
            await session.configure(plain(section))

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
