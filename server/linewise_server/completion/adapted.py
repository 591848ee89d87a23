"""The engine as completions see it: with the adapter that a document takes, or without.

In: requests of sessions, and which document takes which adapter. Out: what the engine gives. An
adapter that does not fit, or under which the engine dies before it said anything, is told of once
and left out from then on; completions go on without it. Never fetches one, and never chooses.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from linewise_models.engine.contract import EngineClient, Event, Finish, Report, Request
from linewise_models.errors import AdapterError, EngineLost
from linewise_server.completion.plan import NEAR


class Adapters:
    """Which adapter each document takes; a document is known by its URI, an adapter by its path."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """`tell` hears of adapters that cannot be applied."""
        self._tell = tell
        self._chosen: dict[str, str] = {}
        self._refused: set[str] = set()
        self._proven: set[str] = set()

    def choose(self, uri: str, adapter: str | None) -> bool:
        """Have a document take an adapter, or none; False where that is so already."""
        before = self._chosen.pop(uri, None)
        if adapter is not None:
            self._chosen[uri] = adapter
        return adapter != before

    def of(self, session: str) -> str | None:
        """Return the adapter for a session of the engine."""
        adapter = self._chosen.get(session.removesuffix(NEAR))
        return None if adapter in self._refused else adapter

    def prove(self, adapter: str) -> None:
        """Note that the engine works with an adapter."""
        self._proven.add(adapter)

    def failed(self, adapter: str, error: AdapterError | EngineLost) -> bool:
        """Take an error in; True where the adapter is to blame and is left out from now on."""
        if isinstance(error, EngineLost) and adapter in self._proven:
            return False
        self._refused.add(adapter)
        self._tell(f"{error} Completions go on without this adapter.")
        return True


class AdaptedClient:
    """Implements `EngineClient` on another, adding to each request its document's adapter."""

    def __init__(self, client: EngineClient, adapters: Adapters) -> None:
        self._client = client
        self._adapters = adapters

    @property
    def life(self) -> int:
        """Which engine is asked next; see `EngineClient.life`."""
        return self._client.life

    async def report(self) -> Report:
        """Return what the engine is; see `EngineClient.report`."""
        return await self._client.report()

    async def tokenise(self, text: str) -> list[int]:
        """Return the token ids of `text`."""
        return await self._client.tokenise(text)

    async def generate(
        self, request: Request, stopped: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[Event, None]:
        """Yield tokens and, last, a `Finish`; see `EngineClient.generate`."""
        adapter = self._adapters.of(request.session)
        said = False
        try:
            async with aclosing(
                self._client.generate(replace(request, adapter=adapter), stopped)
            ) as events:
                async for event in events:
                    said = True
                    if adapter is not None and not _was_dropped(event):
                        self._adapters.prove(adapter)
                    yield event
            return
        except (AdapterError, EngineLost) as error:
            if adapter is None or not self._adapters.failed(adapter, error) or said:
                raise
        async with aclosing(self._client.generate(request, stopped)) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        """Let go of the engine."""
        await self._client.close()


def _was_dropped(event: Event) -> bool:
    """Say whether a request ended before the engine began with it."""
    return isinstance(event, Finish) and event.prompt_tokens == 0
