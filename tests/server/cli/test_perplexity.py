"""`linewise eval perplexity` and `plot` as users have them, with the real model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from linewise_models.evaluate.errors import EvaluationError
from linewise_server.cli.evaluate import evaluate
from linewise_server.errors import UsageError
from tests.interrupted import interrupt
from tests.scripts import write_script

CODE = '"""Adds."""\n\n\ndef add(first, second):\n    return first + second\n'


def run(*arguments: object) -> Result:
    return CliRunner().invoke(evaluate, [str(argument) for argument in arguments])


@pytest.fixture
def record(real_model: Path, tmp_path: Path) -> Path:
    """The record of a run over one small file."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "add.py").write_text(CODE)
    output = tmp_path / "record.json"
    done = run("perplexity", tmp_path / "code", "--model", real_model, "--json", output)
    assert done.exit_code == 0, done.output
    assert "1 of 1 passages" in done.stderr
    assert "bits/byte" in done.stdout
    return output


def test_a_record_states_its_figures_and_where_they_come_from(
    record: Path, real_model: Path
) -> None:
    document = json.loads(record.read_text())
    figures = {figure["measure"]: figure for figure in document["figures"]}
    [told] = document["results"]
    assert told["bytes"] < len(CODE)
    assert 1 < figures["perplexity"]["value"] < 100
    assert 0.1 < figures["bits a byte"]["value"] < 4
    accuracy = figures["next token"]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert accuracy["n"] == told["tokens"]
    assert document["model"]["name"] == document["model"]["file"] == real_model.name
    assert document["model"]["quantisation"] == "Q8_0"
    assert document["model"]["holds"]["Q8_0"] > 0.5
    assert document["rules"]["context_tokens"] == 2048
    assert document["complete"]
    assert document["data"] == {
        "file": "code",
        "kind": "code",
        "chosen": 1,
        "skipped": [],
    }


def test_two_runs_side_by_side(record: Path, real_model: Path, tmp_path: Path) -> None:
    done = run("perplexity", tmp_path / "code", "--model", real_model, "--compare", record)
    assert done.exit_code == 0, done.output
    assert "code: bits/byte" in done.stdout
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "add.py").write_text("x = 1\n")
    done = run("perplexity", tmp_path / "other", "--model", real_model, "--compare", record)
    assert "only like can be compared with like" in str(done.exception)


def test_a_record_is_drawn(record: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.svg"
    done = run("plot", record, record, "--out", picture, "--title", "How it <foretells>")
    assert done.exit_code == 0, done.output
    text = picture.read_text("utf-8")
    assert "How it &lt;foretells&gt;" in text
    assert text.count('class="whisker"') == 2
    # Two records of one title are told apart by their files.
    assert "record: " in text


@pytest.mark.parametrize(
    ("out", "message"),
    [("x.svg", "is not the record"), ("gone/x.svg", "There is no directory")],
)
def test_what_cannot_be_drawn(tmp_path: Path, out: str, message: str) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    done = run("plot", other, "--out", tmp_path / out)
    assert isinstance(done.exception, UsageError | EvaluationError)
    assert message in str(done.exception)


def test_records_of_other_suites_are_not_taken_for_this_one(record: Path, tmp_path: Path) -> None:
    done = run("safim", record, "--compare", record)
    assert "has no problems in it" in str(done.exception)


def test_where_nothing_can_be_told(real_model: Path, tmp_path: Path) -> None:
    done = run("perplexity", tmp_path / "gone", "--model", real_model)
    assert done.exit_code == 2
    assert "does not exist" in done.stderr
    script = write_script(tmp_path / "script")
    done = run("perplexity", tmp_path, "--model", script)
    assert "is a script and foretells nothing" in str(done.exception)
    done = run("perplexity", tmp_path, "--json", tmp_path / "gone" / "x.json")
    assert "There is no directory" in str(done.exception)


def test_ctrl_c_shows_and_keeps_what_there_is(real_model: Path, tmp_path: Path) -> None:
    code, output = tmp_path / "code", tmp_path / "record.json"
    code.mkdir()
    (code / "first.py").write_text(CODE)
    (code / "long.py").write_text(CODE * 400)
    status, out, err = interrupt(
        "1 of 2 passages", "eval", "perplexity", code, "--model", real_model, "--json", output
    )
    assert status == 130
    assert "Stopped after 1 of 2 passages." in err
    assert "Traceback" not in err
    assert "bits/byte" in out
    document = json.loads(output.read_text())
    assert not document["complete"]
    assert [told["id"] for told in document["results"]] == ["first.py"]
