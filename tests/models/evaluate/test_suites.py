"""Benchmark files as their makers publish them, and what is said of files that are not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from linewise_models.evaluate.errors import EvaluationError
from linewise_models.evaluate.problem import (
    Asserts,
    Exchange,
    Exchanges,
    OtherFile,
    Problem,
    SameCall,
    Says,
)
from linewise_models.evaluate.suites import read_suite

SINGLE = {
    "task_id": "SingleLineInfilling/HumanEval/0/L0",
    "entry_point": "double",
    "prompt": "def double(x):\n",
    "suffix": "",
    "canonical_solution": "    return 2 * x\n",
    "test": "def check(f):\n    assert f(2) == 4",
}
SAFIM = {
    "id": "safim/block/block_completion_000001",
    "prefix": "n = int(input())\r\nif n:\r\n    ",
    "suffix": "\r\n",
    "gold": "print(n)",
    "unit_tests": [{"input": "3\n", "output": ["3", "3.0"]}],
}
CALL = SAFIM | {"id": "safim/api/block_completion_000002", "gold": "np.sum(x)", "unit_tests": []}
CROSS = {
    "prompt": "import a\n\na.",
    "groundtruth": "run()",
    "right_context": "\n",
    "metadata": {"task_id": "project_cc_python/1"},
    "crossfile_context": {
        "text": "# def run(): ...\n",
        "list": [
            {"filename": "a.py", "retrieved_chunk": "def run():"},
            {"filename": "b.py", "retrieved_chunk": "x"},
            {"filename": "a.py", "retrieved_chunk": "def go():"},
        ],
    },
}


def write(path: Path, *rows: dict[str, Any] | str) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    text = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def read(path: Path, suite: str, row: dict[str, Any], mode: Any = "editor") -> Problem:
    [problem] = read_suite(suite, write(path / "data.jsonl.gz", row), mode)
    return problem


def test_a_missing_line_stands_where_an_editor_has_it(tmp_path: Path) -> None:
    problem = read(tmp_path, "humaneval-infilling", SINGLE)
    assert (problem.prefix, problem.gold, problem.suffix) == (
        "def double(x):\n    ",
        "return 2 * x",
        "\n",
    )
    assert (problem.group, problem.extent) == ("SingleLineInfilling", "line")
    assert problem.ending == ""
    assert isinstance(problem.test, Asserts)
    assert problem.test.code.endswith("check(double)\n")


def test_a_missing_line_stands_as_the_benchmark_has_it(tmp_path: Path) -> None:
    problem = read(tmp_path, "humaneval-infilling", SINGLE, "official")
    assert (problem.prefix, problem.gold, problem.suffix) == (
        SINGLE["prompt"],
        SINGLE["canonical_solution"],
        "",
    )
    assert problem.ending == "\n"


def test_a_span_inside_a_line_stays_where_it_is(tmp_path: Path) -> None:
    row = SINGLE | {
        "task_id": "RandomSpanInfilling/HumanEval/0/1",
        "prompt": "def double(x):\n    return",
        "canonical_solution": " 2",
        "suffix": " * x\n",
    }
    for mode in ("editor", "official"):
        problem = read(tmp_path, "humaneval-infilling", row, mode)
        assert (problem.prefix, problem.gold, problem.suffix) == (row["prompt"], " 2", " * x\n")
        assert (problem.extent, problem.ending) == ("span", "")


def test_safim(tmp_path: Path) -> None:
    problem = read(tmp_path, "safim", SAFIM)
    assert (problem.group, problem.extent) == ("safim block", "block")
    assert problem.test == Exchanges((Exchange("3\n", ("3", "3.0")),))
    assert read(tmp_path, "safim", CALL).test == SameCall()


@pytest.mark.parametrize(
    ("task", "gold", "wanted"), [("write", "acme.Client.send", True), ("avoid", "", False)]
)
def test_catalogue(tmp_path: Path, task: str, gold: str, wanted: bool) -> None:
    row = {"symbol": "acme.Client.send", "task": task, "prompt": "import acme\n\nacme."}
    problem = read(tmp_path, "catalogue", row)
    assert (problem.gold, problem.test) == (gold, Says("send", wanted))
    with pytest.raises(EvaluationError, match="is not a problem of catalogue"):
        read(tmp_path, "catalogue", row | {"task": "think"})


def test_crosscodeeval(tmp_path: Path) -> None:
    problem = read(tmp_path, "crosscodeeval", CROSS)
    assert (problem.id, problem.test) == ("project_cc_python/1", None)
    assert problem.context == "# def run(): ...\n\n"
    assert problem.others == (OtherFile("a.py", "def run():\n\ndef go():"), OtherFile("b.py", "x"))
    bare = {key: value for key, value in CROSS.items() if key != "crossfile_context"}
    problem = read(tmp_path, "crosscodeeval", bare)
    assert (problem.context, problem.others) == ("", ())


def test_a_limit_takes_problems_from_all_over_the_file(tmp_path: Path) -> None:
    rows = [SINGLE | {"task_id": f"SingleLineInfilling/{n}"} for n in range(10)]
    path = write(tmp_path / "data.jsonl", *rows)
    problems = read_suite("humaneval-infilling", path, "editor", 3)
    assert [problem.id[-1] for problem in problems] == ["0", "3", "6"]
    assert len(read_suite("humaneval-infilling", path, "editor", 99)) == 10


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([SINGLE, "{"], r"Line 2 of .* is not JSON"),
        ([SINGLE, "[]"], r"Line 2 of .* is not a JSON object"),
        ([SINGLE, SAFIM], r"Line 2 of .* is not a problem of humaneval-infilling"),
        ([SINGLE | {"task_id": "Other/1"}], "is not a problem"),
        ([SINGLE | {"prompt": None}], "is not a problem"),
        ([], "no problems"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, rows: list[Any], message: str) -> None:
    path = write(tmp_path / "data.jsonl", *rows)
    with pytest.raises(EvaluationError, match=message):
        read_suite("humaneval-infilling", path, "editor")


@pytest.mark.parametrize("content", [None, b"\x1f\x8bnot gzip", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "data.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvaluationError, match=r"data\.jsonl\.gz cannot be read"):
        read_suite("safim", path, "editor")


HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": 'def double(x):\n    """Return twice x."""\n',
    "canonical_solution": "    return 2 * x\n",
    "entry_point": "double",
    "test": "def check(f):\n    assert f(2) == 4",
}
MBPP = {
    "task_id": 11,
    "text": "Write a function to double a number.",
    "code": "def double(x):\r\n  return 2 * x",
    "test_list": ["assert double(2) == 4", "assert double(0) == 0"],
    "test_setup_code": "import math",
}


def test_whole_functions_are_asked_for_at_their_first_line(tmp_path: Path) -> None:
    problem = read(tmp_path, "humaneval", HUMANEVAL)
    assert problem.prefix == HUMANEVAL["prompt"] + "    "
    assert (problem.gold, problem.suffix, problem.extent) == ("return 2 * x", "\n", "body")
    assert problem.test == Asserts(f"{HUMANEVAL['test']}\ncheck(double)\n")


@pytest.mark.parametrize(
    "row",
    [
        MBPP,
        {key: MBPP[key] for key in ("task_id", "code", "test_list")}
        | {"prompt": MBPP["text"], "test_imports": ["import math"]},
    ],
    ids=["as published", "sanitised"],
)
def test_tasks_are_asked_for_with_their_first_test(tmp_path: Path, row: dict[str, Any]) -> None:
    problem = read(tmp_path, "mbpp", row, mode="official")
    asked = "Write a function to double a number.\nassert double(2) == 4"
    assert problem.prefix == f'"""\n{asked}\n"""\n'
    assert problem.gold == "def double(x):\n  return 2 * x\n"
    assert problem.test == Asserts("import math\nassert double(2) == 4\nassert double(0) == 0\n")
