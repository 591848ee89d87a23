"""API catalogues in the editor: deprecated uses with fixes, samples, help, announcements.

The watch looks at open documents twice a second and checks those that changed, or all when the
shelf did, so that a catalogue that was added or updated shows at once. Subscribed catalogues are
pulled by ETag when a window opens and every six hours.
"""

from __future__ import annotations

import asyncio
import datetime
import logging

from lsprotocol import types

from linewise_server.apidocs.deprecations import DeprecatedUse, Uses
from linewise_server.apidocs.errors import ApiDocsError
from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source
from linewise_server.lsp.adapters import AdapterChoice
from linewise_server.lsp.announcements import Announcements
from linewise_server.lsp.documents import Document
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import (
    INFERENCE_SECONDS,
    WorkspaceDocs,
    range_of,
    source_of,
)
from linewise_server.settings import Settings
from linewise_telemetry.catalogue.errors import CatalogueError, KeyChangedError
from linewise_telemetry.catalogue.shelf import Pulled

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_PULL_SECONDS = 6 * 3600.0
_DEADLINE = 2.0
"""Seconds for all names of a document; what types were not inferred by then is looked at again."""
_TRIES = 4
_OPEN_SUPPORT = "linewise.catalogue.openSupport"
"""Run by the server; its only argument is a support link of a subscribed catalogue."""
_INSERTED = "linewise.catalogue.sampleInserted"
"""Run by the server once the sample is in the text; its arguments are the document's URI, the
catalogue's id, the sample's id and what was put in."""
_FIXED = "linewise.catalogue.deprecationFixed"
"""Run by the server once a deprecated use is replaced; its arguments are the document's URI and the
symbol that was replaced."""


def register(server: LinewiseServer, workspace: WorkspaceDocs) -> None:
    """Add the actions to the server, and the watch to what the workspace runs."""
    adapters = AdapterChoice(server, workspace)
    watch = CatalogueWatch(server, workspace, adapters)
    workspace.add_background("catalogues", watch.run)

    async def actions(document: Document, params: types.CodeActionParams) -> list[types.CodeAction]:
        source = source_of(document)
        docs = workspace.docs(source.path)
        catalogues = await workspace.read_catalogues()
        uses = await catalogues.deprecated_uses(docs, source, _DEADLINE)
        found = [
            fix
            for use in uses.found
            for fix in [_fix(document, use)]
            if fix is not None and _touches(range_of(document, use.span), params.range)
        ]
        if params.context.trigger_kind == types.CodeActionTriggerKind.Automatic:
            return found
        offset = document.snapshot().offset(*document.locate(params.range.start))
        here = await docs.resolve(source, offset)
        if here is None:
            return found
        workspace.usage.asked_for_sample(here.name)
        told = watch.announcements.actions(here)
        return found + _offers(workspace, document, params.range.end, here) + told

    server.code_actions.offers.append(actions)

    @server.command(_OPEN_SUPPORT)
    async def open_support(url: str, symbol: str) -> None:
        catalogues = await workspace.read_catalogues()
        if any(url == link.url for held in catalogues.current() for link in held.support):
            workspace.usage.opened(symbol, "support")
            await server.window_show_document_async(types.ShowDocumentParams(url, external=True))

    @server.command(_INSERTED)
    def inserted(uri: str, catalogue: str, sample: str, text: str) -> None:
        server.session.inserted(uri, catalogue, sample, text)

    @server.command(_FIXED)
    def fixed(uri: str, symbol: str) -> None:
        workspace.usage.deprecation(uri, symbol, "fixed")


