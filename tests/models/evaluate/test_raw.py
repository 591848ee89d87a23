"""What a bare engine is asked, and where its answer ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

import pytest

from linewise_models.engine.contract import EngineClient, Event, FimOrder, Report, Request
from linewise_models.evaluate.problem import Problem
from linewise_models.evaluate.raw import SPARE, Raw
from tests.models.evaluate.conftest import Say

PROBLEM = Problem("p", "g", "def f(x):\n    ", "\n", "return x", "line")


class Listener:
    """An engine client that keeps what passes through it, with another context size."""

    life = 0

    def __init__(self, client: EngineClient, context: int = 2048) -> None:
        self._client = client
        self._context = context
        self.asked: list[Request] = []

    async def report(self) -> Report:
        return replace(await self._client.report(), context=self._context)

    async def tokenise(self, text: str) -> list[int]:
        return await self._client.tokenise(text)

    async def generate(
        self, request: Request, stopped: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[Event, None]:
        self.asked.append(request)
        async for event in self._client.generate(request, stopped):
            yield event

    async def close(self) -> None:
        await self._client.close()


def shown(request: Request) -> str:
    return "".join(f"<{part.mark}>" if part.mark else part.text for part in request.prompt)


async def test_it_stops_where_the_answer_is_whole(say: Say) -> None:
    engine = Listener(say({"after": "    ", "text": "return x\n    print(x)\n" * 20}))
    answer = await Raw(engine)(PROBLEM)
    assert (answer.text, answer.finish) == ("return x", "stop")
    assert answer.said.startswith("return x\n")
    assert 0 < answer.generated_tokens < 12 * 20
    assert answer.prompt_bytes == len("def f(x):\n    ")
    [request] = engine.asked
    assert (request.heal, request.must_speak, request.temperature) == (True, True, 0.0)


async def test_an_answer_without_end_is_cut_by_length(say: Say) -> None:
    answer = await Raw(say({"after": "", "text": "x " * 500}))(PROBLEM)
    assert (answer.finish, len(answer.said.split())) == ("length", 32)


@pytest.mark.parametrize(
    ("fim", "options", "prompt"),
    [
        ("none", {}, "def f(x):\n    "),
        ("spm", {}, "<suffix>\n<prefix>def f(x):\n    "),
        ("psm", {}, "<prefix>def f(x):\n<suffix>\n<middle>    "),
        ("psm", {"heal": False}, "<prefix>def f(x):\n    <suffix>\n<middle>"),
        ("psm", {"fim": False}, "def f(x):\n    "),
    ],
)
async def test_the_prompt_is_in_the_models_format(
    say: Say, fim: FimOrder, options: dict[str, bool], prompt: str
) -> None:
    engine = Listener(say({"after": "", "text": "x\n"}, fim=fim))
    await Raw(engine, **options)(PROBLEM)
    assert shown(engine.asked[0]) == prompt
    assert engine.asked[0].must_speak is ("<" not in prompt)


async def test_a_long_prompt_is_cut_to_what_the_context_holds(say: Say) -> None:
    lines = "".join(f"line{number} = {number}\n" for number in range(200))
    room = 264
    engine = Listener(say({"after": "", "text": "x\n"}, fim="spm"), room)
    problem = replace(
        PROBLEM, prefix=lines + "here = ", suffix=f"\n{lines}", context="# other\n# more\n" * 99
    )
    await Raw(engine)(problem)
    suffix, before = (part.text for part in engine.asked[0].prompt if not part.mark)
    assert problem.suffix.startswith(suffix)
    context, _, prefix = before.partition("line")
    assert problem.context.startswith(context)
    assert context.endswith(("# more\n", "# other\n"))
    assert problem.prefix.endswith("line" + prefix)
    sizes = [len(await engine.tokenise(text)) for text in (suffix, context, "line" + prefix)]
    assert all(size > 20 for size in sizes)
    assert sum(sizes) <= room - 64 - SPARE


async def test_one_line_longer_than_the_context_is_cut_inside(say: Say) -> None:
    engine = Listener(say({"after": "", "text": "x\n"}), 100)
    await Raw(engine)(replace(PROBLEM, prefix="word " * 500))
    assert 2 <= len(await engine.tokenise(shown(engine.asked[0]))) <= 100 - 64 - SPARE
