"""`linewise eval` with an engine that says what its script says, in a process as users have it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner, Result

from linewise_server.cli.catalogue import catalogue
from linewise_server.cli.evaluate import SUITES, evaluate
from linewise_server.errors import UsageError
from tests.interrupted import interrupt
from tests.scripts import write_script

SUITE = "humaneval-infilling"
PREFIX = "def double(x):\n    y = x\n"
TEST = "def check(f):\n    assert f(2) == 4"


def row(name: str, gold: str, prefix: str = PREFIX) -> dict[str, str]:
    return {
        "task_id": f"SingleLineInfilling/{name}",
        "entry_point": "double",
        "prompt": prefix,
        "suffix": "",
        "canonical_solution": f"    {gold}\n",
        "test": TEST,
    }


@pytest.fixture
def model(tmp_path: Path, linewise_home: Path) -> Iterator[Path]:
    """A model that doubles by adding and goes on about it; its process ends with the test."""
    says = "return x + y\n\n\nprint(double(2))\n"
    yield write_script(
        tmp_path / "model",
        {"after": r"slow\n +", "text": says, "delay_ms": 2000},
        {"after": r"y = x\n +", "text": says},
    )
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "linewise_models.host" in line and any(str(linewise_home) in part for part in line):
            process.kill()
            process.wait()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two problems: one that the model knows by heart, one that it solves in another way."""
    path = tmp_path / "data.jsonl"
    rows = [row("heart", "return x + y"), row("way", "return 2 * x")]
    path.write_text("".join(json.dumps(line) + "\n" for line in rows))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(evaluate, [str(argument) for argument in arguments])


def test_both_pipelines_and_what_the_second_adds(model: Path, data: Path, tmp_path: Path) -> None:
    raw, full = tmp_path / "raw.json", tmp_path / "full.json"
    first = run(SUITE, data, "--model", model, "--pipeline", "raw", "--json", raw)
    assert first.exit_code == 0, first.output
    assert "2 of 2 problems, 1 exact" in first.stderr
    assert "50.0 % (1)" in first.stdout
    second = run(SUITE, data, "--model", model, "--json", full, "--compare", raw)
    assert second.exit_code == 0, second.output
    assert "raw, editor" in " ".join(second.stdout.split())
    assert "McNemar" in second.stdout

    records = [json.loads(path.read_text()) for path in (raw, full)]
    for record in records:
        assert [result["exact"] for result in record["results"]] == [True, False]
        assert {result["text"] for result in record["results"]} == {"return x + y"}
        assert record["complete"]
        assert record["mode"] == "editor"
        assert record["model"]["sha256"]
        assert record["machine"]["cores"]
        assert record["rules"]["ends"].keys() == {"line"}
        assert "behind the indentation" in record["rules"]["cursor"]
        assert {f["measure"]: f["value"] for f in record["figures"]}["exact match"] == 0.5
        # The prompt is the prefix with the indentation of the missing line, all of it.
        expected = len(PREFIX) + 4
        assert {result["prompt_bytes"] for result in record["results"]} == {expected}
    assert [record["pipeline"] for record in records] == ["raw", "full"]


