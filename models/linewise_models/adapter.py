"""A LoRA adapter in llama.cpp's form, and a base model with an adapter merged into it.

In: two GGUF files. Out: a third, of the same architecture and vocabulary, that any llama.cpp
program can serve. Works in GGUF's own layout, so that what llama.cpp permutes stays permuted.
Never needs more memory than a few copies of the largest tensor, and never trains.

LoRA (Hu et al. 2021, arXiv:2106.09685): a weight W [out, in] becomes W + alpha / r · B A with
A [r, in] and B [out, r]; `NAME.lora_a` and `NAME.lora_b` in the adapter's file. What an adapter
says beside that, in its metadata:

    tokenizer.ggml.fim_*     the marks that it was taught; merged, they are the model's
    linewise.fim             spm or psm: in which order it was taught to fill in the middle
    linewise.base.sha256     the base that it was trained on
    linewise.rows.ids        token ids whose embeddings were trained too, and
    linewise.rows.values     float32 [ids · width]: what these embeddings are now
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from linewise_models.errors import AdapterError
from linewise_models.index import QUANTISATIONS

if TYPE_CHECKING:
    from pathlib import Path

    from gguf import GGUFReader, GGUFWriter
    from gguf.gguf_reader import ReaderTensor

EMBEDDING = "token_embd.weight"
BASE_SHA256 = "linewise.base.sha256"
ROW_IDS, ROW_VALUES = "linewise.rows.ids", "linewise.rows.values"
ORDER = "linewise.fim"
_CARRIED = (ORDER, *(f"tokenizer.ggml.fim_{mark}_token_id" for mark in ("pre", "suf", "mid")))

Merged = Callable[[int, int], None]
"""Is told bytes of weights done, of bytes in all; may raise to stop the merge."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """The contents of an adapter's file."""

    metadata: dict[str, tuple[Any, Any]]
    """Key -> its value and its GGUF type."""
    pairs: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
    """Name of a weight -> A [r, in] and B [out, r]."""
    alpha: float
    rows: dict[int, NDArray[np.float32]]
    """Token id -> its embedding [width]."""

    def delta(self, name: str) -> NDArray[np.float32] | None:
        """Return what is added to the weight `name`, [out, in]; None where that is nothing."""
        if name not in self.pairs:
            return None
        a, b = self.pairs[name]
        # In double precision, so that machines whose products round differently agree.
        product = b.astype(np.float64) @ a.astype(np.float64) * (self.alpha / len(a))
        return product.astype(np.float32)


def read_adapter(path: Path) -> Adapter:
    """Return the contents of an adapter's file. Raises AdapterError."""
    reader = _open(path)
    metadata = {
        name: (field.contents(), field.types[0])
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.")
    }

    def value(key: str, default: Any = None) -> Any:
        return metadata.get(key, (default, None))[0]

    if value("general.type") != "adapter" or value("adapter.type") != "lora":
        raise AdapterError(f"{path} is not a LoRA adapter.")
    halves = {tensor.name: _numbers(tensor) for tensor in reader.tensors}
    names = {name.removesuffix(".lora_a") for name in halves if name.endswith(".lora_a")}
    if {f"{name}.lora_{half}" for name in names for half in "ab"} != halves.keys():
        raise AdapterError(f"{path} holds half of a pair, or what is not LoRA.")
    ids = value(ROW_IDS, [])
    embeddings = np.array(value(ROW_VALUES, []), np.float32)
    if embeddings.size % max(len(ids), 1) or bool(ids) != bool(embeddings.size):
        raise AdapterError(f"{path} has embeddings that do not belong to its tokens.")
    return Adapter(
        metadata=metadata,
        pairs={name: (halves[f"{name}.lora_a"], halves[f"{name}.lora_b"]) for name in names},
        alpha=float(value("adapter.lora.alpha", 0.0)),
        rows=dict(zip(ids, np.split(embeddings, len(ids)), strict=True)) if ids else {},
    )


