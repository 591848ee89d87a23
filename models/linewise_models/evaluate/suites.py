"""Benchmarks of code completion as problems.

In: the files in which their makers publish them (JSON lines, gzip or plain). Out: problems. A line
that is not what it must be is an error that names it; nothing is passed over.

humaneval-infilling   Bavarian et al. 2022, arXiv:2207.14255; github.com/openai/human-eval-infilling
safim                 Gong et al. 2024, arXiv:2403.04814; github.com/gonglinyuan/safim
crosscodeeval         Ding et al. 2023, arXiv:2310.11248; github.com/amazon-science/cceval
humaneval             Chen et al. 2021, arXiv:2107.03374; github.com/openai/human-eval
mbpp                  Austin et al. 2021, arXiv:2108.07732; both its files, sanitised or not
catalogue             our own: the names of an API, written by `linewise catalogue suggest`
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from linewise_models.evaluate.errors import EvaluationError
from linewise_models.evaluate.problem import (
    Asserts,
    Exchange,
    Exchanges,
    Extent,
    Mode,
    OtherFile,
    Problem,
    SameCall,
    Says,
    as_in_editor,
)

Row = dict[str, Any]


def read_suite(suite: str, path: Path, mode: Mode, limit: int | None = None) -> list[Problem]:
    """Return the problems of a file; with `limit`, that many spread evenly over it.

    Raises EvaluationError.
    """
    read = SUITES[suite]
    problems = []
    for number, row in _rows(path):
        try:
            problem = _checked(read(row))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvaluationError(
                f"Line {number} of {path} is not a problem of {suite}: {error!r}. "
                "Name the suite that the file belongs to."
            ) from error
        problems.append(as_in_editor(problem) if mode == "editor" else problem)
    if not problems:
        raise EvaluationError(f"{path} has no problems in it.")
    count = min(limit or len(problems), len(problems))
    return [problems[number * len(problems) // count] for number in range(count)]


def _checked(problem: Problem) -> Problem:
    texts = (problem.prefix, problem.suffix, problem.gold)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("prefix, suffix and gold are texts")
    return problem


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        text = data.decode("utf-8")
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read: {error}.") from error
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise EvaluationError(f"Line {number} of {path} is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise EvaluationError(f"Line {number} of {path} is not a JSON object.")
        yield number, row


_HUMANEVAL: dict[str, Extent] = {
    "SingleLineInfilling": "line",
    "MultiLineInfilling": "lines",
    "RandomSpanInfilling": "span",
    "RandomSpanInfillingLight": "span",
}


def _humaneval(row: Row) -> Problem:
    group = row["task_id"].partition("/")[0]
    extent = _HUMANEVAL[group]
    return Problem(
        id=row["task_id"],
        group=group,
        prefix=row["prompt"],
        suffix=row["suffix"],
        gold=row["canonical_solution"],
        extent=extent,
        test=Asserts(f"{row['test']}\ncheck({row['entry_point']})\n"),
        # Whole lines: a model that stopped before the newline would glue the suffix to its last.
        ending="" if extent == "span" else "\n",
    )


_SAFIM: dict[str, Extent] = {"block": "block", "control": "header", "api": "call"}


def _safim(row: Row) -> Problem:
    group = row["id"].split("/")[1]
    runs = tuple(Exchange(test["input"], tuple(test["output"])) for test in row["unit_tests"])
    return Problem(
        id=row["id"],
        group=f"safim {group}",
        prefix=row["prefix"],
        suffix=row["suffix"],
        gold=row["gold"],
        extent=_SAFIM[group],
        test=SameCall() if group == "api" else Exchanges(runs),
    )


def _crosscodeeval(row: Row) -> Problem:
    """Its files come with and without what was found in other files; some lines have none."""
    found = row.get("crossfile_context") or {"text": "", "list": []}
    others: dict[str, list[str]] = {}
    for fragment in found.get("list", ()):
        others.setdefault(fragment["filename"], []).append(fragment["retrieved_chunk"])
    return Problem(
        id=row["metadata"]["task_id"],
        group="CrossCodeEval",
        prefix=row["prompt"],
        suffix=row["right_context"],
        gold=row["groundtruth"],
        extent="statement",
        context=found["text"].rstrip("\n") + "\n\n" if found["text"] else "",
        others=tuple(OtherFile(path, "\n\n".join(texts)) for path, texts in others.items()),
    )


def _humaneval_function(row: Row) -> Problem:
    """The body of a function, whose first line is the one that the cursor stands on."""
    return Problem(
        id=row["task_id"],
        group="HumanEval",
        prefix=row["prompt"],
        suffix="",
        gold=row["canonical_solution"].lstrip("\n"),
        extent="body",
        test=Asserts(f"{row['test']}\ncheck({row['entry_point']})\n"),
        ending="\n",
    )


def _mbpp(row: Row) -> Problem:
    """The task and its first test in a docstring, as InCoder's and later runs ask it."""
    tests = list(row["test_list"])
    setup = row.get("test_setup_code") or "\n".join(row.get("test_imports") or ())
    text = row.get("text") or row["prompt"]
    return Problem(
        id=f"MBPP/{row['task_id']}",
        group="MBPP",
        prefix=f'"""\n{text}\n{tests[0]}\n"""\n',
        suffix="",
        gold=row["code"].replace("\r\n", "\n").rstrip() + "\n",
        extent="program",
        test=Asserts("\n".join([setup, *tests]) + "\n"),
        ending="\n",
    )


def _catalogue(row: Row) -> Problem:
    """Whether a name of an API is written where it is wanted, or no more where it is deprecated.

    No text is the only right one, so that pass@1 counts, not how like it is to the bare name.
    """
    symbol, wanted = row["symbol"], {"write": True, "avoid": False}[row["task"]]
    return Problem(
        id=f"{row['task']}/{symbol}",
        group=f"catalogue {row['task']}",
        prefix=row["prompt"],
        suffix="\n",
        gold=symbol if wanted else "",
        extent="block",
        test=Says(symbol.rpartition(".")[2], wanted),
    )


SUITES: dict[str, Callable[[Row], Problem]] = {
    "humaneval-infilling": _humaneval,
    "safim": _safim,
    "crosscodeeval": _crosscodeeval,
    "humaneval": _humaneval_function,
    "mbpp": _mbpp,
    "catalogue": _catalogue,
}
"""Name -> how a row of its files becomes a problem."""
