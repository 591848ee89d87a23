"""`linewise explain` as its users meet it, on a scripted engine and on the real model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import engines
from tests.scripts import write_script
from tests.server.cli.test_cli import linewise

SOURCE = """import os


def mean(values):
    total = sum(values)
    count = len(values)
    return\x20
"""
PLACE = "7:12"
RULE = {"after": "return ?", "text": "total / count\n"}


@pytest.fixture(autouse=True)
def ending(linewise_home: Path) -> Iterator[None]:
    """End the engine processes that a test started."""
    yield
    for process in engines(linewise_home):
        process.kill()
        process.wait()


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "mean.py"
    path.write_text(SOURCE)
    return f"{path}:{PLACE}"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return write_script(tmp_path / "model", RULE, leans={"sum(values)": 2.0})


def test_says_it_in_the_terminal_and_what_it_costs_first(script: Path, source: str) -> None:
    done = linewise("explain", source, "--model", script)
    assert done.returncode == 0, done.stderr
    assert "Up to 4 requests, each of up to" in done.stderr
    told = " ".join(done.stdout.split())
    # Five words are said, each of which is e^2 times less likely without the line.
    assert "without it the completion is 22,026 times less likely" in told
    for said in ("total / count", "line_end", "occlusion", "Zeiler and Fergus", "4 requests"):
        assert said in told


def test_writes_the_picture(script: Path, source: str, tmp_path: Path) -> None:
    out = tmp_path / "why <b>.html"
    done = linewise("explain", source, "--model", script, "--out", out)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert str(out) in done.stderr
    page = out.read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "22,026 times less likely" in page
    assert "<script" not in page


def test_nothing_to_explain_is_no_failure(script: Path, source: str, tmp_path: Path) -> None:
    out = tmp_path / "why.html"
    place = source.replace(PLACE, "1:1")
    done = linewise("explain", place, "--model", script, "--out", out)
    assert (done.stdout, done.returncode) == ("", 0)
    assert "nothing to explain" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere.py:1:1"], 2, "cannot be read"),
        (["nowhere.py"], 2, "is not FILE:LINE:COL"),
        (["{source}", "--requests", "3"], 2, "not in the range"),
        (["{source}", "--model", "{script}", "--out", "{folder}/a/b.html"], 1, "cannot be written"),
        (["{source}"], 1, "linewise models pull smollm2-135m"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_told_in_words(
    script: Path, source: str, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    facts = {"source": source, "script": script, "folder": tmp_path}
    done = linewise("explain", *(argument.format(**facts) for argument in arguments))
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_real_model_leans_on_what_it_repeats(
    real_model: Path, source: str, tmp_path: Path
) -> None:
    out = tmp_path / "why.html"
    done = linewise("explain", source, "--model", real_model, "--json", "--out", out)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["text"] == "total / count"
    assert "".join(token["text"] for token in found["tokens"]) == found["text"]
    assert all(token["logprob"] <= 0 for token in found["tokens"])
    falls = {lean["text"].strip(): lean["fall"] for lean in found["leans"]}
    assert falls["total = sum(values)"] > 2 > abs(falls["import os"])
    assert falls["count = len(values)"] > 2
    assert found["leans"][-1]["lines"] == [6, 6]
    assert found["cost"]["requests"] == len(falls) == 4
    # Each request pays only for what stands behind the line that it leaves out.
    whole = sum(part["tokens"] for part in found["parts"])
    assert found["cost"]["tokens"] < 5 * (whole + len(found["tokens"]))
    assert "total" in out.read_text("utf-8")
