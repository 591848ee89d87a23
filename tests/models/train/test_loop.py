"""Training: a run learns, and a run that was stopped in any way goes on as if it had not been."""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from linewise_models.errors import DatasetError, TrainError
from linewise_models.train.checkpoint import find_checkpoints
from linewise_models.train.config import Schedule
from linewise_models.train.loop import learning_rate, train
from tests.models.train.tiny import tiny_config

ROOT = Path(__file__).parents[3]


def losses(run: Path) -> dict[int, float]:
    """Return the loss of each step in a run's log; each step is there once, in order."""
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    told = [(record["step"], record["loss"]) for record in records if "loss" in record]
    assert [step for step, _ in told] == list(range(1, len(told) + 1))
    return dict(told)


def looks(run: Path) -> list[dict[str, Any]]:
    """Return what held-out data said, look by look."""
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [record for record in records if "held_out_loss" in record]


@pytest.fixture(scope="session")
def whole(vocabulary: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run from its beginning to its end."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert train(tiny_config(vocabulary), dataset, run).reason == "done"
    return run


def test_a_run_learns_and_keeps_what_it_promises(whole: Path) -> None:
    curve, seen = losses(whole), looks(whole)
    assert curve[len(curve)] < 0.75 * curve[1]
    assert seen[-1]["held_out_loss"] < seen[0]["held_out_loss"]
    assert 0 <= seen[-1]["held_out_exact"] <= seen[-1]["held_out_accuracy"] <= 1
    assert len(find_checkpoints(whole)) == 2
    assert (whole / "best.safetensors").is_file()
    assert list((whole / "board").glob("events.*"))
    assert '"said"' in (whole / "log.jsonl").read_text()


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(
    vocabulary: Path, dataset: Path, whole: Path, tmp_path: Path
) -> None:
    config, run = tiny_config(vocabulary), tmp_path / "run"
    outcome = train(config, dataset, run, minutes=0)
    assert (outcome.reason, outcome.step) == ("time limit", 1)
    with pytest.raises(TrainError, match="--resume"):
        train(config, dataset, run)
    assert train(config, dataset, run, resume=True).reason == "done"
    assert losses(run) == losses(whole)
    assert looks(run) == looks(whole)


def test_a_run_that_was_killed_goes_on_as_if_it_had_not(
    vocabulary: Path, dataset: Path, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "tests.models.train.tiny_run"]
    with subprocess.Popen([*command, vocabulary, dataset, run], cwd=ROOT) as child:
        while len(find_checkpoints(run)) < 2 and child.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=0.01)
        child.kill()
    assert len(losses(run)) < len(losses(whole)), "it was killed on its way"
    # As if it had come a step further than its last checkpoint, and died in the next line.
    with (run / "log.jsonl").open("a") as log:
        log.write('{"step": 99, "loss": 1.0}\n{"step": 100, "lo')
    train(tiny_config(vocabulary), dataset, run, resume=True)
    assert losses(run) == losses(whole)


def test_two_processes_give_the_result_of_one(
    vocabulary: Path, dataset: Path, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    paths = [str(vocabulary), str(dataset), str(run)]
    command = [*launch, "-m", "tests.models.train.tiny_run", *paths]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert losses(run) == pytest.approx(losses(whole), rel=1e-3)
    assert looks(run)[-1] == pytest.approx(looks(whole)[-1], rel=1e-3)


def test_a_run_goes_on_only_as_it_began(
    vocabulary: Path, dataset: Path, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    other = tiny_config(vocabulary, schedule={"learning_rate": 1.0})
    with pytest.raises(TrainError, match="another schedule"):
        train(other, dataset, run, resume=True)
    more_looks = tiny_config(vocabulary, watch={"samples": 0})
    assert train(more_looks, dataset, run, resume=True).reason == "done"


def test_a_run_ends_when_nothing_gets_better(
    vocabulary: Path, dataset: Path, tmp_path: Path
) -> None:
    config = tiny_config(
        vocabulary,
        schedule={"learning_rate": 1e-12},
        watch={"patience": 1, "evaluate_steps": 1, "samples": 0},
    )
    outcome = train(config, dataset, tmp_path / "run")
    assert (outcome.reason, outcome.step) == ("early stop", 2)


def test_a_full_disk_leaves_the_last_checkpoint(
    vocabulary: Path, dataset: Path, tmp_path: Path
) -> None:
    config, run = tiny_config(vocabulary), tmp_path / "run"
    train(config, dataset, run, minutes=0)
    before = {
        path: path.read_bytes() for path in (run / "checkpoints").rglob("*.*") if path.is_file()
    }
    # The system refuses to write a file of weights, as a full disk does.
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, limit[1]))
    try:
        with pytest.raises(TrainError, match=r"could not be written: .* is whole: make room"):
            train(config, dataset, run, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert {path: path.read_bytes() for path in before} == before
    assert find_checkpoints(run) == [run / "checkpoints" / "step-00000001"]
    assert train(config, dataset, run, resume=True).reason == "done"


@pytest.mark.parametrize("file", ["train/tokens.npy", "held_out/middles.npy", "dataset.json"])
def test_a_damaged_dataset_is_refused(
    vocabulary: Path, dataset: Path, tmp_path: Path, file: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(dataset, data)
    content = (data / file).read_bytes()
    (data / file).write_bytes(content[:-4] if file.startswith("held") else content[:-1] + b"~")
    with pytest.raises(DatasetError, match="linewise models prepare"):
        train(tiny_config(vocabulary), data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("file", ["weights.safetensors", "optimiser.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_refused_and_the_one_before_serves(
    vocabulary: Path, dataset: Path, whole: Path, tmp_path: Path, file: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    last = find_checkpoints(run)[-1]
    content = (last / file).read_bytes()
    (last / file).write_bytes(content[:-1])
    with pytest.raises(TrainError, match="to go on from the one before it"):
        train(tiny_config(vocabulary), dataset, run, resume=True)
    shutil.rmtree(last)
    train(tiny_config(vocabulary), dataset, run, resume=True)
    assert losses(run) == losses(whole)


def test_data_in_another_vocabulary_is_refused(
    vocabulary: Path, dataset: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(vocabulary.read_bytes() + b"\0")
    with pytest.raises(DatasetError, match=r"tiny\.gguf.*other\.gguf"):
        train(tiny_config(other), dataset, tmp_path / "run")


@pytest.mark.parametrize(
    ("done", "rate"), [(0.0, 0.01), (0.1, 0.5), (0.2, 1.0), (0.6, 0.55), (1.0, 0.1)]
)
def test_the_learning_rate_goes_up_and_then_down(done: float, rate: float) -> None:
    schedule = Schedule(epochs=1, learning_rate=1.0, warmup=0.2, final=0.1)
    assert learning_rate(schedule, done) == pytest.approx(rate)