def test_pass_at_1_where_programs_can_be_isolated(model: Path, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "record.json"
    for choice, passed in (("--execute", [True, True]), ("--no-execute", [None, None])):
        done = run(SUITE, data, "--model", model, choice, "--json", output)
        assert done.exit_code == 0, done.output
        record = json.loads(output.read_text())
        assert [result["passed"] for result in record["results"]] == passed
        assert (record["rules"]["limits"] is None) is (choice == "--no-execute")


def test_the_product_takes_over_what_stands_behind(model: Path, tmp_path: Path) -> None:
    rows = {
        "id": "safim/api/1",
        "prefix": "y = 1\nx = sum(",
        "suffix": ")\n",
        "gold": "range(y)",
        "unit_tests": [],
    }
    path, output = tmp_path / "safim.jsonl", tmp_path / "record.json"
    path.write_text(json.dumps(rows))
    write_script(model.parent, {"after": r"sum\(", "text": "range(y))\nprint(x)\n"})
    assert run("safim", path, "--model", model, "--json", output).exit_code == 0
    [result] = json.loads(output.read_text())["results"]
    assert (result["exact"], result["passed"], result["text"]) == (True, True, "range(y)")


OTHER = "def run(fast):\n    return fast\n\n\ndef walk():\n    return 1\n"
QUOTED = "# a.py\n# def run(fast):\n#     return fast\n\n"
BENCHMARK = "# def run(fast): ...\n"


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ([], ""),
        (["--cross-file", "product"], QUOTED),
        (["--cross-file", "benchmark"], f"{BENCHMARK}\n"),
        (["--cross-file", "benchmark", "--pipeline", "raw"], f"{BENCHMARK}\n"),
    ],
)
def test_what_other_files_say_is_in_the_prompt_when_asked(
    model: Path, tmp_path: Path, options: list[str], shown: str
) -> None:
    line = {
        "prompt": "import a\n\na.run(1)\na.",
        "groundtruth": "run(2)",
        "right_context": "\n",
        "metadata": {"task_id": "1"},
    }
    found = {"text": BENCHMARK, "list": [{"filename": "a.py", "retrieved_chunk": OTHER}]}
    bare = line | {"metadata": {"task_id": "2"}}
    path, output = tmp_path / "cross.jsonl", tmp_path / "record.json"
    path.write_text(
        "".join(f"{json.dumps(row)}\n" for row in (line | {"crossfile_context": found}, bare))
    )
    write_script(model.parent, {"after": r"a\.", "text": "run(2)\n"})
    done = run("crosscodeeval", path, "--model", model, "--json", output, *options)
    assert done.exit_code == 0, done.output
    record = json.loads(output.read_text())
    first, second = record["results"]
    assert (first["exact"], first["passed"]) == (True, None)
    # A line for which the benchmark found nothing is asked as it is.
    assert second["prompt_bytes"] == len(line["prompt"])
    assert first["prompt_bytes"] == len(line["prompt"]) + len(shown)
    assert record["rules"]["cross_file"] == (options[1] if options else None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pipeline", "full", "--no-heal"], "for --pipeline raw"),
        (["--mode", "official"], "use it with --pipeline raw"),
        (["--cross-file", "product"], "for crosscodeeval"),
        (["--limit", "0"], "not in the range"),
    ],
)
def test_options_that_do_not_go_together_are_misuse(
    data: Path, options: list[str], message: str
) -> None:
    done = run(SUITE, data, *options)
    assert done.exit_code == 2
    assert message in done.stderr


def test_what_cannot_be_written_or_compared_is_said_before_the_work(
    data: Path, model: Path, tmp_path: Path
) -> None:
    done = run(SUITE, data, "--model", model, "--json", tmp_path / "gone" / "x.json")
    assert isinstance(done.exception, UsageError)
    assert "There is no directory" in str(done.exception)
    done = run(SUITE, data, "--model", model, "--compare", tmp_path / "gone.json")
    assert done.exit_code == 2
    assert "does not exist" in done.stderr
    record = tmp_path / "record.json"
    run(SUITE, data, "--model", model, "--pipeline", "raw", "--json", record)
    official = ["--pipeline", "raw", "--mode", "official", "--compare", record]
    done = run(SUITE, data, "--model", model, *official)
    assert "only like can be compared with like" in str(done.exception)


def test_the_products_context_is_a_matter_of_the_whole_product(data: Path) -> None:
    done = run("crosscodeeval", data, "--cross-file", "product", "--pipeline", "raw")
    assert done.exit_code == 2
    assert "is for --pipeline full" in done.stderr


