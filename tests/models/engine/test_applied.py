"""An adapter applied to single requests: it changes them alone, and no cache mixes the two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader, GGUFWriter

from linewise_models.engine.contract import Finish, Part, Request, Token
from linewise_models.engine.llama import LlamaEngine
from linewise_models.engine.native import LoadOptions
from linewise_models.errors import AdapterError

CHANGED = "blk.1.ffn_down.weight"
TEXT = "def add_left(left, right):\n    return"


def write(path: Path, name: str, rows: int, columns: int, scale: float) -> Path:
    """Write an adapter that changes the weight `name`, [rows, columns]."""
    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 2.0)
    random = np.random.default_rng(0)
    for half, shape in (("a", (2, columns)), ("b", (rows, 2))):
        values = (scale * random.normal(size=shape)).astype(np.float32)
        writer.add_tensor(f"{name}.lora_{half}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def shape(tiny_model: Path) -> tuple[int, int]:
    """Rows and columns of the weight that is changed."""
    tensor = next(each for each in GGUFReader(tiny_model).tensors if each.name == CHANGED)
    columns, rows = (int(size) for size in tensor.shape)
    return rows, columns


@pytest.fixture
def engine(tiny_model: Path) -> Iterator[LlamaEngine]:
    """An engine of the tiny model."""
    made = LlamaEngine(LoadOptions(tiny_model, context=128, sequences=3))
    yield made
    made.close()


def ask(
    engine: LlamaEngine, adapter: Path | None, session: str = "s", candidates: int = 1
) -> tuple[str, float, Finish]:
    """Return the first candidate's text and log-probability, and how it ended."""
    request = Request(
        session,
        (Part("text", TEXT),),
        max_tokens=6,
        heal=False,
        candidates=candidates,
        adapter=str(adapter) if adapter else None,
    )
    *events, finish = engine.generate(request, lambda: False)
    tokens = [event for event in events if isinstance(event, Token) and event.candidate == 0]
    assert isinstance(finish, Finish)
    return "".join(t.text for t in tokens), sum(t.logprob for t in tokens), finish


@pytest.mark.parametrize("candidates", [1, 3])
def test_a_session_with_and_without_it_never_shares_a_cache(
    engine: LlamaEngine, shape: tuple[int, int], tmp_path: Path, candidates: int
) -> None:
    adapter = write(tmp_path / "a.gguf", CHANGED, *shape, 3.0)
    fresh = {None: ask(engine, None, "plain"), adapter: ask(engine, adapter, "tuned")}
    assert fresh[None][:2] != fresh[adapter][:2]
    for way in (None, adapter, None, adapter, adapter, None, None):
        text, logprob, _ = ask(engine, way, "one", candidates)
        assert text == fresh[way][0]
        assert logprob == pytest.approx(fresh[way][1], rel=1e-3)


def test_a_cache_is_kept_as_long_as_the_adapter_is(
    engine: LlamaEngine, shape: tuple[int, int], tmp_path: Path
) -> None:
    adapter = write(tmp_path / "a.gguf", CHANGED, *shape, 3.0)
    reused = [ask(engine, way)[2].reused_tokens > 0 for way in (adapter, adapter, None, None)]
    assert reused == [False, True, False, True]


@pytest.mark.parametrize(
    "spoil", ["other shape", "other weight", "no number", "cut", "no adapter", "gone"]
)
def test_what_does_not_fit_is_refused_in_words_and_costs_nothing(
    engine: LlamaEngine, shape: tuple[int, int], tiny_model: Path, tmp_path: Path, spoil: str
) -> None:
    before = ask(engine, None)
    rows, columns = shape
    path = tmp_path / "bad.gguf"
    match spoil:
        case "other shape":
            write(path, CHANGED, rows, columns + 32, 1.0)
        case "other weight":
            write(path, "blk.9.attn_q.weight", rows, columns, 1.0)
        case "no number":
            write(path, CHANGED, rows, columns, float("nan"))
        case "cut":
            whole = write(path, CHANGED, rows, columns, 1.0).read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
        case "no adapter":
            path.write_bytes(tiny_model.read_bytes())
    with pytest.raises(AdapterError, match=r"does not fit|no number"):
        ask(engine, path)
    after = ask(engine, None)
    assert after[0] == before[0]
    assert after[1] == pytest.approx(before[1], rel=1e-3)
