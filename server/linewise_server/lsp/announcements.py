"""What makers of APIs announce, in the editor: once, where it does not interrupt, and mutable.

In: what the watch finds in each open document. Out: for a client that lists announcements in its
status item (it says so when it starts) `linewise/announcementsChanged`; for others a line in the
hover of the symbol, once a window, with actions there to open it or show it no more. What was
opened or muted is not told again, on this machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from lsprotocol import types

from linewise_server import protocol
from linewise_server.apidocs.hover import announcement_line
from linewise_server.apidocs.link import Resolution
from linewise_server.lsp.plain import field, plain
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs
from linewise_telemetry.catalogue.document import Announcement, Catalogue

Told = tuple[Catalogue, Announcement]
_OPEN, _MUTE = "linewise.catalogue.openAnnouncement", "linewise.catalogue.muteAnnouncement"
"""Run by the server; their arguments are the catalogue's id and the announcement's."""


class Announcements:
    """The announcements that concern the open documents of a window."""

    def __init__(self, server: LinewiseServer, workspace: WorkspaceDocs) -> None:
        self._server = server
        self._workspace = workspace
        self._lists = False
        self._by_uri: dict[str, Sequence[Told]] = {}
        self._sent: list[protocol.Announced] = []
        self._delivered: set[tuple[str, str]] = set()
        server.session.listeners.introduced.append(self._introduced)
        workspace.notes.append(self._note)

        @server.feature("linewise/announcementMet")
        async def met(params: Any) -> None:
            told = protocol.from_wire(protocol.AnnouncementMet, plain(params))
            await self._met(told.catalogue, told.id, told.act)

        @server.command(_OPEN)
        async def opened(catalogue: str, identity: str) -> None:
            url = next((a.url for c, a in self._all() if (c.id, a.id) == (catalogue, identity)), "")
            if url:
                await self._met(catalogue, identity, "opened")
                await server.window_show_document_async(
                    types.ShowDocumentParams(url, external=True)
                )

        @server.command(_MUTE)
        async def muted(catalogue: str, identity: str) -> None:
            await self._met(catalogue, identity, "muted")

    def found(self, uri: str, told: Sequence[Told]) -> None:
        """Take what concerns a document from now on, nothing where it was closed."""
        self._by_uri[uri] = told
        if not told:
            del self._by_uri[uri]
        if not self._lists:
            return
        listed = [
            protocol.Announced(c.id, a.id, c.title, a.title, a.text, a.url) for c, a in self._all()
        ]
        if listed != self._sent:
            self._sent = listed
            method = "linewise/announcementsChanged"
            self._server.protocol.notify(method, protocol.to_wire(protocol.Announcements(listed)))
            for each in listed:
                self._deliver(each.catalogue, each.id)

    def actions(self, here: Resolution) -> list[types.CodeAction]:
        """Return what can be done about the announcements at a symbol."""
        found = []
        for catalogue, each in self._at(here):
            arguments = [catalogue.id, each.id]
            if each.url:
                found.append(_action(f"Open: {each.title}", _OPEN, arguments))
            found.append(_action(f"Do not show again: {each.title}", _MUTE, arguments))
        return found

    def _note(self, here: Resolution) -> str | None:
        fresh = [
            (catalogue, each)
            for catalogue, each in self._at(here)
            if not self._lists and self._deliver(catalogue.id, each.id)
        ]
        return "\n\n".join(announcement_line(c.title, each) for c, each in fresh) or None

    def _deliver(self, catalogue: str, identity: str) -> bool:
        """Note that an announcement was told; return whether this was the first time."""
        if (catalogue, identity) in self._delivered:
            return False
        self._delivered.add((catalogue, identity))
        self._workspace.usage.announcement(catalogue, identity, "delivered")
        return True

    def _at(self, here: Resolution) -> list[Told]:
        """Return the announcements for a symbol; those for all users are at the package's name."""
        return [
            (catalogue, each)
            for catalogue, each in self._all()
            if catalogue.package == here.package
            and (here.name in each.symbols or (not each.symbols and "." not in here.name))
        ]

    def _all(self) -> list[Told]:
        told = {(c.id, a.id): (c, a) for found in self._by_uri.values() for c, a in found}
        return list(told.values())

    async def _met(self, catalogue: str, identity: str, act: protocol.AnnouncementAct) -> None:
        """Note what the user did, and tell it no more; the shelf changes with it."""
        if (catalogue, identity) in {(c.id, a.id) for c, a in self._all()}:
            self._workspace.usage.announcement(catalogue, identity, act)
            shelf = self._workspace.catalogues.shelf
            await asyncio.to_thread(shelf.mute, catalogue, identity)

    def _introduced(self, options: Any) -> None:
        self._lists = field(options, "announcements") is True


def _action(title: str, command: str, arguments: list[str]) -> types.CodeAction:
    run = types.Command(title, command, arguments=list(arguments))
    return types.CodeAction(title, types.CodeActionKind.Empty, command=run)
