"""What was trained, as GGUF: an adapter to apply or merge, or a whole model.

In: a run's config and weights, and the GGUF file whose vocabulary it speaks. Out: one file that
llama.cpp loads. Never trains, and never changes the base.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from gguf import (
    GGMLQuantizationType,
    GGUFReader,
    GGUFValueType,
    GGUFWriter,
    Keys,
    LlamaFileType,
    quants,
)
from numpy.typing import NDArray

from linewise_models.adapter import (
    BASE_SHA256,
    ORDER,
    ROW_IDS,
    ROW_VALUES,
    merge,
    read_adapter,
)
from linewise_models.errors import TrainError
from linewise_models.train.base import build
from linewise_models.train.checkpoint import BEST, place_weights, read_weights
from linewise_models.train.llama import EPSILON, ROTATION, Llama
from linewise_models.train.lora import LoraLinear
from linewise_models.train.names import Names
from linewise_models.train.whereabouts import digest

if TYPE_CHECKING:
    from pathlib import Path

    from linewise_models.train.base import Learner
    from linewise_models.train.config import Config
    from linewise_models.train.dataset import Facts

_MARKS = {
    "prefix": Keys.Tokenizer.FIM_PRE_ID,
    "suffix": Keys.Tokenizer.FIM_SUF_ID,
    "middle": Keys.Tokenizer.FIM_MID_ID,
}


def export(
    config: Config,
    facts: Facts,
    run: Path,
    target: Path,
    *,
    order: str,
    kind: str,
    name: str,
    merged: bool = False,
) -> None:
    """Write the best weights of a run to `target`: an adapter for LoRA, else a whole model.

    `order` is spm, psm or none; `kind` is F32, F16 or Q8_0; `merged` puts an adapter's base with
    it. Raises TrainError where the weights are of another config, or cannot be stored.
    """
    import torch

    learner = build(config, facts, torch.float32)
    place_weights(learner.learning(), read_weights(run / BEST))
    half = target.with_name(f".{target.name}.half")
    try:
        if config.tune.method == "lora":
            half_adapter = half.with_suffix(".adapter") if merged else half
            exact = "F32" if merged else kind
            _write_adapter(config, facts, learner, half_adapter, order, exact, name)
            if merged:
                merge(learner.tokenizer, read_adapter(half_adapter), half, kind, name)
        else:
            _write_model(facts, learner, half, order, kind, name)
        half.replace(target)
    except OSError as error:
        raise TrainError(f"{target} could not be written: {error.strerror}.") from error
    finally:
        half.unlink(missing_ok=True)
        half.with_suffix(".adapter").unlink(missing_ok=True)


def _write_adapter(
    config: Config, facts: Facts, learner: Learner, path: Path, order: str, kind: str, name: str
) -> None:
    architecture = str(GGUFReader(learner.tokenizer).fields[Keys.General.ARCHITECTURE].contents())
    writer = GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_name(name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32(Keys.Adapter.LORA_ALPHA, config.tune.alpha)
    writer.add_string(BASE_SHA256, digest(learner.tokenizer))
    _add_marks(writer, facts, order)
    if learner.rows is not None:
        writer.add_key_value(
            ROW_IDS, learner.rows.ids, GGUFValueType.ARRAY, sub_type=GGUFValueType.UINT32
        )
        values = learner.rows.values.detach().flatten().tolist()
        writer.add_key_value(
            ROW_VALUES, values, GGUFValueType.ARRAY, sub_type=GGUFValueType.FLOAT32
        )
    names = Names(architecture, learner.module.config)
    for place, layer in learner.module.named_modules():
        if isinstance(layer, LoraLinear):
            stored = names.of(f"{place}.weight")
            a, b = (half.detach().cpu().numpy() for half in (layer.lora_a, layer.lora_b))
            _add(writer, f"{stored}.lora_a", a, kind)
            _add(writer, f"{stored}.lora_b", names.ordered(stored, b), kind)
    _finish(writer)


def _write_model(
    facts: Facts, learner: Learner, path: Path, order: str, kind: str, name: str
) -> None:
    """Write all weights, with the vocabulary, and for a base all else that its file says."""
    reader = GGUFReader(learner.tokenizer)
    scratch = isinstance(learner.module, Llama)
    architecture = str(reader.fields[Keys.General.ARCHITECTURE].contents())
    if scratch:
        architecture = "llama"
    elif learner.module.config.model_type != architecture:
        raise TrainError(f"A {learner.module.config.model_type} model cannot be stored here yet.")
    writer = GGUFWriter(path, architecture)
    new = {Keys.General.NAME, Keys.General.FILE_TYPE, ORDER, *_MARKS.values()}
    for key, field in reader.fields.items():
        ours = key.startswith("tokenizer.") or not scratch
        if ours and not key.startswith("GGUF.") and key not in {*new, Keys.General.ARCHITECTURE}:
            inner = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
            writer.add_key_value(key, field.contents(), field.types[0], sub_type=inner)
    writer.add_name(name)
    file_types = {
        "F32": LlamaFileType.ALL_F32,
        "F16": LlamaFileType.MOSTLY_F16,
        "Q8_0": LlamaFileType.MOSTLY_Q8_0,
    }
    writer.add_file_type(file_types[kind])
    _add_marks(writer, facts, order)
    if scratch:
        _add_shape(writer, learner.module)
    names = Names(architecture, learner.module.config)
    tied = learner.tied
    for place, tensor in learner.module.named_parameters():
        if place == "lm_head.weight" and tied:
            continue
        stored = names.of(place)
        values = names.ordered(stored, tensor.detach().float().cpu().numpy())
        _add(writer, stored, values, kind if values.ndim > 1 else "F32")
    _finish(writer)


def _add_shape(writer: GGUFWriter, model: Llama) -> None:
    shape = model.shape
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(ROTATION)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_vocab_size(shape.vocabulary)


def _add_marks(writer: GGUFWriter, facts: Facts, order: str) -> None:
    """Say which tokens are the marks, so that any llama.cpp program can fill in."""
    if order == "none":
        return
    writer.add_string(ORDER, order)
    for mark, key in _MARKS.items():
        writer.add_uint32(key, facts.marks[mark].id)


def _add(writer: GGUFWriter, name: str, values: NDArray[Any], kind: str) -> None:
    number = GGMLQuantizationType[kind]
    if kind == "Q8_0" and values.shape[-1] % 32:
        number = GGMLQuantizationType.F16
    data = quants.quantize(np.ascontiguousarray(values, np.float32), number)
    writer.add_tensor(name, data, raw_dtype=number)


def _finish(writer: GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