def test_a_model_that_is_not_there_is_one_line_and_exit_code_1(data: Path) -> None:
    command = [sys.executable, "-m", "linewise_server", "eval", SUITE, str(data)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "linewise models pull" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_shows_and_keeps_what_there_is(model: Path, tmp_path: Path) -> None:
    data, output = tmp_path / "data.jsonl", tmp_path / "record.json"
    rows = [row("quick", "return x + y"), row("slow", "return x", PREFIX + "# slow\n")]
    data.write_text("".join(json.dumps(line) + "\n" for line in rows))
    code, out, err = interrupt(
        "1 of 2 problems", "eval", SUITE, data, "--model", model, "--json", output
    )
    assert code == 130
    assert "Stopped after 1 of 2 problems." in err
    assert "100.0 % (1)" in out
    assert "Traceback" not in err
    record = json.loads(output.read_text())
    assert not record["complete"]
    assert [result["id"] for result in record["results"]] == ["SingleLineInfilling/quick"]


def test_help_names_every_suite_and_says_what_may_run() -> None:
    text = run("--help").stdout
    assert all(suite in text for suite in SUITES)
    assert "without network" in text


WRITTEN = [
    {"after": r'twice x\."""\s*', "text": "import math\n    return math.floor(2 * x)\n\n\nx = 1\n"},
    {"after": r'double\(2\) == 4\s*(""")?\s*', "text": "def double(x):\n    return 2 * x\n\n\nx"},
]
FUNCTION = {
    "task_id": "HumanEval/0",
    "prompt": 'def double(x):\n    """Return twice x."""\n',
    "canonical_solution": "    return 2 * x\n",
    "entry_point": "double",
    "test": TEST,
}
TASK = {
    "task_id": 1,
    "text": "Write a function to double a number.",
    "code": "def double(x):\n    return 2 * x",
    "test_list": ["assert double(2) == 4"],
}


@pytest.mark.parametrize(
    ("suite", "problem", "written"),
    [
        ("humaneval", FUNCTION, "import math\n    return math.floor(2 * x)\n"),
        ("mbpp", TASK, "def double(x):\n    return 2 * x\n"),
    ],
)
@pytest.mark.parametrize("pipeline", ["full", "raw"])
def test_functions_are_written_and_run(
    model: Path, tmp_path: Path, suite: str, problem: dict[str, Any], written: str, pipeline: str
) -> None:
    model = write_script(tmp_path / "writer", *WRITTEN)
    data, output = tmp_path / "data.jsonl", tmp_path / "record.json"
    data.write_text(json.dumps(problem) + "\n")
    done = run(suite, data, "--model", model, "--pipeline", pipeline, "--json", output)
    assert done.exit_code == 0, done.output
    (result,) = json.loads(output.read_text())["results"]
    assert result["passed"] is True
    assert " ".join(result["text"].split()) == " ".join(written.split())


def test_only_functions_are_asked_for_naively(model: Path, data: Path) -> None:
    done = run(SUITE, data, "--model", model, "--pipeline", "naive")
    assert done.exit_code == 2
    assert "is for humaneval and mbpp" in done.output


AT = (r"# acme\.Client\.send\n +", r"    acme\.")
EXPORT = """\
project,week,metric,split,value,num,den,installs
acme,2026-11-16,api_acceptance,,,500,1000,50
acme,2026-11-16,api_acceptance,symbol,acme.Client.send,10,100,20
acme,2026-11-16,deprecated_use,symbol,acme.old_send,30,100,20
"""


@pytest.mark.parametrize(
    ("said", "passed"),
    [
        (("client = acme.Client()\n    client.send(1)\n", "send(1)\n"), [True, True]),
        (("# send\n    client.fetch('send')\n", "old_send(1)\n"), [False, False]),
    ],
)
@pytest.mark.parametrize("pipeline", ["full", "raw"])
def test_what_a_catalogue_suggests_is_scored(
    model: Path, tmp_path: Path, pipeline: str, said: tuple[str, str], passed: list[bool]
) -> None:
    """From the dashboard's export to whether the model writes what it got wrong."""
    export, prompts = tmp_path / "export.csv", tmp_path / "prompts.jsonl"
    export.write_text(EXPORT)
    arguments = ["suggest", "--from-dashboard", str(export), "--prompts", str(prompts)]
    assert CliRunner().invoke(catalogue, arguments).exit_code == 0
    write, avoid = ({"after": after, "text": text} for after, text in zip(AT, said, strict=True))
    model = write_script(tmp_path / "writer", write, avoid)
    output = tmp_path / "record.json"
    done = run("catalogue", prompts, "--model", model, "--pipeline", pipeline, "--json", output)
    assert done.exit_code == 0, done.output
    results = {each["id"]: each for each in json.loads(output.read_text())["results"]}
    assert list(results) == ["write/acme.Client.send", "avoid/acme.old_send"]
    assert [each["passed"] for each in results.values()] == passed
