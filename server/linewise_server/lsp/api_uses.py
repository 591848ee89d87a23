"""The symbols of catalogues that completions use: by their text at once, by types in a pause.

In: suggestions as they are answered. Out: symbols, told to the completions that are recorded. Looks
only where something may be recorded and the text has a word of a subscribed catalogue. Types are
inferred in the document as if the suggestion were accepted, of what the user read or still sees,
whether it was accepted or not: a share of acceptances needs both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from linewise_server.apidocs.link import Resolution
from linewise_server.apidocs.source import Source, Span
from linewise_server.apidocs.usage import Usage
from linewise_server.completion.ask import Ask, Suggestion, as_if_accepted
from linewise_server.lsp.folders import path_of
from linewise_telemetry.client.completions import ApiUse, Completions

Resolve = Callable[[Source, int], Awaitable[Resolution | None]]

_MOST_WAITING = 8
"""Suggestions that wait for a pause, each with its document; older ones are let go."""
_TRIES = 4
"""An answer that came too late is kept where it was worked out, and is there when asked again."""


class ApiUses:
    """Finds what the completions of one server use.

    `allowed` says whether anything may be recorded, `quiet` waits until the user pauses, and
    `resolve` infers what stands at an offset.
    """

    def __init__(
        self,
        usage: Usage,
        completions: Completions,
        allowed: Callable[[], bool],
        quiet: Callable[[], Awaitable[None]],
        resolve: Resolve,
    ) -> None:
        self._usage = usage
        self._completions = completions
        self._allowed = allowed
        self._quiet = quiet
        self._resolve = resolve
        self._waiting: dict[str, tuple[Source, tuple[int, ...]]] = {}
        self._infers = False

    def concerns(self, suggestion: Suggestion) -> bool:
        """Return whether `find` would look; costs microseconds."""
        return self._allowed() and self._usage.may_name(suggestion.text)

    async def find(self, ask: Ask, suggestion: Suggestion) -> None:
        """Find what a suggestion uses while it is on its way, and in the next pause the rest."""

        def look() -> tuple[Source, tuple[ApiUse, ...], tuple[int, ...]]:
            written, _, _ = as_if_accepted(ask.snapshot, ask.line, suggestion.start, suggestion)
            start = written.offset(ask.line, suggestion.start)
            within = Span(start, start + len(suggestion.text))
            source = Source(written.text(), written.language, path_of(written.uri))
            return source, self._usage.apis(source, within), self._usage.unsaid(source, within)

        # The whole text has to be parsed for it, which no key shall wait for.
        source, apis, unsaid = await asyncio.to_thread(look)
        self._completions.name_apis(suggestion.id, apis)
        if not unsaid:
            return
        self._waiting[suggestion.id] = (source, unsaid)
        if len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        # Who infers already takes this up as well.
        if not self._infers:
            self._infers = True
            try:
                await self._infer()
            finally:
                self._infers = False

    async def _infer(self) -> None:
        while True:
            await self._quiet()
            if not self._waiting:
                return
            identity = next(iter(self._waiting))
            source, offsets = self._waiting.pop(identity)
            for offset in offsets:
                for _ in range(_TRIES):
                    await self._quiet()
                    if not self._allowed() or not self._completions.is_read(identity):
                        break
                    found = await self._resolve(source, offset)
                    if (api := self._usage.api(found)) is not None:
                        self._completions.name_apis(identity, (api,))
                    if found is None or found.gap != "late":
                        break
