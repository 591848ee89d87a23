"""Measuring a model: the rounds, the process that runs them, and the real model in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from linewise_models.bench import GENERATED, bench, run_rounds
from linewise_models.cli import models
from linewise_models.engine.scripted import ScriptedEngine
from linewise_models.errors import EngineLost, LoadError
from linewise_models.home import Home
from linewise_models.measured import Measurements
from tests.scripts import write_script

TEXT = "def f(a, b):\n    return a + b\n" * 100


@pytest.mark.parametrize(
    ("said", "requests"),
    [
        ("word " * GENERATED, 2),
        # What ends its text early is asked on, until as much was said as by the others.
        ("word " * (GENERATED // 4), 3),
    ],
)
def test_each_round_evaluates_and_generates(tmp_path: Path, said: str, requests: int) -> None:
    engine = ScriptedEngine(write_script(tmp_path, {"after": "", "text": said}), lambda s: None)
    told: list[int] = []
    speeds = run_rounds(engine, TEXT, 3, told.append)
    assert told == [1, 2, 3]
    assert len(speeds) == 3
    assert all(prompt > 0 and generation > 0 for prompt, generation in speeds)
    report = engine.report()
    assert report.requests_total == 3 * requests
    assert report.generated_total >= 3 * GENERATED


def test_a_model_that_says_nothing_does_not_hold_it_up(tmp_path: Path) -> None:
    engine = ScriptedEngine(write_script(tmp_path, {"after": "", "text": ""}), lambda s: None)
    assert run_rounds(engine, TEXT, 1, lambda number: None)[0][1] == 0


@pytest.mark.parametrize(
    ("facts", "rule", "error", "message"),
    [
        ({"load_error": "There is no room."}, {}, LoadError, "There is no room"),
        ({}, {"die": True}, EngineLost, "it was killed, or it ran out of memory"),
    ],
)
def test_what_ends_the_process_is_told(
    tmp_path: Path, facts: dict[str, Any], rule: dict[str, Any], error: type, message: str
) -> None:
    script = write_script(tmp_path, {"after": "", "text": "a"} | rule, **facts)
    with pytest.raises(error, match=message):
        bench(script, None, 0, 1, lambda phase, share: None)


def test_the_real_model_is_measured_and_the_figures_are_kept(
    real_model: Path, linewise_home: Path
) -> None:
    command = ["bench", str(real_model), "--rounds", "2", "--json"]
    done = CliRunner().invoke(models, command, prog_name="linewise models")
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert len(figures["prompt_speeds"]) == len(figures["generation_speeds"]) == 2
    assert min(figures["prompt_speeds"]) <= figures["prompt_speed"] <= max(figures["prompt_speeds"])
    assert figures["generation_speed"] > 0
    assert figures["load_ms"] > 0
    # Its weights are all read: what it takes is more than they, and no multiple of them.
    size = real_model.stat().st_size
    assert size < figures["memory"] < 8 * size
    assert "measuring" in done.stderr

    kept = Measurements(Home(linewise_home).measured).of(real_model)
    assert kept is not None
    assert (kept.how, kept.memory) == ("bench", figures["memory"])
    assert kept.generation_speed == figures["generation_speed"]
    assert kept.fim == "spm"
