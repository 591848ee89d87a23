"""linewise/telemetry, and what becomes of each completion, told to the recorder.

In: the life of completions as the session and the client tell it. Out: calls of the recorder, which
records nothing that the gate does not allow. No text of a document is passed on, except to measure
on this machine how much of an accepted suggestion still stands.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

from linewise_models.engine.contract import Report
from linewise_models.errors import ModelError
from linewise_server import protocol
from linewise_server.apidocs.usage import Usage
from linewise_server.completion.ask import Ask, Suggestion
from linewise_server.completion.outcome import Outcome
from linewise_server.lsp.api_uses import ApiUses
from linewise_server.lsp.documents import Document, Edit
from linewise_server.lsp.plain import field, plain
from linewise_server.lsp.server import LinewiseServer
from linewise_server.lsp.started import describe
from linewise_server.lsp.workspace_docs import WorkspaceDocs
from linewise_telemetry.client import own_page, preview
from linewise_telemetry.client.completions import Answered
from linewise_telemetry.client.telemetry import Telemetry
from linewise_telemetry.consent import Level

OWN_DAYS = 28
"""So many days the user's own figures go back, as on the command line."""
TICK_SECONDS = 5.0


def register(
    server: LinewiseServer, telemetry: Telemetry, usage: Usage, workspace: WorkspaceDocs
) -> None:
    """Add the handlers to the server."""
    server.abilities["telemetry"] = True
    _Consent(server, telemetry).register()
    apis = ApiUses(
        usage,
        telemetry.completions,
        lambda: telemetry.level > Level.OFF,
        workspace.quiet,
        workspace.resolve_with_catalogues,
    )
    _Life(server, telemetry, usage, apis).register()


class _Consent:
    """The user's word, and the session that takes part from then on."""

    def __init__(self, server: LinewiseServer, telemetry: Telemetry) -> None:
        self._server = server
        self._telemetry = telemetry
        self._report: Report | None = None
        self._told = False

    def register(self) -> None:
        listeners = self._server.session.listeners
        listeners.introduced.append(self._introduced)
        listeners.served.append(self._served)
        listeners.failed.append(lambda: self._start())
        listeners.ending.append(self._end)

        @self._server.feature("linewise/telemetry")
        async def consent(params: Any) -> Any:
            word = protocol.from_wire(protocol.SetTelemetry, plain(params))
            return protocol.to_wire(await self._take(word))

    def _introduced(self, options: Any) -> None:
        # Before anything is recorded, or the switch would count from the first message on only.
        if field(options, "editorTelemetryEnabled") is False:
            self._telemetry.switch(editor=False)

    async def _take(self, word: protocol.SetTelemetry) -> protocol.Telemetry:
        telemetry = self._telemetry
        before = telemetry.level
        if word.editor_enabled is not None:
            telemetry.switch(editor=word.editor_enabled)
        if word.asked:
            await asyncio.to_thread(telemetry.note_asked)
        if word.level is not None:
            await asyncio.to_thread(telemetry.choose, Level[word.level.upper()])
        state = await asyncio.to_thread(telemetry.state)
        if before < Level.COUNTS <= state.level:
            # What was recorded before may not leave, so the session that takes part begins now.
            self._told = False
            self._start()
        page = await asyncio.to_thread(_page, telemetry)
        chosen, effective = (
            cast("protocol.ConsentLevel", level.word) for level in (state.chosen, state.level)
        )
        return protocol.Telemetry(
            chosen, effective, state.reason, page, state.may_ask, telemetry.recipients()
        )

    def _served(self, report: Report) -> None:
        if self._report is None:
            self._report = report
            self._start()

    async def _end(self) -> None:
        # A session in which no model was asked for took part as well.
        self._start()

    def _start(self) -> None:
        if self._told:
            return
        self._told = True
        session = self._server.session
        try:
            settings = session.settings
            entry = None if settings.remote_url else session.engines.entry(settings.model)
        except ModelError:
            entry = None
        self._telemetry.record("session.started", **describe(session.client, self._report, entry))


def _page(telemetry: Telemetry) -> str:
    """Return what would be sent, and the user's own figures as the command line shows them."""
    return preview.render(telemetry) + own_page.render(telemetry.registry, telemetry, OWN_DAYS)


