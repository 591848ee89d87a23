"""What other files and makers of APIs say of the code at hand, gathered while the user pauses.

In: open documents, the files of the workspace that they import, and the samples of subscribed
catalogues. Out: neighbours and samples for the completer. Files that are excluded, ignored by git
or may hold secrets are not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from linewise_models.quotation import Definition
from linewise_server.apidocs.samples import samples_in_use
from linewise_server.apidocs.source import Source, Span
from linewise_server.completion.completer import NEAR_LINES
from linewise_server.completion.neighbours import Neighbour, imported
from linewise_server.lsp.documents import Document, Edit
from linewise_server.lsp.folders import Folder, path_of
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs
from linewise_server.snapshot import Snapshot
from linewise_telemetry.catalogue.errors import CatalogueError
from linewise_telemetry.catalogue.holding import Holding

_MOST_BYTES = 200_000
"""Larger files are data more often than code that anybody would quote."""


def register(server: LinewiseServer, workspace: WorkspaceDocs, holding: Holding) -> None:
    """Look around whenever the user pauses in a document."""
    session = server.session
    folders = session.folders
    waiting: set[str] = set()

    async def look(document: Document) -> None:
        waiting.add(document.uri)
        try:
            await workspace.quiet()
        finally:
            waiting.discard(document.uri)
        if session.documents.get(document.uri) is not document:
            return
        silent = session.silences.reason(document.uri, document.language)
        if silent is None and session.serves_now:
            snapshot, folder = document.snapshot(), folders.holding(path_of(document.uri))
            files = await asyncio.to_thread(_imports, snapshot, folder, session.silences.may_read)
            edit = session.last_edit.get(document.uri)
            line = min(edit.line, len(snapshot.lines) - 1) if edit is not None else 0
            samples = await asyncio.to_thread(_samples, snapshot, line, holding)
            await session.surround(snapshot, line, [*_open(document), *files], samples)

    def _open(here: Document) -> list[Neighbour]:
        home = folders.holding(path_of(here.uri))
        others = [other for other in session.documents if other is not here]
        return [
            Neighbour(
                _name(path, folders.holding(path), abroad=folders.holding(path) is not home),
                other.snapshot().text(),
            )
            for other in others
            if session.silences.reason(other.uri, other.language) is None
            for path in [path_of(other.uri)]
        ]

    def opened(document: Document) -> None:
        workspace.run("look around", look(document))

    def edited(document: Document, _: Edit) -> None:
        # Who waits for a pause already waits longer by itself; a key costs no more than this.
        if document.uri not in waiting:
            workspace.run("look around", look(document))

    session.listeners.opened.append(opened)
    session.listeners.edited.append(edited)


def _imports(
    snapshot: Snapshot, folder: Folder | None, may_read: Callable[[Path], bool]
) -> list[Neighbour]:
    """Return the files of its folder that a document imports."""
    here = path_of(snapshot.uri)
    if here is None or folder is None:
        return []
    found = []
    whole = folder.path.resolve()
    for path in imported(snapshot.text(), snapshot.language, here.resolve(), whole):
        try:
            # A link may lead out of the folder that was opened by its name into another one.
            if not may_read(path) or not may_read(folder.path / path.relative_to(whole)):
                continue
            if path.stat().st_size <= _MOST_BYTES:
                name = path.relative_to(whole).as_posix()
                found.append(Neighbour(name, path.read_text("utf-8", "replace")))
        except OSError:
            # It went away or may not be read; what is left says enough.
            continue
    return found


def _samples(snapshot: Snapshot, line: int, holding: Holding) -> list[Definition]:
    """Return the samples of what is used in the lines above a line, under what they show."""
    start = snapshot.offset(max(0, line - NEAR_LINES), 0)
    within = Span(start, snapshot.offset(line, len(snapshot.lines[line])))
    try:
        held = holding.current()
    except CatalogueError:
        # Who watches the shelf tells the user of it.
        return []
    return [
        Definition(" ".join(f"{catalogue.title}: {sample.title}".split()), sample.code)
        for catalogue, sample in samples_in_use(
            held, Source(snapshot.text(), snapshot.language), within
        )
    ]


def _name(path: Path | None, folder: Folder | None, *, abroad: bool) -> str:
    """Return a path as the project's people write it, with its folder's name from another one."""
    if path is None:
        return "untitled"
    if folder is None:
        return path.name
    inside = path.relative_to(folder.path).as_posix()
    return f"{folder.name}/{inside}" if abroad and folder.name else inside
