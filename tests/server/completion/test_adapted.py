"""A document's adapter is in its requests; one that cannot be applied costs only itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import pytest

from linewise_models.engine.contract import Event, Finish, Part, Report, Request, Token
from linewise_models.errors import AdapterError, EngineError, EngineLost, ModelError
from linewise_server.completion.adapted import AdaptedClient, Adapters
from tests.server.completion.test_budget_and_rhythm import REPORT

FINISH = Finish("end", 20, 3, 17, 5, "", 10.0, 30.0)
DROPPED = Finish("superseded", 0, 0, 0, 0, "", 0.0, 0.0)
URI, PATH = "file:///a.py", "/adapters/a.gguf"


class Engine:
    """Implements EngineClient: says which adapter it was asked to apply, or fails with it."""

    life = 0

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.fails: ModelError | None = None
        self.after: tuple[Event, ...] = ()
        """What it gives before it fails."""
        self.last: Finish = FINISH

    async def report(self) -> Report:
        return REPORT

    async def tokenise(self, text: str) -> list[int]:
        return []

    async def close(self) -> None:
        """Hold nothing."""

    async def generate(
        self, request: Request, stopped: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[Event, None]:
        self.asked.append(request.adapter)
        if self.fails is not None and request.adapter is not None:
            for event in self.after:
                yield event
            raise self.fails
        yield self.last


class Bench:
    """An adapted client of that engine."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.told: list[str] = []
        self.adapters = Adapters(self.told.append)
        self.client = AdaptedClient(self.engine, self.adapters)
        self.adapters.choose(URI, PATH)

    async def ask(self, session: str = URI) -> list[Event]:
        request = Request(session, (Part("line", "x"),), max_tokens=1)
        return [event async for event in self.client.generate(request)]


@pytest.mark.parametrize(
    ("session", "expected"),
    [(URI, PATH), (f"{URI}#near", PATH), ("file:///b.py", None), ("generation:a", None)],
)
async def test_a_document_takes_its_own_adapter(session: str, expected: str | None) -> None:
    bench = Bench()
    await bench.ask(session)
    assert bench.engine.asked == [expected]


def test_a_choice_says_whether_it_changes_anything() -> None:
    adapters = Adapters(lambda message: None)
    choices = [(PATH, True), (PATH, False), ("/b", True), (None, True), (None, False)]
    assert [adapters.choose(URI, path) for path, _ in choices] == [new for _, new in choices]
    assert adapters.of(URI) is None


@pytest.mark.parametrize("error", [AdapterError("It does not fit."), EngineLost("It died.")])
async def test_one_that_cannot_be_applied_is_told_of_and_left_out(error: ModelError) -> None:
    bench = Bench()
    bench.engine.fails = error
    assert await bench.ask() == [FINISH]
    assert await bench.ask() == [FINISH]
    assert bench.engine.asked == [PATH, None, None]
    assert bench.told == [f"{error} Completions go on without this adapter."]


async def test_an_engine_that_dies_later_did_not_die_of_it() -> None:
    bench = Bench()
    await bench.ask()
    bench.engine.fails = EngineLost("It was killed.")
    with pytest.raises(EngineLost):
        await bench.ask()
    bench.engine.fails = None
    await bench.ask()
    assert bench.engine.asked == [PATH, PATH, PATH]
    assert bench.told == []


async def test_a_request_that_was_dropped_proves_nothing() -> None:
    bench = Bench()
    bench.engine.last = DROPPED
    await bench.ask()
    bench.engine.fails, bench.engine.last = EngineLost("It died."), FINISH
    assert await bench.ask() == [FINISH]
    assert bench.engine.asked == [PATH, PATH, None]


async def test_what_was_said_is_not_said_twice() -> None:
    bench = Bench()
    bench.engine.fails = AdapterError("It computes what is no number.")
    bench.engine.after = (Token("a", -0.1),)
    with pytest.raises(AdapterError):
        await bench.ask()
    assert await bench.ask() == [FINISH]
    assert bench.engine.asked == [PATH, None]


async def test_what_is_not_the_adapters_fault_is_passed_on() -> None:
    bench = Bench()
    bench.engine.fails = EngineError("The prompt is too long.")
    with pytest.raises(EngineError):
        await bench.ask()
    assert bench.told == []
