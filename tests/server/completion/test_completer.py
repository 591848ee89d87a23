"""The path of a keystroke, with an engine that says what the test lets it say.

Long as the path itself is, and for its reason: one bench, and the steps in the order of a key.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from linewise_models.engine.contract import Event, Finish, Report, Request, Token, Urgency
from linewise_models.errors import EngineLost
from linewise_models.quotation import Definition
from linewise_server.completion.ask import Ask, Suggestion
from linewise_server.completion.completer import Completer
from linewise_server.completion.neighbours import Neighbour
from linewise_server.completion.outcome import Outcome
from linewise_server.protocol import Trace
from linewise_server.settings import Settings
from linewise_server.snapshot import Snapshot
from tests.server.completion.test_budget_and_rhythm import REPORT

FINISH = Finish("end", 20, 3, 17, 5, "", 10.0, 30.0)
SAID = dict[str, str]


class Engine:
    """Implements EngineClient: answers by the end of the prompt, a token a word, when let."""

    def __init__(self, says: SAID, report: Report = REPORT) -> None:
        self.says = says
        self.requests: list[Request] = []
        self.cancelled = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.fails: Exception | None = None
        self.finish = FINISH
        self.life = 0
        self.loads: Callable[[], None] = lambda: None
        self._report = report

    async def report(self) -> Report:
        self.loads()
        return self._report

    async def tokenise(self, text: str) -> list[int]:
        return [0] * len(text.split())

    async def close(self) -> None:
        self.go.set()

    async def generate(
        self, request: Request, stopped: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        self.begun.set()
        text = "".join(part.text for part in request.prompt)
        answer = next((said for end, said in self.says.items() if text.endswith(end)), "")
        finished = False
        try:
            if self.fails is not None:
                raise self.fails
            if request.max_tokens == 0:
                finished = True
                yield replace(FINISH, reason="length")
                return
            for character in answer:
                if stopped():
                    break
                yield Token(character, -0.1)
                await self.go.wait()
            finished = True
            yield self.finish
        finally:
            if not finished:
                self.cancelled += 1

    @property
    def asked(self) -> list[Request]:
        """The requests that a user waited for."""
        return [request for request in self.requests if request.urgency is not Urgency.IDLE]


class Bench:
    """A completer with its engine, its traces and a document."""

    def __init__(self, says: SAID, report: Report = REPORT, **settings: Any) -> None:
        self.engine = Engine(says, report)
        self.traces: list[Trace] = []
        self.answers: list[tuple[list[Suggestion], Outcome]] = []
        """What telemetry hears."""
        self.slept: list[float] = []
        self.now = 0.0
        chosen = Settings(**settings)
        self.completer = Completer(
            self.engine,
            lambda uri: chosen,
            self.traces.append,
            lambda: self.now,
            self._sleep,
            lambda ask, suggestions, outcome: self.answers.append((suggestions, outcome)),
        )
        self.patience = asyncio.Event()

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.patience.wait()

    def ask(self, picture: str, **options: Any) -> Ask:
        before, _, after = picture.partition("║")
        snapshot = Snapshot.of(before + after, "file:///a.py", "python")
        line, column = snapshot.place(len(before))
        return Ask(snapshot, line, column, **options)

    async def complete(self, picture: str, **options: Any) -> list[Suggestion]:
        found = await self.completer.complete(self.ask(picture, **options))
        await asyncio.sleep(0)
        return found

    async def texts(self, picture: str, **options: Any) -> list[str]:
        return [suggestion.text for suggestion in await self.complete(picture, **options)]


@pytest.fixture
async def bench() -> AsyncIterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def make(says: SAID, report: Report = REPORT, **settings: Any) -> Bench:
        benches.append(Bench(says, report, **settings))
        return benches[-1]

    yield make
    for each in benches:
        each.patience.set()
        await each.completer.close()
        # What is shown, traced and counted is said to come from the same.
        for suggestions, outcome in each.answers:
            assert {suggestion.origin for suggestion in suggestions} <= {outcome.origin}
        traced = Counter(trace.origin for trace in each.traces)
        assert traced == Counter(outcome.origin for _, outcome in each.answers)


Make = Callable[..., Bench]
MEAN = "def mean(xs):\n    return sum(xs) / len("


async def test_a_line_is_asked_filtered_and_placed(bench: Make) -> None:
    found = await bench({"len(": "xs)\n\n\ndef next"}).complete(MEAN + "║")
    assert [(s.text, s.start, s.end, s.origin) for s in found] == [("xs)", 25, 25, "model")]


async def test_what_was_shown_is_not_asked_again(bench: Make) -> None:
    table = bench({"len(": "xs) + total\n"})
    assert await table.texts(MEAN + "║") == ["xs) + total"]
    assert await table.texts(MEAN + "xs║") == [") + total"]
    assert await table.texts(MEAN + "║") == ["xs) + total"]
    assert len(table.engine.asked) == 1
    assert [trace.origin for trace in table.traces] == ["model", "typedThrough", "cache"]


async def test_typing_another_way_asks_again(bench: Make) -> None:
    table = bench({"len(": "xs)\n", "len(y": "s)\n"})
    await table.complete(MEAN + "║")
    assert await table.texts(MEAN + "y║") == ["s)"]
    assert len(table.engine.asked) == 2


async def test_a_key_that_agrees_joins_the_running_generation(bench: Make) -> None:
    table = bench({"len(": "xs) + total\n"})
    table.engine.go.clear()
    first = asyncio.create_task(table.complete(MEAN + "║"))
    await table.engine.begun.wait()
    second = asyncio.create_task(table.complete(MEAN + "xs║"))
    for _ in range(5):
        await asyncio.sleep(0)
    table.engine.go.set()
    assert [s.text for s in await second] == [") + total"]
    await first
    assert len(table.engine.asked) == 1
    await table.completer.settled()
    said = {trace.text: trace.origin for trace in table.traces}
    assert said == {"xs) + total\n": "model", ") + total\n": "joined"}


async def test_a_key_that_disagrees_ends_the_running_generation(bench: Make) -> None:
    table = bench({"len(": "xs) + total\n", "len(y": "s)\n"})
    table.engine.go.clear()
    first = asyncio.create_task(table.complete(MEAN + "║"))
    await table.engine.begun.wait()
    await asyncio.sleep(0)
    ask = table.ask(MEAN + "y║")
    table.completer.changed(ask.snapshot, ask.line, ask.column)
    await first
    assert table.engine.cancelled == 1
    table.engine.go.set()
    assert await table.texts(MEAN + "y║") == ["s)"]


async def test_a_cancelled_request_ends_its_generation_after_a_moment(bench: Make) -> None:
    table = bench({"len(": "xs) + total\n"})
    table.engine.go.clear()
    task = asyncio.create_task(table.complete(MEAN + "║"))
    await table.engine.begun.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert table.engine.cancelled == 0
    table.patience.set()
    await table.completer.settled()
    assert table.engine.cancelled == 1


async def test_a_pause_is_used_to_think_ahead(bench: Make) -> None:
    table = bench({"len(": "xs)\n", "len(xs)": "\n\n\ndef variance(xs):\n"})
    await table.complete(MEAN + "║")
    table.patience.set()
    await table.completer.idle()
    assert table.engine.requests[-1].urgency is Urgency.IDLE
    count = len(table.engine.requests)
    assert await table.texts(MEAN + "xs)\n\n\n║") == ["def variance(xs):"]
    assert len(table.engine.requests) == count
    assert table.traces[-1].origin == "speculation"


@pytest.mark.parametrize(("key", "thoughts"), [("x", 1), ("y", 0)])
async def test_only_a_key_that_leads_elsewhere_ends_thinking_ahead(
    bench: Make, key: str, thoughts: int
) -> None:
    table = bench({"len(": "xs)\n"})
    await table.complete(MEAN + "║")
    ask = table.ask(MEAN + key + "║")
    table.completer.changed(ask.snapshot, ask.line, ask.column)
    table.patience.set()
    await table.completer.idle()
    assert len(table.engine.requests) == 1 + thoughts


async def test_keys_that_spell_the_suggestion_think_ahead_once(bench: Make) -> None:
    table = bench({"len(": "xs)\n", "len(xs)": "\n\n\ndef variance(xs):\n"})
    for typed in ("", "x", "xs"):
        await table.complete(MEAN + typed + "║")
    table.patience.set()
    await table.completer.idle()
    assert [request.urgency for request in table.engine.requests[1:]] == [Urgency.IDLE]


async def test_an_acceptance_joins_what_is_being_thought_ahead(bench: Make) -> None:
    table = bench({"len(": "xs)\n", "len(xs)": "\n    # of all\n"})
    await table.complete(MEAN + "║")
    table.engine.go.clear()
    table.engine.begun.clear()
    table.patience.set()
    await table.engine.begun.wait()
    answer = asyncio.ensure_future(table.texts(MEAN + "xs)║"))
    await asyncio.sleep(0)
    table.engine.go.set()
    assert await answer == ["\n    # of all"]
    assert len(table.engine.asked) == 1
    assert table.traces[-1].origin == "joined"


async def test_a_complete_line_is_followed_by_the_next(bench: Make) -> None:
    table = bench({"m = mean(xs)": "\n    return m\n"})
    head = "def variance(xs):\n    m = mean(xs)"
    assert await table.texts(head + "║") == ["\n    return m"]
    assert await table.texts(head + "\n    ║") == ["return m"]
    assert len(table.engine.asked) == 1
    assert table.traces[-1].origin == "prefetch"


async def test_unsure_answers_are_shown_only_when_asked_for(bench: Make) -> None:
    table = bench({"len(": "xs)\n"})

    async def doubt(request: Request, stopped: Any = None) -> AsyncGenerator[Event, None]:
        yield Token("xs)", -4.0)
        yield Token("\n", -4.0)
        yield FINISH

    table.engine.generate = doubt  # type: ignore[method-assign]
    assert await table.texts(MEAN + "║") == []
    assert await table.texts(MEAN + "║", invoked=True) == ["xs)"]
    assert "confidence" in table.traces[0].filters


async def test_the_suggest_widget_is_honoured(bench: Make) -> None:
    table = bench({"os.path.join": "(root, name)\n"})
    found = await table.complete("os.path.jo║", selected="join", selected_from=8)
    assert [(s.text, s.start, s.end) for s in found] == [("join(root, name)", 8, 10)]


async def test_candidates_are_several_and_differ(bench: Make) -> None:
    table = bench({})

    async def three(request: Request, stopped: Any = None) -> AsyncGenerator[Event, None]:
        assert request.candidates == 3
        for number, text in enumerate(("xs)", "xs) or 1", "xs)")):
            yield Token(text, -0.1, number)
        yield FINISH

    table.engine.generate = three  # type: ignore[method-assign]
    assert await table.texts(MEAN + "║", invoked=True, candidates=3) == ["xs)", "xs) or 1"]


async def test_nothing_is_asked_inside_a_word(bench: Make) -> None:
    table = bench({"le": "n"})
    assert await table.texts("return le║ngth") == []
    assert table.engine.requests == []


async def test_a_cold_document_is_answered_from_near_and_warmed(bench: Make) -> None:
    slow = replace(REPORT, prompt_speed=100.0)
    table = bench({"len(": "xs)\n"}, slow)
    head = "".join(f"value_{number} = {number}\n" for number in range(60))
    await table.complete(head + MEAN + "║")
    await table.completer.settled()
    near, warm = table.engine.requests[0], table.engine.requests[1]
    assert near.session.endswith("#near")
    assert (warm.session, warm.max_tokens, warm.urgency) == ("file:///a.py", 0, Urgency.IDLE)
    assert await table.texts(head + MEAN + "y║") == []
    assert table.engine.asked[-1].session == "file:///a.py"


def cold(bench: Make) -> tuple[Bench, str]:
    """Return a bench of a slow engine, and a document too long for it; its window is warm."""
    head = "".join(f"value_{number} = {number}\n" for number in range(40))
    return bench({"len(": "xs)\n"}, replace(REPORT, prompt_speed=100.0)), head + MEAN


async def asked_session(table: Bench, picture: str) -> str:
    await table.complete(picture)
    await table.completer.settled()
    return table.engine.asked[-1].session.partition("#")[2]


async def test_an_engine_that_left_has_an_empty_cache(bench: Make) -> None:
    table, head = cold(bench)
    assert await asked_session(table, head + "║") == "near"
    assert await asked_session(table, head + "y║") == ""
    table.engine.life += 1
    assert await asked_session(table, head + "z║") == "near"
    assert await asked_session(table, head + "za║") == ""


async def test_what_was_accepted_is_in_the_cache(bench: Make) -> None:
    table, head = cold(bench)
    long = "xs) + " + " + ".join(f"weight_{number}" for number in range(16))
    table.engine.says = {"len(x": long[1:] + "\n"}
    assert await asked_session(table, head + "║") == "near"
    assert await table.texts(head + "x║") == [long[1:]]
    await table.completer.settled()
    assert await asked_session(table, head + long + "\n    y║") == ""


async def test_what_the_engine_says_of_its_cache_is_believed(bench: Make) -> None:
    table, head = cold(bench)
    await table.complete(head + "║")
    await table.completer.settled()
    # Another window took the sequence meanwhile, and the time was over before it was built again.
    table.engine.finish = Finish("deadline", 280, 64, 0, 0, "", 0.0, 300.0)
    assert await asked_session(table, head + "y║") == ""
    warmed = table.engine.requests[-1]
    assert (warmed.session, warmed.max_tokens) == ("file:///a.py", 0)
    table.engine.finish = FINISH
    assert await asked_session(table, head + "ya║") == ""


async def test_a_document_that_others_drove_out_of_the_cache_is_cold(bench: Make) -> None:
    table, head = cold(bench)
    assert await asked_session(table, head + "║") == "near"
    for number in range(REPORT.sessions):
        other = Snapshot.of("x = ", f"file:///{number}.py", "python")
        await table.completer.complete(Ask(other, 0, 4))
        await table.completer.settled()
    assert await asked_session(table, head + "y║") == "near"


@pytest.mark.parametrize(
    ("key", "asked", "invoked", "left"),
    [
        (None, 5.0, False, 300.0),
        (5.0, 5.06, False, 240.0),
        (5.0, 5.06, True, 3000.0),
        # A request so long after a key is not the key's.
        (5.0, 6.0, False, 300.0),
    ],
)
async def test_the_budget_counts_from_the_key(
    bench: Make, key: float | None, asked: float, invoked: bool, left: float
) -> None:
    table = bench({"len(": "xs)\n"})
    await table.completer.report()
    if key is not None:
        table.now = key
        ask = table.ask(MEAN + "║")
        table.completer.changed(ask.snapshot, ask.line, ask.column)
    table.now = asked
    await table.complete(MEAN + "║", invoked=invoked)
    assert table.engine.asked[-1].deadline_ms == pytest.approx(left)


async def test_waiting_for_another_key_is_within_the_budget(bench: Make) -> None:
    table = bench({"len(": "xs)\n"})
    for number in range(4):
        # Answers of 0.2 s between keys of 0.08 s: the next key comes first.
        table.now = number * 0.08
        ask = table.ask(MEAN + "║")
        table.completer.changed(ask.snapshot, ask.line, ask.column)
    table.completer._rhythm.answered(0.2)

    async def slept(seconds: float) -> None:
        table.now += seconds

    table.completer._sleep = slept
    await table.complete(MEAN + "║")
    assert table.engine.asked[-1].deadline_ms == pytest.approx(220.0)


async def test_loading_the_model_is_not_within_the_budget(bench: Make) -> None:
    table = bench({"len(": "xs)\n"})

    def load() -> None:
        table.now += 2.0
        table.engine.loads = lambda: None

    table.engine.loads = load
    assert await table.texts(MEAN + "║") == ["xs)"]
    assert table.engine.asked[-1].deadline_ms == pytest.approx(300.0)


async def test_who_joins_does_not_lose_his_answer_to_the_earlier_deadline(bench: Make) -> None:
    table = bench({"len(": "", "len(x": "s)\n"})
    late = asyncio.Event()

    async def nothing(request: Request, stopped: Any = None) -> AsyncGenerator[Event, None]:
        table.engine.requests.append(request)
        table.engine.begun.set()
        del table.engine.generate
        await late.wait()
        yield Finish("deadline", 20, 10, 0, 0, "", 300.0, 300.0)

    table.engine.generate = nothing  # type: ignore[method-assign]
    first = asyncio.create_task(table.texts(MEAN + "║"))
    await table.engine.begun.wait()
    second = asyncio.create_task(table.texts(MEAN + "x║"))
    await asyncio.sleep(0)
    late.set()
    assert list(await asyncio.gather(first, second)) == [[], ["s)"]]


async def test_what_other_files_say_is_warmed_and_stands_first(bench: Make) -> None:
    table = bench({"area(": "side)\n"})
    ask = table.ask("print(area(║")
    shapes = Neighbour("shapes.py", "def area(side):\n    return side ** 2\n")
    # Nothing is started for it.
    await table.completer.surround(ask.snapshot, ask.line, [shapes])
    assert table.engine.requests == []
    await table.complete("print(area(║")
    await table.completer.surround(ask.snapshot, ask.line, [shapes])
    await table.completer.settled()
    warm = table.engine.requests[-1]
    assert (warm.max_tokens, warm.urgency) == (0, Urgency.IDLE)
    assert warm.prompt[0].text.startswith("# shapes.py\n# def area(side):\n")
    # The same again, or nothing to say, leaves the prompt alone.
    for neighbours in ([shapes], []):
        await table.completer.surround(ask.snapshot, ask.line, neighbours)
    await table.completer.settled()
    assert table.engine.requests[-1] is warm
    assert await table.texts("total = area(║") == ["side)"]
    assert table.engine.asked[-1].prompt[0] == warm.prompt[0]


async def test_samples_are_warmed_after_what_other_files_say(bench: Make) -> None:
    table = bench({"area(": "side)\n"})
    await table.complete("print(area(║")
    ask = table.ask("print(area(║")
    shapes = Neighbour("shapes.py", "def area(side): ...\n")
    sample = Definition("Click: Echo", "click.echo(area(2))")
    await table.completer.surround(ask.snapshot, ask.line, [shapes], [sample])
    await table.completer.settled()
    warm = table.engine.requests[-1]
    assert (warm.max_tokens, warm.urgency) == (0, Urgency.IDLE)
    assert warm.prompt[0].text == (
        "# shapes.py\n# def area(side): ...\n\n# Click: Echo\n# click.echo(area(2))\n\n"
    )
    await table.complete("total = area(║")
    assert table.engine.asked[-1].prompt[0] == warm.prompt[0]


async def test_a_lost_engine_is_an_error_and_the_next_request_starts_afresh(bench: Make) -> None:
    table = bench({"len(": "xs)\n"})
    table.engine.fails = EngineLost("gone")
    with pytest.raises(EngineLost):
        await table.complete(MEAN + "║")
    table.engine.fails = None
    assert await table.texts(MEAN + "║") == ["xs)"]


async def test_what_is_being_said_when_a_document_is_forgotten_is_not_remembered(
    bench: Make,
) -> None:
    made = bench({"x = ": "before"})
    made.engine.go.clear()
    under_way = asyncio.create_task(made.complete("x = ║"))
    await made.engine.begun.wait()
    made.completer.forget("file:///a.py")
    made.engine.go.set()
    assert [suggestion.text for suggestion in await under_way] == ["before"]
    made.engine.says["x = "] = "after"
    assert await made.texts("x = ║") == ["after"]


async def test_traces_carry_the_cost(bench: Make) -> None:
    table = bench({"len(": "xs)\n"})
    await table.complete(MEAN + "║")
    await table.completer.settled()
    (trace,) = table.traces
    assert (trace.origin, trace.prompt_tokens, trace.evaluated_tokens, trace.reused_tokens) == (
        "model",
        20,
        3,
        17,
    )


async def test_the_plan_can_be_looked_at(bench: Make) -> None:
    table = bench({})
    plan, budget, shape = await table.completer.plan(table.ask(MEAN + "║", invoked=True))
    assert plan.text.endswith("len(")
    assert budget.output > 0
    assert shape == "line"
    assert table.engine.requests == []
