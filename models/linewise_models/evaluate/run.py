"""One evaluation: every problem is asked, cut, scored and tested, in order.

In: problems, and who completes. Out: one result a problem, as it comes, so that whoever stops the
run has those before. A failing engine costs the problems that it fails on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Any

from linewise_models.errors import EngineError
from linewise_models.evaluate.execution import Limits
from linewise_models.evaluate.extent import cut
from linewise_models.evaluate.judge import works
from linewise_models.evaluate.problem import Answer, Complete, Problem, SameCall, Says
from linewise_models.evaluate.scores import inserted, is_exact, similarity


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one problem."""

    id: str
    group: str
    exact: bool
    similarity: float
    """0 to 1."""
    passed: bool | None
    """Whether the test passed; None where none was run, or what was there fails it as well."""
    void: bool
    """Whether what was there fails the problem's own test, so that it tests nothing here."""
    text: str
    """What was judged: the answer, cut to the problem's extent."""
    said: str
    """What the model said before filters and cuts."""
    gold: str
    prompt_bytes: int
    replace: int = 0
    filters: tuple[str, ...] = ()
    finish: str = "none"
    prompt_tokens: int = 0
    generated_tokens: int = 0
    total_ms: float = 0.0
    error: str = ""
    """Why the engine gave no answer."""

    @classmethod
    def read(cls, data: dict[str, Any]) -> Result:
        """Return the result that a record's JSON holds. Raises TypeError or KeyError."""
        return cls(**data | {"filters": tuple(data["filters"])})


async def evaluate(
    problems: Iterable[Problem], complete: Complete, limits: Limits | None
) -> AsyncGenerator[Result, None]:
    """Yield the result of each problem; programs run within `limits`, or not where it is None.

    Raises ModelError where no answer can come at all, such as LoadError; an EngineError is the
    result of its problem.
    """
    for problem in problems:
        error = ""
        try:
            answer = await complete(problem)
        except EngineError as failure:
            answer, error = Answer("", "", 0), str(failure)
        yield await _score(problem, answer, error, limits)


async def _score(problem: Problem, answer: Answer, error: str, limits: Limits | None) -> Result:
    text, replace = inserted(problem, answer.text, answer.replace)
    text = cut(problem, text).text
    passed, void = await _test(problem, text, replace, limits)
    return Result(
        id=problem.id,
        group=problem.group,
        exact=is_exact(problem, text),
        similarity=similarity(problem, text),
        passed=passed,
        void=void,
        text=text,
        said=answer.said,
        gold=problem.gold,
        prompt_bytes=answer.prompt_bytes,
        replace=replace,
        filters=answer.filters,
        finish=answer.finish,
        prompt_tokens=answer.prompt_tokens,
        generated_tokens=answer.generated_tokens,
        total_ms=answer.total_ms,
        error=error,
    )


async def _test(
    problem: Problem, text: str, replace: int, limits: Limits | None
) -> tuple[bool | None, bool]:
    """Return whether the answer passed, and whether the test is void here."""
    if problem.test is None:
        return None, False
    # Comparing texts runs nothing, so it needs no leave to run anything.
    if limits is None and not isinstance(problem.test, SameCall | Says):
        return None, False
    limits = limits or Limits()
    if not await works(problem, problem.gold, 0, limits):
        return None, True
    same = not replace and text == problem.gold
    return same or await works(problem, text, replace, limits), False
