"""A bare engine as one who completes: the whole prefix, no filters, no budgets.

In: a problem. Out: the model's text, ended where the problem's extent says. It shows what the
product adds, and is what published figures can be set beside.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass

from linewise_models.engine.contract import EngineClient, Finish, Mark, Part, Report, Request, Token
from linewise_models.evaluate.extent import cut
from linewise_models.evaluate.problem import Answer, Extent, Problem

MOST_TOKENS: dict[Extent, int] = {
    "line": 64,
    "header": 64,
    "call": 64,
    "statement": 64,
    "lines": 128,
    "span": 128,
    "block": 128,
    "body": 320,
    "program": 320,
}
"""Tokens generated at most; 128 as in SAFIM's and CodeGemma's runs, 64 where one line is asked, and
320 for a whole function, as the product has it."""
SPARE = 16
"""Tokens left for marks and for what cutting changes at the seams."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Completes with requests to an engine and nothing else; called with a problem."""

    client: EngineClient
    heal: bool = True
    fim: bool = True
    """Whether to use the model's own format for filling in, where it has one."""

    async def __call__(self, problem: Problem) -> Answer:
        """Return the model's greedy text for a problem. Raises ModelError."""
        report = await self.client.report()
        most = MOST_TOKENS[problem.extent]
        prompt = await self._prompt(problem, report, report.context - most - SPARE)
        request = Request(
            session=problem.id,
            prompt=prompt,
            max_tokens=most,
            heal=self.heal,
            # A left-to-right model has no reason to end here, one that fills in may say nothing.
            must_speak=not self._fills_in(report),
        )
        started = time.monotonic()
        said: list[str] = []
        finish: Finish | None = None

        def whole() -> bool:
            return cut(problem, "".join(said)).whole

        async with aclosing(self.client.generate(request, whole)) as events:
            async for event in events:
                if isinstance(event, Finish):
                    finish = event
                elif isinstance(event, Token):
                    said.append(event.text)
        text = "".join(said)
        answer = cut(problem, text)
        return Answer(
            text=answer.text,
            said=text,
            prompt_bytes=sum(len(part.text.encode()) for part in prompt),
            finish="stop" if answer.whole else finish.reason if finish else "none",
            prompt_tokens=finish.prompt_tokens if finish else 0,
            generated_tokens=finish.generated_tokens if finish else 0,
            total_ms=(time.monotonic() - started) * 1000,
        )

    def _fills_in(self, report: Report) -> bool:
        return self.fim and report.fim != "none"

    async def _prompt(self, problem: Problem, report: Report, room: int) -> tuple[Part, ...]:
        """Return the parts of the prompt, cut at line ends to `room` tokens.

        What stands next to the hole stays longest; code of other files gets what is left over.
        """
        suffix = ""
        if self._fills_in(report):
            suffix = await self._first(problem.suffix, room // 4)
            room -= await self._size(suffix)
        prefix = await self._last(problem.prefix, room // 2 if problem.context else room)
        room -= await self._size(prefix)
        context = await self._first(problem.context, room)
        before, after = Part("before", context + prefix), Part("suffix", suffix)
        if not self._fills_in(report):
            return (before,)
        if report.fim == "spm":
            return (_mark(Mark.SUFFIX), after, _mark(Mark.PREFIX), before)
        typed = ""
        if self.heal:
            # Only text behind the last mark can be taken back and spelt again.
            typed = problem.typed
            before = Part("before", before.text.removesuffix(typed))
        marked = (_mark(Mark.PREFIX), before, _mark(Mark.SUFFIX), after, _mark(Mark.MIDDLE))
        return (*marked, Part("line", typed)) if typed else marked

    async def _size(self, text: str) -> int:
        return len(await self.client.tokenise(text)) if text else 0

    async def _last(self, text: str, room: int) -> str:
        """Return the last lines of `text` that have at most `room` tokens."""
        while (size := await self._size(text)) > room:
            drop = max(1, len(text) - len(text) * room // size)
            line = text.find("\n", drop - 1) + 1
            text = text[line if 0 < line < len(text) else drop :]
        return text

    async def _first(self, text: str, room: int) -> str:
        """Return the first lines of `text` that have at most `room` tokens."""
        while (size := await self._size(text)) > room:
            keep = min(len(text) - 1, len(text) * room // size)
            text = text[: text.rfind("\n", 0, keep) + 1 or keep]
        return text


def _mark(mark: Mark) -> Part:
    return Part(str(mark), mark=mark)
