"""From a place in a document to what is suggested there: the path of a keystroke.

In: snapshots and places. Out: suggestions, each with where it came from. In order: is there
anything to ask; was it said before; is it being said; wait for the rhythm; plan a prompt within the
budget; generate; filter; remember; think ahead. Code that is not part of this path is
elsewhere; the path itself stays in one file, longer than others, so that it is read in one go.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from linewise_models.engine.contract import EngineClient, Finish, Report, Request, Urgency
from linewise_models.errors import ModelError
from linewise_models.quotation import Definition
from linewise_server.completion.ahead import Ahead
from linewise_server.completion.ask import (
    Ask,
    Suggestion,
    site_at,
    with_selected,
)
from linewise_server.completion.budget import Sizes, sizes
from linewise_server.completion.calibration import USUAL
from linewise_server.completion.flight import Flight
from linewise_server.completion.held import WatchedClient
from linewise_server.completion.memory import Memory, place_of
from linewise_server.completion.neighbours import Neighbour, context
from linewise_server.completion.outcome import Outcome, result_of
from linewise_server.completion.plan import Plan, Planner
from linewise_server.completion.postprocess import enough, postprocess
from linewise_server.completion.rhythm import Rhythm
from linewise_server.completion.shape import Shape, Site, shape
from linewise_server.completion.similar import Similar
from linewise_server.completion.syntax import Syntax
from linewise_server.completion.trace import trace_of
from linewise_server.protocol import Origin, Trace
from linewise_server.settings import Settings
from linewise_server.snapshot import Snapshot

Answered = Callable[[Ask, list[Suggestion], Outcome], None]
"""Told of every request that was not cancelled, once it is answered."""

LEAST_CONFIDENCE_NEXT = -0.7
"""Mean log-probability below which nothing is shown unasked where the line is complete and what is
suggested is the next one."""
NEAR_LINES = 40
"""Lines above the cursor whose names say which definitions of other files matter."""
ORPHAN_SECONDS = 0.1
"""How long a generation that nobody waits for may go on, for the next key to join it."""


@dataclass(frozen=True, slots=True)
class _Key:
    """One request on its way: what was asked, and what was found out of its place."""

    ask: Ask
    snapshot: Snapshot
    """The document with what is selected in the list of suggestions taken as written."""
    column: int
    site: Site
    wanted: Shape
    started: float


class Completer:
    """The completions of one server."""

    def __init__(
        self,
        client: EngineClient,
        settings: Callable[[str], Settings],
        trace: Callable[[Trace], None] = lambda trace: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        answered: Answered = lambda ask, suggestions, outcome: None,
        least: Callable[[], float] = lambda: USUAL,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self.client = WatchedClient(client)
        self._settings = settings
        self._trace = trace
        self._clock = clock
        self._sleep = sleep
        self._answered = answered
        self._least = least
        self._memory = Memory()
        self._rhythm = Rhythm()
        self._similar = Similar()
        self._planner: Planner | None = None
        self._report: Report | None = None
        self._flight: Flight | None = None
        self._waiting = 0
        self._chores: set[asyncio.Task[None]] = set()
        self._ahead = Ahead(self.client, self._memory, self._planned, self._do, sleep)
        # A session may see several completers; no two of its suggestions may bear one id.
        self._numbers = itertools.count(1) if numbers is None else numbers

    async def complete(self, ask: Ask) -> list[Suggestion]:
        """Return what to suggest, best first; empty where there is nothing good to say.

        Raises ModelError when the engine cannot serve.
        """
        started = self._clock()
        snapshot, column = with_selected(ask)
        site = site_at(snapshot, ask.line, column, ask.invoked)
        syntax = Syntax.of(snapshot.language)
        wanted = shape(site, syntax)
        if wanted == "nothing":
            self._ahead.stop()
            self._cancel_flight()
            return []
        known = None if ask.candidates > 1 else self._memory.recall(snapshot.uri, site, wanted)
        if known is not None:
            saying, text, origin = known
            self._cancel_flight()
            found = self._finish(ask, site, wanted, text, origin, saying.confidence)
            self._tell(ask, text, origin, found[1], None, started)
            tokens = round(saying.tokens * len(text) / max(1, len(saying.text)))
            result = result_of(text, len(found[0]), None)
            outcome = Outcome(result, self._since(started), origin, tokens=tokens)
            self._answered(ask, found[0], outcome)
            self._ahead.think(snapshot, ask.line, column, found[0])
            return found[0]
        return await self._ask(_Key(ask, snapshot, column, site, wanted, started))

    def changed(self, snapshot: Snapshot, line: int, column: int) -> None:
        """Note that the user changed the text; ends work that the change made useless."""
        self._rhythm.key(self._clock())
        flight = self._flight if self._flight is not None and not self._flight.done else None
        if flight is None and self._ahead.task is None:
            return
        site = site_at(snapshot, line, column, invoked=False)
        self._ahead.changed(snapshot.uri, site)
        if flight is not None and flight.typed(snapshot.uri, site) is None:
            flight.cancel()

    def forget(self, uri: str) -> None:
        """Forget a document that was closed, or that another adapter completes from now on."""
        self._memory.forget(uri)
        if self._flight is not None and self._flight.uri == uri:
            self._flight.forgotten = True
        self._ahead.stop()
        if self._planner is not None:
            self._planner.forget(uri)

    async def plan(self, ask: Ask) -> tuple[Plan, Sizes, Shape]:
        """Return the prompt that would be sent for an ask, for people to look at."""
        snapshot, column = with_selected(ask)
        site = site_at(snapshot, ask.line, column, ask.invoked)
        wanted = shape(site, Syntax.of(snapshot.language))
        plan, budget = await self._planned(replace(ask, snapshot=snapshot, column=column), wanted)
        return plan, budget, wanted

    async def rehearse(self, ask: Ask) -> Flight | None:
        """Return the generation that a place calls for, not begun; with its text where it is known.

        It has the whole window and no deadline. It is for people who look into it: nobody is told
        of it and nothing is remembered. None where there is nothing to ask.
        """
        uri, site = ask.snapshot.uri, site_at(ask.snapshot, ask.line, ask.column, ask.invoked)
        wanted = shape(site, Syntax.of(ask.snapshot.language))
        if wanted == "nothing":
            return None
        plan, budget = await self._planned(ask, wanted)
        flight = await self._flight_for(ask, uri, site, wanted, plan.warm or plan, budget)
        flight.request = replace(flight.request, deadline_ms=None)
        known = self._memory.recall(uri, site, wanted)
        if known is not None:
            flight.text = known[1]
        return flight

    def least_confidence(self, text: str, wanted: Shape) -> float:
        """Return the mean log-probability below which a text is not shown unasked."""
        next_line = wanted == "line" and text.lstrip(" \t")[:1] in ("\n", "\r")
        return LEAST_CONFIDENCE_NEXT if next_line else self._least()

    async def surround(
        self,
        snapshot: Snapshot,
        line: int,
        neighbours: Sequence[Neighbour],
        samples: Sequence[Definition] = (),
    ) -> None:
        """Take in what others say of the code above a line, and warm the prompt with it.

        Nothing is started for it, and what is shown already stays where there is nothing to say.
        """
        if self._report is None:
            return
        planner, budget = await self._plans(), await self._sizes(Ask(snapshot, line, 0), "line")
        near = snapshot.before(line, len(snapshot.lines[line]), max(0, line - NEAR_LINES))
        own, shown = snapshot.text(), planner.shown(snapshot.uri)
        alike = self._similar.find(near, own, neighbours, shown)
        found = context(near, own, neighbours, planner.room(budget), samples, alike)
        if found and planner.take_in(snapshot.uri, found):
            plan = planner.plan(snapshot, line, 0, budget)
            self._do(self._warm(plan.warm or plan))

    async def settled(self) -> None:
        """Wait until the answers given so far are accounted for."""
        while chores := self._chores - {self._ahead.task}:
            await asyncio.wait(chores)

    async def idle(self) -> None:
        """Wait until nothing is under way, thinking ahead included."""
        while self._chores:
            await asyncio.wait(self._chores)

    async def close(self) -> None:
        """End all work and let go of the engine."""
        self._ahead.stop()
        self._cancel_flight()
        for chore in list(self._chores):
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await self.client.close()

    async def _ask(self, key: _Key) -> list[Suggestion]:
        """Return what the engine says, within the budget that began with the key."""
        flight, origin = await self._board(key)
        if flight is None:
            self._answered(key.ask, [], Outcome("timeout", self._since(key.started)))
            return []
        return await self._wait(key, flight, origin)

    async def _board(self, key: _Key) -> tuple[Flight | None, Origin]:
        """Return the generation to wait for: the one under way if it agrees, else a new one."""
        ask, snapshot, site, wanted = key.ask, key.snapshot, key.site, key.wanted
        flight = self._flight
        if flight is not None and ask.candidates == 1 and self._joins(flight, ask, site, wanted):
            return flight, "joined"
        self._cancel_flight()
        ahead = self._ahead.flight
        if ahead is not None and ask.candidates == 1 and self._joins(ahead, ask, site, wanted):
            self._flight = ahead
            self._ahead.let_go()
            return ahead, "joined"
        self._ahead.stop()
        began = key.started if ask.invoked else self._rhythm.key_of(key.started)
        if self._report is None:
            # Nobody is late because the model was not there yet.
            await self.report()
            began = self._clock()
        held_back = 0.0 if ask.invoked else self._rhythm.delay()
        if held_back:
            await self._sleep(held_back)
        budget = await self._sizes(ask, wanted, self._since(began))
        if budget.output == 0:
            return None, "none"
        plan = (await self._plans()).plan(snapshot, ask.line, key.column, budget)
        flight = await self._flight_for(ask, snapshot.uri, site, wanted, plan, budget)
        flight.held_back = held_back
        self._cancel_flight()
        self._flight = flight
        flight.start(self.client, lambda text: enough(text, site, wanted))
        return flight, "model"

    async def _flight_for(
        self, ask: Ask, uri: str, site: Site, wanted: Shape, plan: Plan, budget: Sizes
    ) -> Flight:
        fim = (await self.report()).fim != "none"
        before, after = place_of(site)
        request = Request(
            session=plan.session,
            prompt=plan.parts,
            max_tokens=budget.output,
            must_speak=not fim or ask.invoked,
            one_line=wanted == "line",
            candidates=ask.candidates,
            temperature=0.6 if ask.candidates > 1 else 0.0,
            deadline_ms=budget.deadline_ms,
            urgency=Urgency.INVOKED if ask.invoked else Urgency.AUTOMATIC,
        )
        return Flight(uri, before, after, wanted, plan, request)

    def _joins(self, flight: Flight, ask: Ask, site: Site, wanted: Shape) -> bool:
        if flight.done or (ask.invoked and flight.request.urgency is not Urgency.INVOKED):
            return False
        longer = wanted == "block" and flight.shape == "line"
        return not longer and flight.typed(ask.snapshot.uri, site) is not None

    async def _wait(self, key: _Key, flight: Flight, origin: Origin) -> list[Suggestion]:
        """Wait until the generation said enough for this site, and turn it into suggestions."""
        ask, snapshot, site, wanted = key.ask, key.snapshot, key.site, key.wanted

        def left() -> str | None:
            typed = flight.typed(snapshot.uri, site)
            return None if typed is None else flight.text[len(typed) :]

        def ready() -> bool:
            text = left()
            return text is None or flight.whole or enough(text, site, wanted)

        self._waiting += 1
        try:
            await flight.until(ready)
        except asyncio.CancelledError:
            self._do(self._abandon(flight))
            raise
        finally:
            self._waiting -= 1
        if flight.error is not None:
            # A new engine may be another one, and its cache is empty.
            self._report = self._planner = None
            raise flight.error
        self._settle(flight)
        if origin == "joined" and flight.silent_at_deadline:
            # The time of the earlier key was over; what was evaluated for it is in the cache.
            return await self._ask(key)
        text = left()
        if text is None or not flight.text:
            self._tell(ask, "", origin, (), flight, key.started)
            self._answered(ask, [], self._outcome(text, 0, origin, flight, key.started))
            return []
        held_back = flight.held_back if origin == "model" else 0.0
        self._rhythm.answered(self._clock() - key.started - held_back)
        texts = [text, *flight.alternatives.values()]
        suggestions: list[Suggestion] = []
        acted: tuple[str, ...] = ()
        for number, candidate in enumerate(texts):
            found, names = self._finish(ask, site, wanted, candidate, origin, flight.confidence)
            acted = names if number == 0 else acted
            suggestions += [s for s in found if all(s.text != other.text for other in suggestions)]
        self._tell(ask, text, origin, acted, flight, key.started)
        outcome = self._outcome(text, len(suggestions), origin, flight, key.started)
        self._answered(ask, suggestions, outcome)
        self._ahead.think(snapshot, ask.line, key.column, suggestions)
        return suggestions

    def _settle(self, flight: Flight) -> None:
        """Remember what a generation said, now and again once it said all."""

        def keep() -> None:
            if flight.text and not flight.forgotten:
                self._memory.keep(flight.saying())

        keep()
        if flight.done:
            self._landed(flight)
            return

        async def later() -> None:
            await flight.settled()
            keep()
            self._landed(flight)

        self._do(later())

    def _landed(self, flight: Flight) -> None:
        """Note what it cost, and warm what was too much while the user waited."""
        if flight.finish is None or self._planner is None:
            return
        self._planner.measured(flight.plan, flight.finish.prompt_tokens)
        self._do(self._measure())
        if flight.finish.reason == "superseded":
            return
        if flight.plan.warm is not None or flight.silent_at_deadline:
            self._do(self._warm(flight.plan.warm or flight.plan))

    async def _measure(self) -> None:
        """Follow the speeds of the engine, which change with what else the machine does."""
        with contextlib.suppress(ModelError):
            self._report = await self.client.report()

    async def _warm(self, plan: Plan) -> None:
        """Evaluate a window while nobody waits; whatever is asked meanwhile goes first."""
        request = Request(
            session=plan.session, prompt=plan.parts, max_tokens=0, urgency=Urgency.IDLE
        )
        with contextlib.suppress(ModelError):
            async with aclosing(self.client.generate(request, lambda: False)) as events:
                async for event in events:
                    if isinstance(event, Finish) and self._planner is not None:
                        self._planner.measured(plan, event.prompt_tokens)

    def _finish(
        self, ask: Ask, site: Site, wanted: Shape, text: str, origin: Origin, confidence: float
    ) -> tuple[list[Suggestion], tuple[str, ...]]:
        """Filter a text and give it the form of a suggestion."""
        draft, names = postprocess(text, site, wanted)
        least = self.least_confidence(text, wanted)
        if draft is not None and not ask.invoked and confidence < least:
            draft, names = None, (*names, "confidence")
        if draft is None:
            return [], names
        start = ask.column if ask.selected_from is None else ask.selected_from
        suggestion = Suggestion(
            id=f"c{next(self._numbers)}",
            text=ask.selected + draft.text,
            start=start,
            end=ask.column + draft.replace,
            origin=origin,
            confidence=confidence,
        )
        return [suggestion], names

    def _cancel_flight(self) -> None:
        if self._flight is not None and not self._flight.done:
            self._flight.cancel()
        self._flight = None

    async def _abandon(self, flight: Flight) -> None:
        """End a generation unless a key joins it soon."""
        await self._sleep(ORPHAN_SECONDS)
        if self._waiting == 0:
            flight.cancel()

    async def report(self) -> Report:
        """Return what the engine is; starts it the first time. Raises ModelError."""
        if self._report is None:
            self._report = await self.client.report()
        return self._report

    async def _sizes(self, ask: Ask, wanted: Shape, waited_ms: float = 0.0) -> Sizes:
        settings = self._settings(ask.snapshot.uri)
        latency = settings.latency_invoked if ask.invoked else settings.latency_automatic
        return sizes(await self.report(), max(0.0, latency - waited_ms), wanted)

    async def _planned(self, ask: Ask, wanted: Shape) -> tuple[Plan, Sizes]:
        budget = await self._sizes(ask, wanted)
        return (await self._plans()).plan(ask.snapshot, ask.line, ask.column, budget), budget

    async def _plans(self) -> Planner:
        if self._planner is None:
            self._planner = Planner((await self.report()).fim, self.client.held)
        return self._planner

    def _do(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        return task

    def _outcome(
        self, said: str | None, shown: int, origin: Origin, flight: Flight, started: float
    ) -> Outcome:
        reason = flight.finish.reason if flight.finish is not None else None
        result = result_of(said, shown, reason)
        return Outcome(result, self._since(started), origin, flight.ttft_ms, flight.tokens)

    def _since(self, started: float) -> float:
        return (self._clock() - started) * 1000

    def _tell(
        self,
        ask: Ask,
        text: str,
        origin: Origin,
        filters: tuple[str, ...],
        flight: Flight | None,
        started: float,
    ) -> None:
        """Send the trace of an answer, with the engine's figures once they are known."""
        total = self._since(started)

        def send() -> None:
            self._trace(trace_of(ask, text, origin, filters, flight, total))

        async def later() -> None:
            if flight is not None:
                await flight.settled()
            send()

        if flight is None or flight.done:
            send()
        else:
            self._do(later())
