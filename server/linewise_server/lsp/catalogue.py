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

from linewise_server.apidocs.catalogues import DeprecatedUse
from linewise_server.apidocs.errors import ApiDocsError
from linewise_server.apidocs.link import Resolution
from linewise_server.lsp.adapters import AdapterChoice
from linewise_server.lsp.documents import Document
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.workspace_docs import WorkspaceDocs, range_of, source_of
from linewise_server.settings import Settings
from linewise_telemetry.catalogue.document import Announcement
from linewise_telemetry.catalogue.errors import CatalogueError, KeyChangedError
from linewise_telemetry.catalogue.shelf import Pulled

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_PULL_SECONDS = 6 * 3600.0
_DEADLINE = 2.0
_OPEN_SUPPORT = "linewise.catalogue.openSupport"
"""Run by the server; its only argument is a support link of a subscribed catalogue."""
_INSERTED = "linewise.catalogue.sampleInserted"
"""Run by the server once the sample is in the text; its arguments are the document's URI, the
catalogue's id, the sample's id and what was put in."""
_FIXED = "linewise.catalogue.deprecationFixed"
"""Run by the server once a deprecated use is replaced; its arguments are the document's URI and the
symbol that was replaced."""
_OPEN, _MUTE = "Open", "Do not show again"


def register(server: LinewiseServer, workspace: WorkspaceDocs) -> None:
    """Add the actions to the server, and the watch to what the workspace runs."""
    adapters = AdapterChoice(server, workspace)
    watch = CatalogueWatch(server, workspace, adapters)
    workspace.add_background("catalogues", watch.run)

    async def actions(document: Document, params: types.CodeActionParams) -> list[types.CodeAction]:
        source = source_of(document)
        docs = workspace.docs(source.path)
        uses = await workspace.catalogues.deprecated_uses(docs, source, _DEADLINE)
        found = [
            fix
            for use in uses
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
        return found + _offers(workspace, document, params.range.end, here)

    server.code_actions.offers.append(actions)

    @server.command(_OPEN_SUPPORT)
    async def open_support(url: str, symbol: str) -> None:
        if any(url == link.url for c in workspace.catalogues.current() for link in c.support):
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
        self._checked: dict[str, tuple[int, int, Settings]] = {}
        self._announced: set[tuple[str, str]] = set()

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
        version, source = document.version, source_of(document)
        docs, catalogues = self._workspace.docs(source.path), self._workspace.catalogues
        try:
            await catalogues.refresh()
            await self._adapters.look(document)
            uses = await catalogues.deprecated_uses(docs, source, _DEADLINE)
            announcements = catalogues.announcements(docs, source, datetime.date.today())
        except CatalogueError as error:
            self._server.session.tell_once(str(error))
            return
        self._server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(
                document.uri, [_diagnostic(document, use) for use in uses], version
            )
        )
        for use in uses:
            self._workspace.usage.deprecation(document.uri, use.symbol, "seen")
        for catalogue, announcement in announcements:
            if (catalogue, announcement.id) not in self._announced:
                self._announced.add((catalogue, announcement.id))
                self._workspace.run(
                    f"announce {catalogue}/{announcement.id}",
                    self._announce(catalogue, announcement),
                )

    async def _announce(self, catalogue: str, announcement: Announcement) -> None:
        usage = self._workspace.usage
        usage.announcement(catalogue, announcement.id, "delivered")
        buttons = [_OPEN, _MUTE] if announcement.url else [_MUTE]
        text = f"{announcement.title}\n{announcement.text}".strip()
        answer = await self._server.window_show_message_request_async(
            types.ShowMessageRequestParams(
                types.MessageType.Info, text, [types.MessageActionItem(b) for b in buttons]
            )
        )
        if answer is None:
            return
        opened = answer.title == _OPEN
        usage.announcement(catalogue, announcement.id, "opened" if opened else "muted")
        self._workspace.catalogues.shelf.mute(catalogue, announcement.id)
        if opened and announcement.url:
            await self._server.window_show_document_async(
                types.ShowDocumentParams(announcement.url, external=True)
            )

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
    edit = types.TextEdit(range_of(document, use.span), use.rename)
    return types.CodeAction(
        f"Use {use.rename}",
        types.CodeActionKind.QuickFix,
        diagnostics=[_diagnostic(document, use)],
        is_preferred=True,
        edit=types.WorkspaceEdit({document.uri: [edit]}),
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
