"""From a place to an explanation on a scripted engine: what is asked, what comes, what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linewise_models.engine.contract import Event, Finish, Report, Request, Urgency
from linewise_models.engine.scripted import ScriptedEngine
from linewise_models.errors import EngineError
from linewise_server.completion.ask import Ask
from linewise_server.completion.completer import Completer
from linewise_server.completion.neighbours import Neighbour
from linewise_server.explain.explainer import SESSION, Step, explain
from linewise_server.explain.explanation import Explanation
from linewise_server.settings import Settings
from linewise_server.snapshot import Snapshot
from tests.scripts import write_script

MEAN = "import os\n\n\ndef mean(xs):\n    total = sum(xs)\n    return ║\n"
RULE = {"after": "return ?", "text": "total / len(xs)\n\n\ndef next"}


class InProcess:
    """Implements EngineClient on an engine of this process, and notes what it is asked."""

    life = 0

    def __init__(self, engine: ScriptedEngine) -> None:
        self._engine = engine
        self.requests: list[Request] = []
        self.gives_way = 0
        """How many scoring requests give way to somebody else's."""
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.let_go = 0

    async def report(self) -> Report:
        return self._engine.report()

    async def tokenise(self, text: str) -> list[int]:
        return self._engine.tokenise(text)

    async def close(self) -> None:
        self._engine.close()

    async def generate(
        self, request: Request, stopped: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        finished = False
        try:
            for event in self._engine.generate(request, stopped):
                if request.forced:
                    self.begun.set()
                    await self.go.wait()
                if request.forced and self.gives_way and isinstance(event, Finish):
                    self.gives_way -= 1
                    event = replace(event, reason="superseded")
                finished = isinstance(event, Finish)
                yield event
        finally:
            self.let_go += not finished


class Bench:
    """A completer on a script, and what explaining with it told."""

    def __init__(self, path: Path) -> None:
        self.client = InProcess(ScriptedEngine(path))
        self.completer = Completer(self.client, lambda uri: Settings())
        self.steps: list[Step] = []

    def ask(self, picture: str) -> Ask:
        before, _, after = picture.partition("║")
        snapshot = Snapshot.of(before + after, "file:///w/a.py", "python")
        return Ask(snapshot, *snapshot.place(len(before)), invoked=True)

    async def explain(self, picture: str = MEAN, most: int = 24) -> Explanation | None:
        ticks = iter(range(10_000))
        return await explain(
            self.ask(picture), self.completer, most, self.steps.append, lambda: next(ticks)
        )

    async def explained(self, picture: str = MEAN, most: int = 24) -> Explanation:
        found = await self.explain(picture, most)
        assert found is not None
        return found


Make = Callable[..., Bench]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Make]:
    benches: list[Bench] = []

    def make(*rules: dict[str, Any], **facts: Any) -> Bench:
        benches.append(Bench(write_script(tmp_path / "model", *(rules or (RULE,)), **facts)))
        return benches[-1]

    yield make
    for each in benches:
        await each.completer.close()


def falls(found: Explanation) -> dict[str, float]:
    return {lean.group.text.strip(): round(lean.fall, 6) for lean in found.leans}


async def test_the_line_that_it_leans_on_is_found(bench: Make) -> None:
    found = await bench(leans={"total": 2.0, "mean": 0.5}).explained()
    # total, a space, /, a space, len, (, xs, ) are eight tokens of the scripted engine.
    assert len(found.tokens) == 8
    assert falls(found) == {
        "import os": 0.0,
        "def mean(xs):": 8 * 0.5,
        "total = sum(xs)": 8 * 2.0,
    }
    assert [found.lines_of(lean) for lean in found.leans] == [(0, 2), (3, 3), (4, 4)]


@pytest.mark.parametrize(
    ("fim", "picture", "lines"),
    [
        ("psm", MEAN + "\n\nprint(mean([1]))\n", (6, 8)),
        ("spm", MEAN + "\n\nprint(mean([1]))\n", (6, 8)),
        # What stands right of the cursor is the beginning of what follows it.
        ("psm", MEAN.rstrip("\n") + ", mean([1])\nx = 1\n", (5, 5)),
    ],
)
async def test_what_follows_the_cursor_and_what_other_files_say_count_too(
    bench: Make, fim: str, picture: str, lines: tuple[int, int]
) -> None:
    table = bench(fim=fim, leans={"mean([1])": 1.0, "def sum": 2.0})
    ask = table.ask(picture)
    await table.completer.report()
    neighbours = [Neighbour("b.py", "def sum(values):\n    return 0\n")]
    await table.completer.surround(ask.snapshot, ask.line - 1, neighbours)
    await table.completer.idle()
    found = await table.explained(picture)
    leaned = [(lean.group.part, found.lines_of(lean)) for lean in found.leans if lean.fall]
    assert sorted(leaned, key=str) == [("context", None), ("suffix", lines)]
    assert {"prefix", "suffix"} <= {part.name for part in found.parts if part.mark}