class _Life:
    """The life of completions."""

    def __init__(
        self, server: LinewiseServer, telemetry: Telemetry, usage: Usage, apis: ApiUses
    ) -> None:
        self._server = server
        self._session = server.session
        self._telemetry = telemetry
        self._usage = usage
        self._apis = apis
        self._watched: set[str] = set()

    def register(self) -> None:
        listeners = self._session.listeners
        listeners.answered.append(self._answered)
        listeners.shown.append(self._shown)
        listeners.accepted.append(self._accepted)
        listeners.accepted_partly.append(self._accepted_partly)
        listeners.inserted.append(self._inserted)
        listeners.dismissed.append(self._dismissed)
        listeners.edited.append(self._edited)
        listeners.starting.append(self._begin)
        listeners.ending.append(self._end)

    def _answered(self, ask: Ask, suggestions: list[Suggestion], outcome: Outcome) -> None:
        completions, now = self._telemetry.completions, time.monotonic()
        completions.answer(_of(ask, suggestions[0] if suggestions else None, outcome), now)
        for further in suggestions[1:]:
            completions.begin(_of(ask, further, outcome), now)
        for suggestion in suggestions:
            if self._apis.concerns(suggestion):
                self._session.run(self._apis.find(ask, suggestion))

    def _shown(self, identity: str, basis: str) -> None:
        self._telemetry.completions.show(identity, basis, time.monotonic())

    def _dismissed(self, identity: str, reason: str, shown_ms: float) -> None:
        word = "typed_over" if reason == "typedOver" else reason
        self._telemetry.completions.dismiss(identity, word, shown_ms, time.monotonic())

    def _accepted_partly(self, identity: str, characters: int) -> None:
        self._telemetry.completions.take_part(identity, characters, time.monotonic())

    def _accepted(self, uri: str, suggestion: Suggestion) -> None:
        place = self._place(uri, suggestion.text)
        self._telemetry.completions.accept(suggestion.id, uri, place, time.monotonic())

    def _inserted(self, uri: str, catalogue: str, sample: str, text: str) -> None:
        place = self._place(uri, text)
        completions = self._telemetry.completions
        completions.insert_sample(catalogue, sample, uri, place, text, time.monotonic())

    def _place(self, uri: str, text: str) -> int | None:
        """Return where a text was just put, which is followed from now on; None if it is not."""
        document = self._session.documents.get(uri)
        if document is None:
            return None
        edit = self._session.last_edit.get(uri)
        snapshot = document.snapshot()
        near = snapshot.offset(edit.line, edit.column) if edit is not None else 0
        # Editors send what they put in, which may be less than the whole text.
        start = snapshot.text().find(text, max(0, near - len(text)))
        self._watched.add(uri)
        return start if start >= 0 else None

    def _edited(self, document: Document, edit: Edit) -> None:
        if document.uri in self._watched:
            start = document.snapshot().offset(edit.line, edit.column)
            completions = self._telemetry.completions
            completions.edit(document.uri, start, edit.removed, edit.inserted)

    def _read(self, uri: str) -> str | None:
        document = self._session.documents.get(uri)
        return document.snapshot().text() if document is not None else None

    async def _begin(self) -> None:
        await asyncio.to_thread(self._telemetry.start)
        self._session.run(asyncio.to_thread(self._usage.prepare))
        self._session.run(self._ticking())

    async def _ticking(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._telemetry.tick(self._read)

    async def _end(self) -> None:
        await asyncio.to_thread(self._telemetry.stop)


def _of(ask: Ask, suggestion: Suggestion | None, outcome: Outcome) -> Answered:
    """Return an answer in the registry's words."""
    return Answered(
        id=suggestion.id if suggestion is not None else "",
        lang=ask.snapshot.language,
        trigger="invoked" if ask.invoked else "automatic",
        outcome=outcome.result,
        origin="typed_through" if outcome.origin == "typedThrough" else outcome.origin,
        total_ms=outcome.total_ms,
        ttft_ms=outcome.ttft_ms,
        tokens=outcome.tokens,
        text=suggestion.text if suggestion is not None else "",
        apis=(),
    )
