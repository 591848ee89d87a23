"""What was trained is what is served: PyTorch and llama.cpp agree on it, applied or merged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from linewise_models.adapter import merge, read_adapter
from linewise_models.engine.contract import Mark
from linewise_models.engine.native import LoadOptions, Native
from linewise_models.errors import AdapterError, ConfigError, TrainError
from linewise_models.train.base import Learner, build
from linewise_models.train.checkpoint import BEST, place_weights, read_weights, write_best
from linewise_models.train.config import Config, parse_config
from linewise_models.train.dataset import Facts
from linewise_models.train.export import export
from tests.models.train.tiny import examples, facts, lines, tiny_config, tiny_table

MARKS = {"prefix": "<issue_comment>", "suffix": "<issue_start>", "middle": "<issue_closed>"}
"""Of the model that Linewise ships."""


@pytest.fixture(scope="session")
def tuned(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Facts, Config]:
    """A run whose adapter says something loud at random."""
    table: dict[str, Any] = {**tiny_table(tiny_model), "model": {"base": str(tiny_model)}}
    table["tune"] = {"method": "lora", "rank": 4, "alpha": 8.0, "marks": True}
    config, known = parse_config(table), facts(tiny_model)
    learner = build(config, known, torch.float32)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weights in learner.learning().items():
            if name.endswith("lora_b") or name == "rows":
                weights.normal_(std=0.3)
    run = tmp_path_factory.mktemp("tuned")
    write_best(run, learner.learning(), {})
    return run, known, config


def said(learner: Learner, prompts: list[list[int]]) -> list[NDArray[np.float32]]:
    """Return PyTorch's scores after each prompt."""
    with torch.no_grad():
        hidden = [learner.hidden(torch.tensor([prompt]))[0, -1:] for prompt in prompts]
        return [learner.scores(last)[0].float().numpy() for last in hidden]


def served(
    model: Path, prompts: list[list[int]], adapter: Path | None = None
) -> tuple[list[NDArray[np.float32]], dict[Mark, int], str | None]:
    """Return llama.cpp's scores after each prompt, the marks and the order that the model has."""
    native = Native(LoadOptions(model), lambda share: None)
    native.apply_adapter(str(adapter) if adapter else None)
    scores = []
    for prompt in prompts:
        native.forget(0, 0)
        last = [False] * (len(prompt) - 1) + [True]
        native.decode(prompt, range(len(prompt)), [0] * len(prompt), last)
        scores.append(np.array(native.logits(-1)))
    facts = native.marks(), native.metadata("linewise.fim")
    native.close()
    return scores, *facts


