"""The command line as its users meet it: answers, exit codes, and no traceback for bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import psutil
import pytest

from linewise_models.choice import choose_model
from linewise_models.home import Home
from linewise_server.cli import linewise as linewise_command
from tests.e2e.conftest import engines
from tests.scripts import write_script

RULE = {"after": "return a", "text": " + b\n"}


def linewise(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "linewise_server", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def script(tmp_path: Path, linewise_home: Path):  # type: ignore[no-untyped-def] # a generator
    yield write_script(tmp_path / "model", RULE)
    for process in engines(linewise_home):
        process.kill()
        process.wait()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.py"
    path.write_bytes(b"# caf\xe9, which is not UTF-8\r\ndef add(a, b):\r\n    return a\r\n")
    return path


def commands(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """Yield the contexts of a command and of all below it."""
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, click.Context(below, context, name))


def test_help_keeps_the_lines_of_its_examples() -> None:
    texts = {
        c.command_path: c.command.get_help(c)
        for c in commands(linewise_command, click.Context(linewise_command))
    }
    assert len(texts) > 30
    assert [path for path, text in texts.items() if "\\b" in text] == []


def test_completes_at_a_place(script: Path, source: Path) -> None:
    done = linewise("complete", f"{source}:3:13", "--model", script)
    assert (done.stdout, done.returncode) == (" + b\n", 0), done.stderr


def test_json_tells_what_it_cost(script: Path, source: Path) -> None:
    answer = json.loads(linewise("complete", f"{source}:3:13", "--model", script, "--json").stdout)
    assert answer["text"] == " + b"
    assert answer["range"] == {"start": [3, 13], "end": [3, 13]}
    assert answer["prompt_tokens"] == answer["evaluated_tokens"] + answer["reused_tokens"] > 0
    for key in ("finish_reason", "ttft_ms", "total_ms", "mean_logprob"):
        assert answer[key] is not None


def test_explains_the_prompt(script: Path, source: Path) -> None:
    shown = linewise("complete", f"{source}:3:13", "--model", script, "--explain").stdout
    assert "return a" in shown
    assert "tokens at most" in shown


def test_nothing_to_suggest_is_no_failure(script: Path, source: Path) -> None:
    done = linewise("complete", f"{source}:1:1", "--model", script)
    assert (done.stdout, done.returncode) == ("", 0)
    assert "Nothing to suggest" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["complete", "nowhere.py:1:1"], 2, "cannot be read"),
        (["complete", "nowhere.py"], 2, "is not FILE:LINE:COL"),
        (["complete", "{source}:99:1"], 2, "there is no line 99"),
        (["complete", "{source}:2:99"], 2, "ends at column 15"),
        (["complete", "{source}:2:1", "--model", "smolm"], 2, "Did you mean smollm2-135m"),
        (["complete", "{source}:2:1"], 1, "linewise models pull smollm2-135m"),
        (["complete", "{source}:1:" + 40 * "9"], 2, "is not FILE:LINE:COL"),
        (["complete"], 2, "Missing argument"),
        (["demo"], 1, "linewise models pull smollm2-135m"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_told_in_words(
    source: Path, arguments: list[str], code: int, said: str
) -> None:
    done = linewise(*(argument.format(source=source) for argument in arguments))
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_doctor_names_the_mend(linewise_home: Path) -> None:
    done = linewise("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert findings["model"]["mend"] == "linewise models pull smollm2-135m"
    assert "short blocks" in findings["does well"]["value"]
    assert "instruction" in findings["does badly"]["value"]
    assert findings["llama.cpp"]["good"]


def test_a_command_without_a_model_takes_the_chosen_one(
    script: Path, source: Path, linewise_home: Path
) -> None:
    choose_model(Home(linewise_home), str(script))
    done = linewise("complete", f"{source}:3:13")
    assert (done.stdout, done.returncode) == (" + b\n", 0), done.stderr


def test_doctor_measures_a_model(script: Path) -> None:
    done = linewise("doctor", "--json", "--model", script)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0
    assert "not known" in findings["does well"]["value"]
    assert "1000 prompt and 100 generated tokens/s" in findings["speed"]["value"]


def test_a_second_engine_by_hand_says_that_one_runs(script: Path, linewise_home: Path) -> None:
    linewise("doctor", "--model", script)
    (process,) = engines(linewise_home)
    done = linewise("engine", script)
    assert done.returncode == 1
    assert f"runs already (process {process.pid}); every window shares it" in done.stderr
    assert "Serving" not in done.stderr
    assert engines(linewise_home) == [process]


def test_the_demo_shows_keys_costs_an_acceptance_and_a_cancellation(
    real_model: Path, linewise_home: Path
) -> None:
    done = linewise("demo", "--model", real_model)
    for process in engines(linewise_home):
        process.kill()
        psutil.wait_procs([process])
    assert done.returncode == 0, done.stderr
    for said in ("statistics.py", "evaluated", "model", "cancelled", "linewise serve"):
        assert said in done.stdout


@pytest.mark.parametrize("command", ["", "complete", "doctor", "demo", "serve", "engine", "models"])
def test_help_teaches(command: str) -> None:
    done = linewise(*command.split(), "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 5
