"""Catalogues' adapters in the editor: which document takes which, asked for once, fetched on a yes.

In: documents as they change. Out: what the session is to complete each with. Nothing is asked or
fetched where the client says that the workspace is not trusted, and nothing that the user did not
agree to is fetched or applied anywhere.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lsprotocol import types

from linewise_models.errors import ModelError
from linewise_server.apidocs.carriers import Carried, carried, carriers
from linewise_server.apidocs.errors import ApiDocsError
from linewise_server.lsp.documents import Document
from linewise_server.lsp.plain import field
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs, source_of
from linewise_telemetry.catalogue.adapters import FETCH_SECONDS
from linewise_telemetry.catalogue.errors import CatalogueError
from linewise_telemetry.catalogue.shelf import Subscription

_NO, _YES = "Not now", "Fetch and use it"


class AdapterChoice:
    """Chooses for the documents of a window."""

    def __init__(self, server: LinewiseServer, workspace: WorkspaceDocs) -> None:
        self._server = server
        self._workspace = workspace
        self._trusted = True
        self._bases: dict[tuple[str, int, int], str | None] = {}
        """Models by path, size and time, with their SHA-256."""
        self._files: dict[str, Path] = {}
        """Adapters by their SHA-256, hashed once in this window."""
        self._tried: set[tuple[str, int]] = set()
        """Adapters that were fetched or could not be, with the shelf's stamp then."""
        server.session.listeners.introduced.append(self._introduced)

    async def look(self, document: Document) -> None:
        """Have the session complete a document with the adapter that it calls for now.

        Raises CatalogueError where the list of subscriptions is damaged.
        """
        catalogues, session = self._workspace.catalogues, self._server.session
        source = source_of(document)
        packages = self._workspace.docs(source.path).packages
        able = carriers(catalogues.current(), packages, source)
        base = await asyncio.to_thread(self._served) if able else None
        found = carried(able, base) if base is not None else []
        held = {each.id: each for each in catalogues.shelf.subscriptions()}
        # A catalogue may have been removed meanwhile.
        found = [each for each in found if each.catalogue.id in held]
        for each in found:
            if held[each.catalogue.id].adapter is None and self._trusted:
                self._ask(each, held[each.catalogue.id])
        agreed = next((each for each in found if held[each.catalogue.id].adapter), None)
        file = await self._file(agreed) if agreed is not None else None
        if session.documents.get(document.uri) is document:
            session.adapt(document.uri, str(file) if file is not None else None)

    async def _file(self, wanted: Carried) -> Path | None:
        """Return the file of an adapter; where it is not here, it is fetched meanwhile."""
        name, shelf = wanted.adapter.sha256, self._workspace.catalogues.shelf
        known = self._files.get(name)
        if known is not None and known.is_file():
            return known
        files = shelf.adapters(wanted.catalogue.id)
        found = await asyncio.to_thread(files.find, wanted.adapter)
        if found is not None:
            self._files[name] = found
        elif self._trusted and (name, shelf.stamp) not in self._tried:
            self._tried.add((name, shelf.stamp))
            self._workspace.run(f"fetch adapter {name}", self._fetch(wanted))
        return found

    def _ask(self, found: Carried, held: Subscription) -> None:
        """Ask whether a catalogue's adapters may be used; once, whatever comes of it."""
        catalogue, adapter = found.catalogue, found.adapter
        shelf = self._workspace.catalogues.shelf

        async def ask() -> None:
            answer = await self._server.window_show_message_request_async(
                types.ShowMessageRequestParams(
                    types.MessageType.Info,
                    f"{catalogue.maker} offers an adapter that teaches your model"
                    f" {catalogue.package}: {adapter.summary} ({adapter.bytes / 1e6:.1f} MB,"
                    f" {adapter.licence}). Fetch it from {urlsplit(held.address).netloc}, and use"
                    f" it for completions where a file imports {catalogue.package}? You are not"
                    f" asked again; `linewise catalogue adapter {catalogue.id} on` says yes later.",
                    [types.MessageActionItem(_NO), types.MessageActionItem(_YES)],
                )
            )
            if answer is not None and answer.title == _YES:
                # The shelf changes with it, and the watch looks at every document again.
                shelf.agree(catalogue.id, yes=True)

        if shelf.may_ask(catalogue.id):
            self._workspace.run(f"ask for the adapter of {catalogue.id}", ask())

    async def _fetch(self, wanted: Carried) -> None:
        shelf, session = self._workspace.catalogues.shelf, self._server.session
        try:
            await shelf.fetch_adapter(wanted.catalogue.id, wanted.adapter, self._pull)
            for document in list(session.documents):
                await self.look(document)
        except (CatalogueError, ApiDocsError) as error:
            session.tell_once(f"{error} Completions go on without this adapter.")

    async def _pull(self, address: str, most: int) -> bytes:
        fetcher = self._workspace.shared.fetcher
        got = await fetcher.fetch(address, limit=most, deadline=FETCH_SECONDS)
        return got.data or b""

    def _served(self) -> str | None:
        """Return the SHA-256 of the model file that is served; a file is hashed once."""
        engines, settings = self._server.session.engines, self._server.session.settings
        if settings.remote_url:
            return None
        try:
            path = engines.served(settings).model
            facts = path.stat()
        except (OSError, ModelError):
            return None
        key = (str(path), facts.st_size, facts.st_mtime_ns)
        if key not in self._bases:
            self._bases[key] = engines.checksum(settings)
        return self._bases[key]

    def _introduced(self, options: Any) -> None:
        self._trusted = field(options, "trusted") is not False
