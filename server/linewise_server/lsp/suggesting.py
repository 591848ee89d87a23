"""One way from a request to suggestions, for inline completion and plain completion alike."""

from __future__ import annotations

from dataclasses import replace

from linewise_server.completion.ask import Ask, Suggestion
from linewise_server.lsp.session import Session


async def suggest(session: Session, ask: Ask, several: bool = False) -> list[Suggestion]:
    """Return suggestions by the settings of the document's folder; none unasked where it says so.

    With `several`, as many as are set where they are asked for by hand. Waits until the editor has
    told its settings.
    """
    await session.informed()
    settings = session.folders.settings(ask.snapshot.uri)
    if not ask.invoked and settings.trigger == "manual":
        return []
    if ask.invoked and several:
        ask = replace(ask, candidates=settings.candidates)
    return await session.complete(ask)
