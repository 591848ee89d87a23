"""Foretelling with a real llama.cpp in its own process: figures, errors, and an end halfway."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import psutil
import pytest

from linewise_models.engine.native import LoadOptions, Native
from linewise_models.evaluate.errors import EvaluationError
from linewise_models.evaluate.perplexity import Passage, Told, Total, tell
from linewise_models.evaluate.telling import Asked, Facts, foretell
from linewise_models.train.dataset import write_dataset
from tests.models.train.tiny import examples, facts, lines


def told(asked: Asked) -> tuple[Facts, list[Told]]:
    with foretell(asked) as (known, every):
        return known, list(every)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Two files of code, the second of which is longer than the model's context."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "short.py").write_text(lines(1, 1)[0])
    (folder / "long.py").write_text("\n".join(lines(2, 40)))
    return folder


def test_a_text_costs_what_its_tokens_cost(tiny_model: Path, code: Path) -> None:
    known, results = told(Asked(tiny_model, code / "short.py", threads=1))
    native = Native(LoadOptions(tiny_model, sequences=1, threads=1), lambda share: None)
    ids = native.tokenise((code / "short.py").read_text())
    # Each token by itself, with everything before it evaluated anew.
    loss, right = 0.0, 0
    for place in range(1, len(ids)):
        native.forget(0, 0)
        for position, token in enumerate(ids[:place]):
            native.decode([token], [position], [0], [True])
        scores = native.logits(0).astype(np.float64)
        loss += math.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[ids[place]]
        right += int(scores.argmax() == ids[place])
    native.close()
    [one] = results
    assert one.loss == pytest.approx(loss, rel=1e-3)
    assert (one.tokens, one.right) == (len(ids) - 1, right)
    assert (known.passages, known.kind, known.fills_in) == (1, "code", True)


def test_a_longer_text_than_the_context_is_told_whole(tiny_model: Path, code: Path) -> None:
    known, results = told(Asked(tiny_model, code, threads=1))
    by_name = {one.id: one for one in results}
    assert known.context == 256
    assert by_name["long.py"].tokens > 256
    native = Native(LoadOptions(tiny_model, sequences=1, threads=1), lambda share: None)
    text = (code / "long.py").read_text()
    first, *others = native.tokenise(text)
    untold = list(native.pieces())[first]
    native.close()
    assert by_name["long.py"].tokens == len(others)
    assert by_name["long.py"].bytes == len(text) - len(untold)


def test_middles_from_what_stands_before_them_alone(tiny_model: Path, tmp_path: Path) -> None:
    known = facts(tiny_model)
    held_out = examples(tiny_model, known, lines(5, 6))
    write_dataset(tmp_path / "data", known, {"train": held_out, "held_out": held_out}, {})
    run, results = told(Asked(tiny_model, tmp_path / "data", limit=4, fim=False, threads=1))
    assert (run.kind, run.fills_in, run.passages) == ("prepared", False, 8)
    middles = [one for one in results if one.task == "middle"]
    assert {one.group for one in middles} == {"rest"}
    assert Total.of(middles).passages == 4
    # What stands before a middle is what its example has between the mark and the middle.
    number = int(middles[0].id.split()[1])
    example = held_out[number]
    ids = [int(token) for token in example.tokens]
    begin = ids.index(known.marks["prefix"].id) + 1
    native = Native(LoadOptions(tiny_model, sequences=1, threads=1), lambda share: None)
    expected = tell(native, Passage("", "middle", "rest", ids[begin:-1], example.middle - begin, 1))
    native.close()
    assert middles[0].loss == pytest.approx(expected.loss, rel=1e-3)


@pytest.mark.parametrize(
    ("model", "message"),
    [("gone.gguf", "There is no model file"), ("bad.gguf", r"bad\.gguf is not a GGUF")],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, code: Path, model: str, message: str) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"no model")
    with pytest.raises(EvaluationError, match=message):
        told(Asked(tmp_path / model, code))


def test_who_stops_listening_ends_it(tiny_model: Path, code: Path) -> None:
    with foretell(Asked(tiny_model, code, threads=1)) as (_, every):
        next(every)
        children = psutil.Process().children()
        assert children
    assert not any(child.is_running() for child in children)
