"""What a model file is: its hash, and how its weights were quantised.

In: the path of a GGUF file. Out: a few facts. Reads the header only, besides hashing; never loads
the model.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
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


def describe(path: Path) -> Weights:
    """Return the facts of a model file. Raises OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        try:
            number = _file_type(file)
        except (struct.error, KeyError, ValueError):
            number = -1
    return Weights(path.name, path.stat().st_size, digest, _FILE_TYPES.get(number, "unknown"))


def _file_type(file: BinaryIO) -> int:
    """Return `general.file_type` (GGUF specification v2 and v3, little endian), -1 without it."""
    magic, version, _, count = struct.unpack("<4sIQQ", file.read(24))
    if magic != b"GGUF" or version < 2:
        return -1
    for _ in range(count):
        key = file.read(_number(file, "<Q")).decode()
        kind = _number(file, "<I")
        if key == _KEY and kind == _UINT32:
            return _number(file, "<I")
        _skip(file, kind)
    return -1


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
