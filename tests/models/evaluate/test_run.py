"""A whole run: results as they come, records that come back, and two runs side by side."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from linewise_models.errors import EngineLost, LoadError
from linewise_models.evaluate.errors import EvaluationError
from linewise_models.evaluate.execution import Limits
from linewise_models.evaluate.problem import Answer, Asserts, Problem, SameCall
from linewise_models.evaluate.record import Record, machine, read, write
from linewise_models.evaluate.report import pair, show, show_comparison
from linewise_models.evaluate.run import Result, evaluate

WORKS = Asserts("assert f(2) == 4\n")


def problem(
    name: str, gold: str = "return 2 * x", test: Asserts | SameCall | None = WORKS
) -> Problem:
    return Problem(name, "g", "def f(x):\n    ", "\n", gold, "line", test)


async def run(
    problems: Sequence[Problem], says: dict[str, str | Exception], limits: Limits | None = None
) -> list[Result]:
    async def complete(asked: Problem) -> Answer:
        said = says[asked.id]
        if isinstance(said, Exception):
            raise said
        return Answer(said, said, 14, filters=("line_end",))

    return [result async for result in evaluate(problems, complete, limits)]


async def test_each_problem_is_cut_scored_and_tested() -> None:
    problems = [problem("same"), problem("equal"), problem("wrong"), problem("void", "return 5")]
    says = {
        "same": "return 2 * x\n    print(x)",
        "equal": "return x + x",
        "wrong": "return x",
        "void": "return 2 * x",
    }
    same, equal, wrong, void = await run(problems, dict(says), Limits())
    assert (same.exact, same.passed, same.similarity, same.text) == (True, True, 1, "return 2 * x")
    assert (equal.exact, equal.passed) == (False, True)
    assert 0 < equal.similarity < 1
    assert (wrong.exact, wrong.passed, wrong.void) == (False, False, False)
    assert (void.passed, void.void) == (None, True)
    assert same.said == says["same"]


async def test_without_leave_nothing_runs_but_calls_are_compared() -> None:
    problems = [
        problem("run"),
        problem("call", "g(x, y=1)", SameCall()),
        problem("none", test=None),
    ]
    says: dict[str, str | Exception] = {"run": "return 2 * x", "call": "g(x,y=1)", "none": ""}
    results = await run(problems, says)
    assert [result.passed for result in results] == [None, True, None]


async def test_a_failing_engine_costs_the_problem_and_one_without_model_all() -> None:
    problems = [problem("lost"), problem("next")]
    lost, following = await run(problems, {"lost": EngineLost("gone"), "next": "return 2 * x"})
    assert (lost.error, lost.exact, lost.text) == ("gone", False, "")
    assert following.exact
    with pytest.raises(LoadError):
        await run(problems, {"lost": LoadError("no such model")})


async def test_an_answer_that_replaces_what_follows(tmp_path: Path) -> None:
    async def complete(asked: Problem) -> Answer:
        return Answer("2 * x)", "2 * x)", 0, replace=1)

    asked = Problem("p", "g", "def f(x):\n    return (", ")\n", "2 * x", "span", WORKS)
    [result] = [result async for result in evaluate([asked], complete, Limits())]
    assert (result.exact, result.passed, result.replace) == (True, True, 0)


def record(*results: Result, mode: str = "editor", **facts: str) -> Record[Result]:
    return Record(
        suite="humaneval-infilling",
        data={"file": "x.jsonl", "sha256": "0", "chosen": len(results)},
        mode=mode,
        pipeline=facts.get("pipeline", "full"),
        rules={},
        model={"name": "tiny", "quantisation": "Q4_1"},
        machine=machine(),
        started="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        complete=facts.get("complete", "yes") == "yes",
        results=list(results),
    )


def result(name: str, exact: bool, passed: bool | None = None, **more: object) -> Result:
    facts = {"void": False, "text": "é", "said": "\ud800", "gold": "g", "prompt_bytes": 3} | more
    return Result(name, "g", exact, 0.5, passed, **facts)  # type: ignore[arg-type] # test data


def printed(*what: Record[Result]) -> str:
    text = io.StringIO()
    console = Console(file=text, width=100)
    if len(what) == 1:
        show(what[0], console)
    else:
        show_comparison(what[0], what[1], console)
    return " ".join(text.getvalue().split())


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    before = record(result("1", True, True, filters=("loops", "dedent")), result("2", False))
    write(before, path)
    assert read(path) == before
    assert [child.name for child in tmp_path.iterdir()] == ["record.json"]
    facts = json.loads(path.read_text("utf-8", "surrogatepass"))["machine"]
    assert facts["processor"]
    assert facts["cores"] >= 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("{", "is not the record"),
        ("[]", "is not the record"),
        ('{"format": 1, "results": []}', "is not the record"),
        ('{"format": 1, "results": [{"id": 1}]}', "is not the record"),
        ('{"format": 99}', "another version"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "record.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(EvaluationError, match=message):
        read(path)


def test_the_table_says_what_was_left_out() -> None:
    text = printed(
        record(
            result("1", True, True, filters=("loops",)),
            result("2", True, False),
            result("3", False, None, void=True),
            result("4", False, False, error="the engine was lost"),
            complete="no",
        )
    )
    assert "50.0 % (2)" in text
    assert "33.3 % (1)" in text
    assert "Stopped after 4 of 4" in text
    assert "1 without pass@1" in text
    assert "1 without an answer, counted as wrong: the engine was lost" in text
    assert "loops 1" in text


def test_two_runs_are_compared_by_the_problems_that_both_have() -> None:
    before = record(result("1", True), result("2", True), result("3", False), result("9", True))
    now = record(
        result("1", True),
        result("2", False, filters=("dedent",)),
        result("3", True),
        result("8", True),
    )
    [exact] = pair(before, now)
    assert (exact.problems, exact.before, exact.now) == (3, 2, 2)
    assert ([r.id for r in exact.lost], [r.id for r in exact.won]) == (["2"], ["3"])
    assert "Lost by exact match: dedent 1." in printed(before, now)


def test_pass_at_1_is_compared_where_both_ran() -> None:
    before = record(result("1", True, True), result("2", False, None))
    now = record(result("1", True, False), result("2", False, True))
    assert [(p.measure, p.problems) for p in pair(before, now)] == [
        ("exact match", 2),
        ("pass@1", 1),
    ]


@pytest.mark.parametrize(
    "other",
    [
        record(result("2", True)),
        record(result("1", True), mode="official"),
        record(replace(result("1", True), gold="other")),
    ],
)
def test_unlike_runs_are_not_compared(other: Record[Result]) -> None:
    with pytest.raises(EvaluationError):
        pair(record(result("1", True)), other)