async def test_what_is_shown_is_explained_and_what_filters_did_is_told(bench: Make) -> None:
    found = await bench().explained()
    assert (found.raw[:15], found.text, found.dropped) == (
        "total / len(xs)",
        "total / len(xs)",
        False,
    )
    (action,) = found.actions
    assert (action.name, action.after) == ("line_end", "total / len(xs)")
    assert action.purpose == "Cut at the end of the first line with something on it."
    assert "".join(token.text for token in found.tokens) == found.text
    assert found.confidence == pytest.approx(-0.1)
    assert [(part.name, part.kept) for part in found.parts] == [("lines", True), ("line", False)]
    assert found.parts[1].tokens == 3


async def test_what_filters_drop_is_explained_all_the_same(bench: Make) -> None:
    found = await bench({"after": "return ?", "text": "total = sum(xs)\n"}).explained()
    assert found.dropped
    assert found.text == found.raw
    assert found.actions[-1].after is None


async def test_what_was_shown_at_the_cursor_is_not_asked_again(bench: Make) -> None:
    table = bench()
    await table.completer.complete(replace(table.ask(MEAN), invoked=False))
    await table.completer.idle()
    before = len(table.client.requests)
    found = await table.explained(MEAN.replace("║", "total║"))
    assert found.text == " / len(xs)"
    assert all(request.forced for request in table.client.requests[before:])


async def test_its_requests_go_last_and_in_a_session_of_their_own(bench: Make) -> None:
    table = bench()
    await table.explained()
    asked, *scored = table.client.requests
    assert (asked.urgency, asked.forced, asked.deadline_ms) == (Urgency.INVOKED, "", None)
    assert {request.urgency for request in scored} == {Urgency.IDLE}
    assert {r.session for r in table.client.requests} == {"file:///w/a.py" + SESSION}
    assert {request.forced for request in scored} == {"total / len(xs)"}


async def test_the_cost_is_told_first_and_kept(bench: Make) -> None:
    table = bench()
    many = "".join(f"x{n} = {n}\n" for n in range(60))
    found = await table.explained(many + MEAN, most=9)
    assert (table.steps[0].done, table.steps[0].most) == (0, 9)
    assert table.steps[0].prompt_tokens > 0
    assert table.steps[0].seconds == pytest.approx(9 * table.steps[0].prompt_tokens / 2 / 1000)
    assert [step.done for step in table.steps] == list(range(10))
    assert table.steps[-1].seconds == 0
    assert found.cost.requests == 9 == len([r for r in table.client.requests if r.forced]) - 1
    assert found.cost.tokens > found.cost.requests
    # Whatever was halved, the groups are the whole context, each line once.
    lines = next(part.text for part in found.parts if part.name == "lines")
    assert "".join(lean.group.text for lean in found.leans) == lines


async def test_the_requests_go_where_something_is_found(bench: Make) -> None:
    many = "".join(f"x{n} = {n}\n" for n in range(40))
    found = await bench(leans={"x17 = 17": 3.0}).explained(many + MEAN, most=24)
    strongest = max(found.leans, key=lambda lean: lean.fall)
    assert strongest.group.text == "x17 = 17\n"
    assert sum(len(lean.group.units) for lean in found.leans) == 43


async def test_a_request_that_gave_way_is_sent_again(bench: Make) -> None:
    table = bench(leans={"total": 2.0})
    table.client.gives_way = 3
    found = await table.explained()
    assert falls(found)["total = sum(xs)"] == 16.0
    assert len(found.tokens) == 8
    assert found.cost.requests == 3


async def test_cancelling_ends_the_work_in_the_engine(bench: Make) -> None:
    table = bench()
    table.client.go.clear()
    task = asyncio.create_task(table.explain())
    await table.client.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert table.client.let_go == 1


@pytest.mark.parametrize("picture", ["x = 1  # so it is║ here", MEAN])
async def test_where_nothing_is_said_there_is_nothing_to_explain(bench: Make, picture: str) -> None:
    assert await bench({"after": "nowhere", "text": ""}).explain(picture) is None


async def test_an_engine_that_fails_says_so(bench: Make) -> None:
    with pytest.raises(EngineError, match="no memory"):
        await bench({"after": "return ?", "fail": "no memory"}).explain()
