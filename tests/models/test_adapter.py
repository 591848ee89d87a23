"""Models that are a base and an adapter: made on pull, from two files whose hashes are known."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize

from linewise_models.engine.llama import LlamaEngine
from linewise_models.engine.native import LoadOptions
from linewise_models.errors import PullCancelled, PullError
from linewise_models.fetch import Progress
from linewise_models.home import Home
from linewise_models.index import (
    QUANTISATIONS,
    AdapterSource,
    Entry,
    FileSource,
    Licence,
    parse_index,
)
from linewise_models.store import Store

CHANGED = "blk.1.attn_q.weight"
SAME = "blk.0.attn_q.weight"
ROW, WIDTH = 9, 32


@pytest.fixture
def adapter(tmp_path: Path, tiny_model: Path) -> Path:
    """An adapter for the tiny model that changes one matrix and one token's embedding."""
    path = tmp_path / "adapter.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 4.0)
    writer.add_string("linewise.fim", "spm")
    for number, mark in enumerate(("pre", "suf", "mid")):
        writer.add_uint32(f"tokenizer.ggml.fim_{mark}_token_id", ROW + number)
    kinds = {"sub_type": GGUFValueType.UINT32}
    writer.add_key_value("linewise.rows.ids", [ROW], GGUFValueType.ARRAY, **kinds)
    kinds = {"sub_type": GGUFValueType.FLOAT32}
    writer.add_key_value("linewise.rows.values", [0.5] * WIDTH, GGUFValueType.ARRAY, **kinds)
    random = np.random.default_rng(0)
    for half, shape in (("a", (2, WIDTH)), ("b", (WIDTH, 2))):
        writer.add_tensor(f"{CHANGED}.lora_{half}", random.normal(size=shape).astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def entry(adapter: Path, tiny_model: Path) -> Entry:
    """A model with that adapter."""
    licence = Licence("Apache-2.0", "", True)
    size = tiny_model.stat().st_size
    sha256 = hashlib.sha256(tiny_model.read_bytes()).hexdigest()
    base = Entry(
        name="base",
        title="Base",
        summary="",
        tasks=("completion",),
        source=FileSource(tiny_model),
        sha256=sha256,
        size=size,
        download=size,
        licence=licence,
        context=8192,
        fim="none",
        parameters=None,
    )
    digest = hashlib.sha256(adapter.read_bytes()).hexdigest()
    source = AdapterSource(str(adapter), digest, base, "Q8_0")
    return dataclasses.replace(
        base, name="tuned", title="Tuned", source=source, sha256=None, fim="spm"
    )


@pytest.fixture
def store(linewise_home: Path) -> Store:
    return Store(Home(linewise_home), os.environ)


def weights(path: Path, name: str) -> np.ndarray:
    """Return a weight of a model, [out, in]."""
    tensor = next(tensor for tensor in GGUFReader(path).tensors if tensor.name == name)
    return np.asarray(dequantize(tensor.data, tensor.tensor_type))


def test_a_pull_makes_it_and_the_engine_fills_in_with_it(
    store: Store, entry: Entry, adapter: Path, tiny_model: Path
) -> None:
    told: list[Progress] = []
    path = store.pull(entry, told.append)
    assert store.installed(entry)
    assert store.path(entry) == path
    assert store.verify(entry).revision.count("+") == 1
    assert {file.name for file in store.home.models.iterdir()} == {"tuned.gguf", "tuned.json"}
    assert list(dict.fromkeys(p.phase for p in told)) == ["merging", "verifying"]

    a, b = (weights(adapter, f"{CHANGED}.lora_{half}").astype(np.float32) for half in "ab")
    expected = weights(tiny_model, CHANGED) + 2.0 * b @ a
    step = np.abs(expected).max() / 127  # of a Q8_0 block, at most
    assert np.abs(weights(path, CHANGED) - expected).max() <= 0.51 * step
    assert np.abs(weights(path, SAME) - weights(tiny_model, SAME)).max() < 0.02
    assert weights(path, "token_embd.weight")[ROW] == pytest.approx(0.5, abs=1e-3)

    engine = LlamaEngine(LoadOptions(path, context=256, sequences=1))
    assert engine.report().fim == "spm"
    assert {"prefix", "suffix", "middle"} <= set(engine.report().marks)
    engine.close()


@pytest.mark.parametrize("quantisation", sorted(QUANTISATIONS))
def test_every_type_that_is_offered_is_written(
    store: Store, entry: Entry, quantisation: str
) -> None:
    assert isinstance(entry.source, AdapterSource)
    source = dataclasses.replace(entry.source, quantisation=quantisation)
    path = store.pull(dataclasses.replace(entry, source=source))
    tensors = {tensor.name: tensor.tensor_type for tensor in GGUFReader(path).tensors}
    assert tensors[CHANGED] == GGMLQuantizationType[quantisation]


def test_another_adapter_is_another_model(store: Store, entry: Entry) -> None:
    store.pull(entry)
    assert isinstance(entry.source, AdapterSource)
    newer = dataclasses.replace(entry.source, sha256="0" * 64)
    assert not store.installed(dataclasses.replace(entry, source=newer))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("adapter", "adapter.gguf is damaged"),
        ("missing", "is not there"),
        ("base", "has changed"),
        ("no adapter", "is not a LoRA adapter"),
    ],
)
def test_what_is_not_what_the_index_states_is_not_merged(
    store: Store, entry: Entry, adapter: Path, tiny_model: Path, damage: str, message: str
) -> None:
    source = entry.source
    assert isinstance(source, AdapterSource)
    if damage == "adapter":
        adapter.write_bytes(adapter.read_bytes() + b"\0")
    elif damage == "missing":
        adapter.unlink()
    elif damage == "base":
        source = dataclasses.replace(source, base=dataclasses.replace(source.base, sha256="0" * 64))
    else:
        assert source.base.sha256
        source = dataclasses.replace(source, file=str(tiny_model), sha256=source.base.sha256)
    entry = dataclasses.replace(entry, source=source)
    with pytest.raises(PullError, match=message):
        store.pull(entry)
    assert not store.installed(entry)
    assert not (store.home.cache / "pull" / "tuned").exists()


def test_a_merge_can_be_cancelled(store: Store, entry: Entry) -> None:
    told: list[Progress] = []
    with pytest.raises(PullCancelled):
        store.pull(entry, told.append, lambda: len(told) > 3)
    assert not store.home.models.exists()
    assert not (store.home.cache / "pull" / "tuned").exists()


INDEX = """
default = "base"
[[model]]
name = "base"
title = "Base"
summary = ""
does_well = "lines"
does_badly = "books"
tasks = ["completion"]
source = "file:/base.gguf"
size = 1
licence = "MIT"
context = 1
fim = "none"
[[model]]
name = "tuned"
title = "Tuned"
summary = ""
does_well = "lines"
does_badly = "books"
tasks = ["completion"]
source = "adapter:tuned.gguf"
base = "base"
adapter_sha256 = "abc"
quantisation = "Q8_0"
size = 1
licence = "MIT"
context = 1
fim = "spm"
"""


def test_the_index_names_a_base_that_it_knows() -> None:
    base, tuned = parse_index(INDEX).entries
    assert tuned.source == AdapterSource("tuned.gguf", "abc", base, "Q8_0")
    for old, new in (('base = "base"', 'base = "other"'), ('adapter_sha256 = "abc"', "")):
        with pytest.raises(ValueError, match="tuned"):
            parse_index(INDEX.replace(old, new))
    with pytest.raises(ValueError, match="quantisation"):
        parse_index(INDEX.replace('"Q8_0"', '"Q9_9"'))
