"""textDocument/hover: signature, summary, and the link to the installed version's docs.

A hover is answered within its deadline with what is known by then. What inference finds later, a
client that shows several answers side by side gets by `linewise/hoverRest`, asked beside each
hover, in either order.
"""

from __future__ import annotations

import asyncio
from typing import Any

from lsprotocol import types

from linewise_server.apidocs.hover import parts_of
from linewise_server.apidocs.link import Resolution
from linewise_server.lsp.documents import Document
from linewise_server.lsp.plain import plain
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import INFERENCE_SECONDS, WorkspaceDocs, range_of, source_of
from linewise_server.protocol import HoverAt, HoverRest, from_wire, to_wire

_Place = tuple[str, int, int]
"""A document's URI, its version, an offset."""
_KEPT = 4
"""Of a hover that was given up, half a pair may stay; more than these few cannot be under way."""


class Hovers:
    """Answers hovers, and remembers what the last ones were answered with."""

    def __init__(self, server: LinewiseServer, workspace: WorkspaceDocs) -> None:
        self._server = server
        self._workspace = workspace
        self._said: dict[_Place, asyncio.Future[Resolution | None]] = {}

    async def first(self, uri: str, position: types.Position) -> types.Hover | None:
        """Return what is known of the symbol at a place within the deadline of a hover."""
        document = self._server.session.documents.get(uri)
        if document is None:
            return None
        place = _place(document, position)
        source, workspace = source_of(document), self._workspace
        found = await workspace.docs(source.path).resolve(source, place[-1])
        if self._at(place).done():
            del self._said[place]
        self._at(place).set_result(found)
        workspace.noticed(source, found)
        workspace.looked_into(document)
        workspace.usage.shown(found, "hover")
        if found is None:
            return None
        notes = [note for add in workspace.notes if (note := add(found)) is not None]
        parts = [*self._parts(document, found), *notes]
        return _hover(document, found, parts) if parts else None

    async def rest(self, uri: str, position: types.Position) -> HoverRest:
        """Return what the hover at a place could not say in time, once it is known."""
        document = self._server.session.documents.get(uri)
        if document is None:
            return HoverRest(None)
        place = _place(document, position)
        try:
            said = await asyncio.wait_for(asyncio.shield(self._at(place)), INFERENCE_SECONDS)
        except TimeoutError:
            return HoverRest(None)
        self._said.pop(place, None)
        if said is None or not said.late:
            return HoverRest(None)
        source, workspace = source_of(document), self._workspace
        found = await workspace.docs(source.path).resolve(source, place[-1], INFERENCE_SECONDS)
        if found is None:
            return HoverRest(None)
        workspace.noticed(source, found)
        if said.gap == "late":
            workspace.usage.shown(found, "hover")
        before = self._parts(document, said)
        parts = [part for part in self._parts(document, found) if part not in before]
        return HoverRest("\n\n".join(parts) or None)

    def _at(self, place: _Place) -> asyncio.Future[Resolution | None]:
        """Return the answer at a place, which is yet to come where none is kept."""
        if place not in self._said:
            self._said[place] = asyncio.get_running_loop().create_future()
            if len(self._said) > _KEPT:
                del self._said[next(iter(self._said))]
        return self._said[place]

    def _parts(self, document: Document, found: Resolution) -> list[str]:
        whole = self._workspace.shows_whole(document)
        return parts_of(found, whole=whole, language=document.language)


def register(server: LinewiseServer, workspace: WorkspaceDocs) -> None:
    """Add the handlers to the server."""
    hovers = Hovers(server, workspace)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        return await hovers.first(params.text_document.uri, params.position)

    @server.feature("linewise/hoverRest")
    async def rest(params: Any) -> Any:
        at = from_wire(HoverAt, plain(params))
        return to_wire(await hovers.rest(at.uri, types.Position(at.line, at.character)))


def _place(document: Document, position: types.Position) -> _Place:
    offset = document.snapshot().offset(*document.locate(position))
    return document.uri, document.version, offset


def _hover(document: Document, found: Resolution, parts: list[str]) -> types.Hover:
    content = types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(parts))
    return types.Hover(content, range_of(document, found.span))
