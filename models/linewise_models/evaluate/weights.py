"""What a model file is: its hash, how its weights were quantised, and as what they are held.

A quantisation is the name of a recipe: which type a tensor really has depends on its shape as well.
llama.cpp's K types need rows of a multiple of 256; others get the type that it falls back to.

In: the path of a GGUF file. Out: a few facts. Reads the header only, besides hashing; never loads
the model.
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

_KEY = "general.file_type"
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value, by its type; strings (8) and arrays (9) have lengths of their own."""
_STRING, _ARRAY, _UINT32 = 8, 9, 4

# llama.cpp, include/llama.h, enum llama_ftype.
_FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
}


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file, as a record names it."""

    file: str
    bytes: int
    sha256: str
    quantisation: str
    """llama.cpp's name for it; "unknown" where the file does not say."""
    holds: dict[str, float]
    """Type of tensors -> its share of their bytes, the largest first; empty where it is unknown."""


def describe(path: Path) -> Weights:
    """Return the facts of a model file. Raises OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    quantisation, sizes = read_header(path)
    whole = sum(sizes.values())
    holds = {kind: round(size / whole, 4) for kind, size in sizes.most_common()}
    return Weights(path.name, path.stat().st_size, digest, quantisation, holds)


def read_header(path: Path) -> tuple[str, Counter[str]]:
    """Return a file's quantisation, and the bytes of its tensors by their types. Raises OSError."""
    number, sizes = -1, Counter[str]()
    with path.open("rb") as file:
        try:
            magic, version, tensors, count = struct.unpack("<4sIQQ", file.read(24))
            # GGUF specification v2 and v3, little endian.
            if magic == b"GGUF" and version >= 2:
                for _ in range(count):
                    key = file.read(_number(file, "<Q")).decode()
                    kind = _number(file, "<I")
                    if key == _KEY and kind == _UINT32:
                        number = _number(file, "<I")
                    else:
                        _skip(file, kind)
                sizes = _sizes(file, tensors)
        except (struct.error, KeyError, ValueError):
            sizes = Counter()
    return _FILE_TYPES.get(number, "unknown"), sizes


def _sizes(file: BinaryIO, tensors: int) -> Counter[str]:
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    sizes = Counter[str]()
    for _ in range(tensors):
        _skip(file, _STRING)
        shape = [_number(file, "<Q") for _ in range(_number(file, "<I"))]
        kind = GGMLQuantizationType(_number(file, "<I"))
        file.seek(8, 1)  # where its data begins
        block, size = GGML_QUANT_SIZES[kind]
        sizes[kind.name] += prod(shape) // block * size
    return sizes


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        file.seek(_number(file, "<Q"), 1)
    elif kind == _ARRAY:
        inner, length = _number(file, "<I"), _number(file, "<Q")
        if inner in (_STRING, _ARRAY):
            for _ in range(length):
                _skip(file, inner)
        else:
            file.seek(length * _SIZES[inner], 1)
    else:
        file.seek(_SIZES[kind], 1)


def _number(file: BinaryIO, form: str) -> int:
    return int(struct.unpack(form, file.read(struct.calcsize(form)))[0])
