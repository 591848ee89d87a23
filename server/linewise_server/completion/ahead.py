"""What would follow a suggestion, generated while the user reads it.

In: the suggestion shown. Out: a saying in the memory, found at once when the suggestion is taken or
typed. Only after one that is likely to be taken, only in a pause, and with the least urgency.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from linewise_models.engine.contract import EngineClient, Request, Urgency
from linewise_server.completion.ask import Ask, Suggestion, as_if_accepted, site_at
from linewise_server.completion.budget import Sizes
from linewise_server.completion.flight import Flight
from linewise_server.completion.memory import Memory, place_of, typed_since
from linewise_server.completion.plan import Plan
from linewise_server.completion.postprocess import enough
from linewise_server.completion.shape import Shape, Site
from linewise_server.snapshot import Snapshot

LEAST_CONFIDENCE = -0.7
"""Mean log-probability that a suggestion must reach for what would follow it to be worth it."""
PAUSE_SECONDS = 0.2
"""Pause after which what would follow the suggestion shown is generated."""


@dataclass(slots=True)
class _Thought:
    """One generation of what would follow."""

    uri: str
    site: Site
    """The place behind the suggestion, as if it were accepted."""
    task: asyncio.Task[None] | None = None
    flight: Flight | None = None

    def follows(self, uri: str, site: Site) -> bool:
        """Say whether typing on from `site` may still lead to its place."""
        return uri == self.uri and typed_since(*place_of(site), self.site) is not None

    def is_under_way(self, uri: str, site: Site) -> bool:
        """Say whether it is for this place, has begun and has not ended."""
        same = uri == self.uri and place_of(site) == place_of(self.site)
        return same and self.flight is not None and not self.flight.done


class Ahead:
    """Thinks one suggestion ahead, of one completer."""

    def __init__(
        self,
        client: EngineClient,
        memory: Memory,
        plan: Callable[[Ask, Shape], Awaitable[tuple[Plan, Sizes]]],
        run: Callable[[Awaitable[None]], asyncio.Task[None]],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._client = client
        self._memory = memory
        self._plan = plan
        self._run = run
        self._sleep = sleep
        self._thought: _Thought | None = None

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What thinks just now."""
        return self._thought.task if self._thought is not None else None

    @property
    def flight(self) -> Flight | None:
        """The generation, once it has begun."""
        return self._thought.flight if self._thought is not None else None

    def let_go(self) -> None:
        """Leave the generation to whoever waits for it now; it is remembered in any case."""
        self._thought = None

    def stop(self) -> None:
        """End it."""
        if self.task is not None:
            self.task.cancel()
        self._thought = None

    def changed(self, uri: str, site: Site) -> None:
        """End it where the user typed something else; keys that spell the suggestion leave it."""
        if self._thought is not None and not self._thought.follows(uri, site):
            self.stop()

    def think(self, snapshot: Snapshot, line: int, column: int, shown: list[Suggestion]) -> None:
        """Generate what would follow the first of what is shown at a place, after a pause."""
        if not shown or shown[0].confidence < LEAST_CONFIDENCE:
            self.stop()
            return
        accepted, at_line, at_column = as_if_accepted(snapshot, line, column, shown[0])
        site = site_at(accepted, at_line, at_column, invoked=False)
        if self._thought is not None and self._thought.is_under_way(snapshot.uri, site):
            return
        self.stop()
        thought = self._thought = _Thought(snapshot.uri, site)
        thought.task = self._run(self._generate(thought, Ask(accepted, at_line, at_column)))

    async def _generate(self, thought: _Thought, ask: Ask) -> None:
        await self._sleep(PAUSE_SECONDS)
        uri, site = thought.uri, thought.site
        if self._memory.recall(uri, site, "line") is not None:
            return
        plan, budget = await self._plan(ask, "line")
        if plan.warm is not None:
            return
        before, after = place_of(site)
        request = Request(
            session=plan.session,
            prompt=plan.parts,
            max_tokens=budget.output,
            must_speak=True,
            one_line=True,
            urgency=Urgency.IDLE,
        )
        flight = Flight(uri, before, after, "line", plan, request)
        flight.start(self._client, lambda text: enough(text, site, "line"))
        thought.flight = flight
        try:
            await flight.settled()
        finally:
            flight.cancel()
        if flight.whole:
            self._memory.keep(flight.saying(ahead=True))
