"""linewise/telemetry, and what becomes of each completion, told to the recorder.

In: the life of completions as the session and the client tell it. Out: calls of the recorder, which
records nothing that the gate does not allow. No text of a document is passed on, except to measure
on this machine how much of an accepted suggestion still stands.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

from linewise_server import protocol
from linewise_server.completion.ask import Ask, Suggestion
from linewise_server.lsp.documents import Document, Edit
from linewise_server.lsp.plain import plain
from linewise_server.lsp.server import LinewiseServer
from linewise_telemetry.client.completions import Answered
from linewise_telemetry.client.telemetry import Telemetry
from linewise_telemetry.consent import Level

TICK_SECONDS = 5.0


def register(server: LinewiseServer, telemetry: Telemetry) -> None:
    """Add the handlers to the server."""
    server.abilities["telemetry"] = True
    session = server.session
    watched: set[str] = set()

    @server.feature("linewise/telemetry")
    async def consent(params: Any) -> Any:
        word = protocol.from_wire(protocol.SetTelemetry, plain(params))
        if word.editor_enabled is not None:
            telemetry.switch(editor=word.editor_enabled)
        if word.level is not None:
            await asyncio.to_thread(telemetry.choose, Level[word.level.upper()])
        state = telemetry.state()
        preview = await asyncio.to_thread(telemetry.preview)
        chosen, effective = (
            cast("protocol.ConsentLevel", level.word) for level in (state.chosen, state.level)
        )
        answer = protocol.Telemetry(chosen, effective, state.reason, preview)
        return protocol.to_wire(answer)

    @server.feature("linewise/completionShown")
    def shown(params: Any) -> None:
        told = protocol.from_wire(protocol.CompletionShown, plain(params))
        telemetry.completions.show(told.id, told.basis, time.monotonic())

    @server.feature("linewise/completionDismissed")
    def dismissed(params: Any) -> None:
        told = protocol.from_wire(protocol.CompletionDismissed, plain(params))
        reason = "typed_over" if told.reason == "typedOver" else told.reason
        telemetry.completions.dismiss(told.id, reason, told.shown_ms, time.monotonic())

    def answered(ask: Ask, suggestions: list[Suggestion], milliseconds: float) -> None:
        for suggestion in suggestions:
            origin = "typed_through" if suggestion.origin == "typedThrough" else suggestion.origin
            telemetry.completions.answer(
                Answered(
                    id=suggestion.id,
                    lang=ask.snapshot.language,
                    trigger="invoked" if ask.invoked else "automatic",
                    outcome="produced",
                    origin=origin,
                    total_ms=milliseconds,
                    ttft_ms=milliseconds,
                    tokens=max(1, len(suggestion.text) // 3),
                    text=suggestion.text,
                    apis=(),
                ),
                time.monotonic(),
            )

    def accepted(uri: str, suggestion: Suggestion) -> None:
        document = session.documents.get(uri)
        if document is None:
            return
        edit = session.last_edit.get(uri)
        snapshot = document.snapshot()
        near = snapshot.offset(edit.line, edit.column) if edit is not None else 0
        # Editors send what they put in, which may be less than the whole suggestion.
        start = snapshot.text().find(suggestion.text, max(0, near - len(suggestion.text)))
        watched.add(uri)
        place = start if start >= 0 else None
        telemetry.completions.accept(suggestion.id, uri, place, time.monotonic())

    def edited(document: Document, edit: Edit) -> None:
        if document.uri in watched:
            start = document.snapshot().offset(edit.line, edit.column)
            telemetry.completions.edit(document.uri, start, edit.removed, edit.inserted)

    def read(uri: str) -> str | None:
        document = session.documents.get(uri)
        return document.snapshot().text() if document is not None else None

    async def ticking() -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            telemetry.tick(read)

    async def begin() -> None:
        await asyncio.to_thread(telemetry.start)
        session.run(ticking())

    async def end() -> None:
        await asyncio.to_thread(telemetry.stop)

    session.listeners.answered.append(answered)
    session.listeners.accepted.append(accepted)
    session.listeners.edited.append(edited)
    session.listeners.starting.append(begin)
    session.listeners.ending.append(end)