def merge(
    base: Path,
    adapter: Adapter,
    target: Path,
    quantisation: str,
    name: str,
    merged: Merged = lambda done, total: None,
) -> None:
    """Write to `target` the base with an adapter merged, its matrices quantised anew.

    A matrix whose rows are no multiple of the type's block is written as F16. Raises AdapterError
    where the two do not fit, and OSError.
    """
    from gguf import GGUFWriter

    reader = _open(base)
    architecture = _text(reader, "general.architecture")
    _check_fit(adapter, architecture, {tensor.name: tensor for tensor in reader.tensors})
    writer = GGUFWriter(target, architecture)
    try:
        _write_metadata(writer, reader, adapter, quantisation, name)
        types = [_new_type(tensor, quantisation) for tensor in reader.tensors]
        for tensor, kind in zip(reader.tensors, types, strict=True):
            _announce(writer, tensor, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        total, done = sum(tensor.n_bytes for tensor in reader.tensors), 0
        for tensor, kind in zip(reader.tensors, types, strict=True):
            merged(done, total)
            writer.write_tensor_data(_rewritten(tensor, kind, adapter))
            done += tensor.n_bytes
        merged(total, total)
    finally:
        writer.close()


def _rewritten(tensor: ReaderTensor, kind: Any, adapter: Adapter) -> NDArray[Any]:
    """Return a tensor's new bytes, [rows, bytes of a row]; the old ones where nothing changes."""
    from gguf.quants import quantize

    delta = adapter.delta(tensor.name)
    if delta is not None or kind != tensor.tensor_type:
        weights = _numbers(tensor)
        data = quantize(weights if delta is None else weights + delta, kind)
    else:
        data = tensor.data
    if tensor.name == EMBEDDING and adapter.rows:
        data = np.array(data)
        data[list(adapter.rows)] = quantize(np.stack(list(adapter.rows.values())), kind)
    return np.ascontiguousarray(data)


def _new_type(tensor: ReaderTensor, quantisation: str) -> Any:
    """Return the GGUF type that a tensor is written in: matrices change, vectors do not."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    if len(tensor.shape) < 2:
        return tensor.tensor_type
    if tensor.name == EMBEDDING and tensor.tensor_type == GGMLQuantizationType.Q8_0:
        # Nothing is won by writing as F16 what was rounded already, nor by rounding it again.
        return tensor.tensor_type
    kind = GGMLQuantizationType[quantisation]
    block, _ = GGML_QUANT_SIZES[kind]
    return kind if tensor.shape[0] % block == 0 else GGMLQuantizationType.F16


def _announce(writer: GGUFWriter, tensor: ReaderTensor, kind: Any) -> None:
    from gguf import GGMLQuantizationType
    from gguf.quants import quant_shape_to_byte_shape

    shape = tuple(int(size) for size in reversed(tensor.shape))
    plain: dict[Any, type[np.generic]] = {
        GGMLQuantizationType.F32: np.float32,
        GGMLQuantizationType.F16: np.float16,
    }
    if kind in plain:
        dtype = np.dtype(plain[kind])
        writer.add_tensor_info(tensor.name, shape, dtype, int(np.prod(shape)) * dtype.itemsize)
        return
    packed = quant_shape_to_byte_shape(shape, kind)
    writer.add_tensor_info(tensor.name, packed, np.dtype(np.uint8), int(np.prod(packed)), kind)


def _write_metadata(
    writer: GGUFWriter, reader: GGUFReader, adapter: Adapter, quantisation: str, name: str
) -> None:
    from gguf import GGUFValueType

    new = {key: adapter.metadata[key] for key in _CARRIED if key in adapter.metadata}
    new["general.name"] = (name, GGUFValueType.STRING)
    new["general.file_type"] = (QUANTISATIONS[quantisation], GGUFValueType.UINT32)
    new["general.quantization_version"] = (2, GGUFValueType.UINT32)
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture" or key in new:
            continue
        inner = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(key, field.contents(), field.types[0], sub_type=inner)
    for key, (value, kind) in new.items():
        writer.add_key_value(key, value, kind)


def _check_fit(adapter: Adapter, architecture: str, tensors: dict[str, ReaderTensor]) -> None:
    made_for = adapter.metadata["general.architecture"][0]
    if made_for != architecture:
        raise AdapterError(f"The adapter is for a {made_for} model, and this is a {architecture}.")
    for name, (a, b) in adapter.pairs.items():
        found = [int(size) for size in tensors[name].shape] if name in tensors else None
        if found != [a.shape[1], b.shape[0]] or a.shape[0] != b.shape[1]:
            raise AdapterError(f"The adapter's {name} does not fit this base model.")
    for token, row in adapter.rows.items():
        width, vocabulary = tensors[EMBEDDING].shape
        if len(row) != width or not 0 <= token < vocabulary:
            raise AdapterError("The adapter's embeddings do not fit this base model.")


def _open(path: Path) -> GGUFReader:
    from gguf import GGUFReader

    try:
        return GGUFReader(path)
    except (ValueError, IndexError, KeyError) as error:
        raise AdapterError(f"{path} is damaged, or no GGUF file: {error}") from error


def _text(reader: GGUFReader, key: str) -> str:
    field = reader.get_field(key)
    return str(field.contents()) if field else ""


def _numbers(tensor: ReaderTensor) -> NDArray[np.float32]:
    """Return a tensor's numbers, [rows, columns]."""
    from gguf.quants import dequantize

    return np.asarray(dequantize(tensor.data, tensor.tensor_type), np.float32)