def agree(ours: list[NDArray[np.float32]], theirs: list[NDArray[np.float32]]) -> float:
    """Return how like each other the scores are: the least correlation."""
    return min(float(np.corrcoef(a, b)[0, 1]) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("kind", ["F16", "Q8_0"])
def test_an_adapter_is_the_same_in_training_applied_and_merged(
    tuned: tuple[Path, Facts, Config], tiny_model: Path, tmp_path: Path, kind: str
) -> None:
    run, known, config = tuned
    adapter, merged = tmp_path / "adapter.gguf", tmp_path / "merged.gguf"
    export(config, known, run, adapter, order="spm", kind=kind, name="tuned")
    export(config, known, run, merged, order="spm", kind=kind, name="tuned", merged=True)
    learner = build(config, known, torch.float32)
    before = [e.tokens[: e.middle].tolist() for e in examples(tiny_model, known, lines(4, 4))]
    plain = [prompt[3:] for prompt in before]  # without marks, whose embeddings are merged only
    base, _, _ = served(tiny_model, plain)
    place_weights(learner.learning(), read_weights(run / BEST))

    applied, _, _ = served(tiny_model, plain, adapter)
    rest = np.delete(np.arange(known.vocabulary), [mark.id for mark in known.marks.values()])
    ours = [scores[rest] for scores in said(learner, plain)]
    assert agree(ours, [scores[rest] for scores in applied]) > 0.995
    assert agree(ours, [scores[rest] for scores in base]) < 0.9, "the adapter changes what is said"

    scores, marks, order = served(merged, before)
    assert agree(said(learner, before), scores) > 0.995
    assert order == "spm"
    ids = {mark: known.marks[mark.value].id for mark in (Mark.PREFIX, Mark.SUFFIX, Mark.MIDDLE)}
    assert {mark: marks[mark] for mark in ids} == ids


def test_learning_goes_on_from_an_adapter(
    tuned: tuple[Path, Facts, Config], tiny_model: Path, tmp_path: Path
) -> None:
    run, known, config = tuned
    adapter = tmp_path / "adapter.gguf"
    export(config, known, run, adapter, order="spm", kind="F32", name="tuned")
    begun = build(
        replace(config, tune=replace(config.tune, start=str(adapter))), known, torch.float32
    )
    assert begun.learning().keys() == (left := read_weights(run / BEST)).keys()
    for name, weights in begun.learning().items():
        assert torch.equal(weights, left[name]), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rank": 8}, "tune.rank must be that of adapter.gguf, 4"),
        ({"alpha": 1.0}, "tune.alpha must be that of adapter.gguf, 8"),
        ({"start": "nowhere.gguf"}, "there is no adapter at nowhere.gguf"),
    ],
)
def test_an_adapter_that_does_not_fit_the_config_is_refused(
    tuned: tuple[Path, Facts, Config], tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    run, known, config = tuned
    adapter = tmp_path / "adapter.gguf"
    export(config, known, run, adapter, order="spm", kind="F16", name="tuned")
    tune = replace(config.tune, **{"start": str(adapter), **change})
    with pytest.raises(ConfigError, match=message):
        build(replace(config, tune=tune), known, torch.float32)


def test_a_model_from_scratch_is_served_as_it_was_trained(
    vocabulary: Path, tiny_model: Path, tmp_path: Path
) -> None:
    config, known = tiny_config(vocabulary), facts(vocabulary)
    learner, run = build(config, known, torch.float32), tiny_model.with_suffix(".run")
    place_weights(learner.learning(), read_weights(run / BEST))
    target = tmp_path / "model.gguf"
    export(config, known, run, target, order="psm", kind="F32", name="scratch")
    prompts = [e.tokens[: e.middle].tolist() for e in examples(vocabulary, known, lines(4, 4))]
    scores, marks, order = served(target, prompts)
    assert agree(said(learner, prompts), scores) > 0.9999
    assert (order, len(marks)) == ("psm", 3)


def test_a_base_is_loaded_as_llama_cpp_serves_it(real_model: Path) -> None:
    known = facts(real_model, MARKS, "<|endoftext|>")
    table = {**tiny_table(real_model), "model": {"base": str(real_model)}}
    learner = build(parse_config(table), known, torch.float32)
    prompts = [e.tokens[: e.middle].tolist() for e in examples(real_model, known, lines(4, 2))]
    scores, _, _ = served(real_model, prompts)
    ours = said(learner, prompts)
    assert agree(ours, scores) > 0.995
    assert [np.argmax(a) for a in ours] == [np.argmax(b) for b in scores]


def test_what_does_not_fit_is_refused(
    tuned: tuple[Path, Facts, Config], tiny_model: Path, real_model: Path, tmp_path: Path
) -> None:
    run, known, config = tuned
    adapter = tmp_path / "adapter.gguf"
    export(config, known, run, adapter, order="spm", kind="F16", name="tuned")
    with pytest.raises(AdapterError, match="does not fit"):
        merge(real_model, read_adapter(adapter), tmp_path / "merged.gguf", "F16", "merged")
    with pytest.raises(AdapterError, match="not a LoRA adapter"):
        read_adapter(tiny_model)
    with pytest.raises(TrainError, match="other weights"):
        export(
            config,
            known,
            tiny_model.with_suffix(".run"),
            adapter,
            order="none",
            kind="F32",
            name="x",
        )
