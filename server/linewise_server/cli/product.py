"""The whole product as one who completes, for `linewise eval`.

In: problems. Out: what would be suggested, by the path of a keystroke, asked by hand as users can.
It asks what an editor would ask and shows nothing to anybody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from linewise_models.engine.contract import EngineClient, Event, Report, Request
from linewise_models.evaluate.problem import Answer, Problem
from linewise_server.completion import ask as completion
from linewise_server.completion.completer import Completer
from linewise_server.completion.neighbours import Neighbour
from linewise_server.generation.ask import Ask, Outcome
from linewise_server.generation.generator import generate, nothing_around
from linewise_server.protocol import GenerationKind, Trace
from linewise_server.settings import Settings
from linewise_server.snapshot import Snapshot

FAST = 1e6
"""Tokens a second that the product is told, so that no budget makes a prompt or answer shorter."""


class Product:
    """The product's own path of a keystroke as one who completes; asked by hand."""

    def __init__(self, client: EngineClient, settings: Settings) -> None:
        self._client = Unhurried(client)
        self._traces: list[Trace] = []
        # Nothing waits for a rhythm, and nothing is generated ahead of a user who is not there.
        self._completer = Completer(
            self._client, lambda uri: settings, self._traces.append, sleep=_for_ever
        )

    async def __call__(self, problem: Problem) -> Answer:
        """Return what would be suggested in the hole. Raises ModelError."""
        before = problem.context + problem.prefix
        uri = f"evaluation:{problem.id}"
        snapshot = Snapshot.of(before + problem.suffix, uri, "python")
        line, column = snapshot.place(len(before))
        if problem.others:
            await self._look_around(snapshot, line, problem)
        self._traces.clear()
        self._client.asked = None
        started = time.monotonic()
        found = await self._completer.complete(completion.Ask(snapshot, line, column, invoked=True))
        elapsed = (time.monotonic() - started) * 1000
        await self._completer.settled()
        self._completer.forget(uri)
        trace = self._traces[-1] if self._traces else None
        asked = self._client.asked
        return Answer(
            text=found[0].text if found else "",
            said=trace.text if trace else "",
            prompt_bytes=sum(len(part.text.encode()) for part in asked.prompt) if asked else 0,
            replace=found[0].end - column if found else 0,
            filters=tuple(trace.filters) if trace else (),
            finish=trace.finish if trace else "none",
            prompt_tokens=trace.prompt_tokens if trace else 0,
            generated_tokens=trace.generated_tokens if trace else 0,
            total_ms=elapsed,
        )

    async def _look_around(self, snapshot: Snapshot, line: int, problem: Problem) -> None:
        """Take in the other files as if they were open, as the product does in a pause."""
        await self._completer.report()
        others = [Neighbour(other.path, other.text) for other in problem.others]
        await self._completer.surround(snapshot, line, others)
        await self._completer.idle()

    async def close(self) -> None:
        """Let go of the engine."""
        await self._completer.close()


class GeneratingProduct:
    """The product's own path of a generation as one who completes: a function, or a comment."""

    def __init__(self, client: EngineClient, settings: Settings) -> None:
        self._client = Unhurried(client)

    async def __call__(self, problem: Problem) -> Answer:
        """Return what would be written. Raises ModelError."""
        prefix, kind = problem.prefix, _KINDS[problem.extent]
        if kind == "comment":
            # What benchmarks put into a docstring at the top people put into a comment.
            words = prefix.strip().strip('"').strip("\n").split("\n")
            prefix = "".join(f"# {line}\n" for line in words)
        uri = f"evaluation:{problem.id}"
        snapshot = Snapshot.of(prefix + problem.suffix, uri, "python")
        place = len(prefix)
        self._client.asked = None
        started = time.monotonic()
        outcome = await generate(Ask(snapshot, kind, place, place), self._client, nothing_around)
        asked = self._client.asked
        return Answer(
            text=_in_hole(problem, outcome),
            said=outcome.text,
            prompt_bytes=sum(len(part.text.encode()) for part in asked.prompt) if asked else 0,
            filters=tuple(each.partition(":")[0] for each in outcome.problems),
            finish=outcome.finish,
            prompt_tokens=outcome.prompt_tokens,
            generated_tokens=outcome.generated_tokens,
            total_ms=(time.monotonic() - started) * 1000,
        )

    async def close(self) -> None:
        """Let go of the engine."""
        await self._client.close()


_KINDS: dict[str, GenerationKind] = {"body": "implement", "program": "comment"}


def _in_hole(problem: Problem, outcome: Outcome) -> str:
    """Return the edits as one text: what goes to the top of the file stands before the code."""
    imports = "".join(change.text for change in outcome.changes[1:]).split("\n")
    typed = problem.typed if not problem.typed.strip() else ""
    lines = [line for line in imports if line.strip()]
    return f"\n{typed}".join([*lines, outcome.text])


class Unhurried:
    """An engine whose speed is no reason to say less, and that keeps what it was asked last.

    The product makes windows smaller on a slow or busy machine. Scores must not depend on that.
    """

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self.asked: Request | None = None

    @property
    def life(self) -> int:
        """Which engine is asked next; see `EngineClient.life`."""
        return self._client.life

    async def report(self) -> Report:
        """Return what the engine is, with the speeds of a fast machine."""
        return replace(await self._client.report(), prompt_speed=FAST, generation_speed=FAST)

    async def tokenise(self, text: str) -> list[int]:
        """Return the token ids of `text`."""
        return await self._client.tokenise(text)

    async def generate(
        self, request: Request, stopped: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[Event, None]:
        """Yield what the engine does."""
        self.asked = request
        async with aclosing(self._client.generate(request, stopped)) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        """Let go of the engine."""
        await self._client.close()


async def _for_ever(seconds: float) -> None:
    await asyncio.Event().wait()