class CatalogueWatch:
    """Publishes diagnostics and announcements for a window's documents; has adapters chosen."""

    def __init__(
        self, server: LinewiseServer, workspace: WorkspaceDocs, adapters: AdapterChoice
    ) -> None:
        self._server = server
        self._workspace = workspace
        self._adapters = adapters
        self.announcements = Announcements(server, workspace)
        self._checked: dict[str, tuple[int, int, Settings]] = {}
        server.session.listeners.closed.append(self._closed)

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        next_pull = loop.time()
        while True:
            stamp = self._workspace.catalogues.shelf.stamp
            if stamp and loop.time() >= next_pull:
                next_pull = loop.time() + _PULL_SECONDS
                self._workspace.run("pull catalogues", self._pull())
            for document in list(self._server.session.documents):
                state = (document.version, stamp, self._server.session.settings)
                if self._checked.get(document.uri) != state and (stamp or self._checked):
                    self._checked[document.uri] = state
                    await self._check(document)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _check(self, document: Document) -> None:
        source = source_of(document)
        docs, catalogues = self._workspace.docs(source.path), self._workspace.catalogues
        try:
            await catalogues.refresh()
            await self._adapters.look(document)
        except CatalogueError as error:
            self._server.session.tell_once(str(error))
            return
        self.announcements.found(
            document.uri, catalogues.announcements(docs, source, datetime.date.today())
        )
        uses = await catalogues.deprecated_uses(docs, source, _DEADLINE)
        if self._publish(document, source, uses) and not uses.complete:
            self._workspace.run(f"deprecations {document.uri}", self._complete(document, source))

    async def _complete(self, document: Document, source: Source) -> None:
        """Check a text again in pauses, until the types of all its values are known."""
        docs, catalogues = self._workspace.docs(source.path), self._workspace.catalogues
        for _ in range(_TRIES):
            await self._workspace.quiet()
            uses = await catalogues.deprecated_uses(docs, source, INFERENCE_SECONDS)
            if not self._publish(document, source, uses) or uses.complete:
                return

    def _publish(self, document: Document, source: Source, uses: Uses) -> bool:
        """Publish what was found, unless the document was closed or changed meanwhile."""
        session = self._server.session
        held = session.documents.get(document.uri) is document
        if not held or document.snapshot().text() != source.text:
            return False
        self._server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(
                document.uri,
                [_diagnostic(document, use) for use in uses.found],
                document.version,
            )
        )
        for use in uses.found:
            self._workspace.usage.deprecation(document.uri, use.symbol, "seen")
        return True

    def _closed(self, uri: str) -> None:
        """Take back what was said of a document."""
        self._workspace.stop(f"deprecations {uri}")
        self.announcements.found(uri, ())
        if self._checked.pop(uri, None) is not None:
            self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    async def _pull(self) -> None:
        shelf = self._workspace.catalogues.shelf
        try:
            subscriptions = shelf.subscriptions()
        except CatalogueError as error:
            self._server.session.tell_once(str(error))
            return
        for subscription in subscriptions:
            try:
                await shelf.update(subscription, self._fetch)
            except KeyChangedError as error:
                self._server.session.tell_once(str(error))
            except (CatalogueError, ApiDocsError) as error:
                log.info("%s: %s", subscription.id, error)

    async def _fetch(self, address: str, etag: str) -> Pulled:
        got = await self._workspace.shared.fetcher.fetch(address, etag)
        return Pulled(got.data, got.etag)


def _diagnostic(document: Document, use: DeprecatedUse) -> types.Diagnostic:
    severity = types.DiagnosticSeverity.Warning if use.gone else types.DiagnosticSeverity.Hint
    return types.Diagnostic(
        range_of(document, use.span),
        use.message,
        severity,
        code="removed" if use.gone else "deprecated",
        code_description=types.CodeDescription(use.url) if use.url else None,
        source=use.catalogue,
        tags=[types.DiagnosticTag.Deprecated],
    )


def _offers(
    workspace: WorkspaceDocs, document: Document, after: types.Position, here: Resolution
) -> list[types.CodeAction]:
    """Return the samples of a symbol and where its users find help."""
    catalogues = workspace.catalogues
    samples = []
    for catalogue, sample in catalogues.samples(here.name):
        edit, text = _insertion(document, after, sample.code)
        samples.append(
            types.CodeAction(
                f"Insert sample: {sample.title}",
                types.CodeActionKind.Refactor,
                edit=edit,
                command=types.Command(
                    sample.title, _INSERTED, arguments=[document.uri, catalogue, sample.id, text]
                ),
            )
        )
    help_links = [
        types.CodeAction(
            f"Ask for help: {link.title}",
            types.CodeActionKind.Empty,
            command=types.Command(link.title, _OPEN_SUPPORT, arguments=[link.url, here.name]),
        )
        for link in catalogues.support(here.package or "")
    ]
    return samples + help_links


def _fix(document: Document, use: DeprecatedUse) -> types.CodeAction | None:
    if use.rename is None:
        return None
    edits = [types.TextEdit(range_of(document, place), use.rename) for place in use.places]
    return types.CodeAction(
        f"Use {use.rename}",
        types.CodeActionKind.QuickFix,
        diagnostics=[_diagnostic(document, use)],
        is_preferred=True,
        edit=types.WorkspaceEdit({document.uri: edits}),
        command=types.Command(f"Use {use.rename}", _FIXED, arguments=[document.uri, use.symbol]),
    )


def _insertion(
    document: Document, after: types.Position, code: str
) -> tuple[types.WorkspaceEdit, str]:
    """Return the edit that puts code below a place, indented as its line is, and the text of it."""
    line = document.lines[min(after.line, len(document.lines) - 1)]
    indent = line[: len(line) - len(line.lstrip())]
    text = "".join(f"{indent}{part}".rstrip() + "\n" for part in code.strip("\n").split("\n"))
    ended = line.endswith(("\n", "\r"))
    place = types.Position(after.line + 1, 0) if ended else document.position(after.line, len(line))
    edit = types.TextEdit(types.Range(place, place), text if ended else f"\n{text}")
    return types.WorkspaceEdit({document.uri: [edit]}), text


def _touches(one: types.Range, other: types.Range) -> bool:
    return one.start <= other.end and other.start <= one.end
