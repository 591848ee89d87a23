"""What of a completion's APIs is inferred, and when: in pauses, of what is read, where allowed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from linewise_server.apidocs.link import Link, Resolution
from linewise_server.apidocs.source import Source, Span
from linewise_server.apidocs.usage import Usage
from linewise_server.completion.ask import Ask, Suggestion
from linewise_server.lsp.api_uses import ApiUses
from linewise_server.snapshot import Snapshot
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Shelf
from linewise_telemetry.client.completions import Answered, Completions
from tests.catalogues import document, subscribe

CANARY = "zebra_quartz_canary"
BEFORE = f"import toy\n{CANARY} = toy.Box()\n"


@pytest.fixture
async def holding(tmp_path: Path) -> Holding:
    content = document("toy", ("toy.Box", "toy.Box.open"))
    made = Holding(await subscribe(tmp_path / "catalogues", content))
    made.current()
    return made


@dataclass
class Scene:
    """Completions of a document, with a pause and a resolver that the test commands."""

    holding: Holding
    allowed: bool = True
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    late: int = 0
    """How many of the first answers come too late."""
    pause: asyncio.Event = field(default_factory=asyncio.Event)
    waits: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.completions = Completions(self.record, lambda: None)
        self.uses = ApiUses(
            Usage(self.record, self.holding),
            self.completions,
            lambda: self.allowed,
            self.quiet,
            self.resolve,
        )

    def record(self, name: str, **values: Any) -> None:
        self.events.append((name, values))

    async def quiet(self) -> None:
        self.waits.set()
        await self.pause.wait()

    async def resolve(self, source: Source, offset: int) -> Resolution:
        self.asked.append(source.text[:offset].splitlines()[-1] + "…")
        if len(self.asked) <= self.late:
            return Resolution("open", "name", None, Span(0, 1), None, "late")
        link = Link("toy", "toy.Box.open", "https://toy.example/", "Toy", exact=True)
        return Resolution("toy.Box.open", "function", "toy", Span(0, 1), link, None)

    async def suggest(self, identity: str, text: str) -> asyncio.Task[None]:
        """Suggest a text at the end of the document, up to where inference waits for a pause."""
        ask = Ask(Snapshot.of(BEFORE, "file:///a.py", "python"), 2, 0)
        suggestion = Suggestion(identity, text, 0, 0, "model", -0.1)
        self.completions.answer(
            Answered(identity, "python", "automatic", "produced", "model", 1, 1, 1, text, ()), 0.0
        )
        task = asyncio.create_task(self.find(ask, suggestion))
        self.waits.clear()
        waits = asyncio.create_task(self.waits.wait())
        await asyncio.wait([task, waits], return_when=asyncio.FIRST_COMPLETED)
        waits.cancel()
        return task

    async def find(self, ask: Ask, suggestion: Suggestion) -> None:
        if self.uses.concerns(suggestion):
            await self.uses.find(ask, suggestion)

    def used(self) -> list[tuple[str, str, bool]]:
        return [
            (values["symbol"], values["end"], values["read"])
            for name, values in self.events
            if name == "completion.api_used"
        ]


OPEN = f"{CANARY}.open({CANARY})\n"


@pytest.mark.parametrize("end", ["accepted", "rejected"])
async def test_a_method_on_a_variable_is_found_in_the_pause_after_the_end(
    holding: Holding, end: str
) -> None:
    scene = Scene(holding)
    task = await scene.suggest("c", OPEN)
    if end == "accepted":
        scene.completions.accept("c", "file:///a.py", None, 1.0)
    else:
        scene.completions.dismiss("c", end, 1000.0, 1.0)
    assert (scene.asked, scene.used()) == ([], [])
    scene.pause.set()
    await task
    assert scene.asked == [f"{CANARY}.…"]
    assert scene.used() == [("toy.Box.open", end, True)]
    assert CANARY not in repr(scene.events)


@pytest.mark.parametrize(("late", "asked", "used"), [(1, 2, 1), (4, 4, 0)])
async def test_what_came_too_late_is_asked_a_few_times(
    holding: Holding, late: int, asked: int, used: int
) -> None:
    scene = Scene(holding, late=late)
    scene.pause.set()
    await (await scene.suggest("c", OPEN))
    scene.completions.accept("c", "file:///a.py", None, 1.0)
    assert (len(scene.asked), len(scene.used())) == (asked, used)


async def test_what_the_text_says_waits_for_no_pause_and_is_not_inferred(holding: Holding) -> None:
    scene = Scene(holding)
    await (await scene.suggest("c", "toy.Box.open(x)\n"))
    scene.completions.accept("c", "file:///a.py", None, 1.0)
    assert (scene.asked, scene.used()) == ([], [("toy.Box.open", "accepted", True)])


async def test_what_flew_by_unread_is_not_inferred(holding: Holding) -> None:
    scene = Scene(holding)
    first = await scene.suggest("c", OPEN)
    scene.completions.dismiss("c", "superseded", 100.0, 0.1)
    second = await scene.suggest("d", OPEN)
    assert second.done()
    scene.pause.set()
    await first
    scene.completions.accept("d", "file:///a.py", None, 1.0)
    assert (len(scene.asked), scene.used()) == (1, [("toy.Box.open", "accepted", True)])


async def test_of_many_that_wait_the_newest_are_inferred(holding: Holding) -> None:
    scene = Scene(holding)
    tasks = [await scene.suggest(f"c{number}", OPEN) for number in range(12)]
    scene.pause.set()
    await asyncio.gather(*tasks)
    assert len(scene.asked) == 8


async def test_nothing_is_looked_for_where_nothing_may_be_recorded(holding: Holding) -> None:
    scene = Scene(holding, allowed=False)
    scene.pause.set()
    await (await scene.suggest("c", OPEN))
    assert scene.asked == []


async def test_a_no_counts_at_once(holding: Holding) -> None:
    scene = Scene(holding)
    task = await scene.suggest("c", OPEN)
    scene.allowed = False
    scene.pause.set()
    await task
    assert scene.asked == []


async def test_without_a_catalogue_nothing_is_looked_for(tmp_path: Path) -> None:
    scene = Scene(Holding(Shelf(tmp_path / "none")))
    scene.pause.set()
    await (await scene.suggest("c", OPEN))
    assert scene.asked == []
