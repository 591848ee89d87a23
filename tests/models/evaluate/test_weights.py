"""What the header of a GGUF file says, written here by the specification."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from linewise_models.evaluate.weights import describe


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(*pairs: bytes, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, 0, len(pairs)) + b"".join(pairs)


NAME = text("general.name") + struct.pack("<I", 8) + text("tiny")
WORDS = text("tokenizer.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("bc")
SCORES = text("tokenizer.scores") + struct.pack("<IIQ3f", 9, 6, 3, 1, 2, 3)
NESTED = text("nested") + struct.pack("<IIQIQB", 9, 9, 1, 0, 1, 7)
FLAG = text("flag") + struct.pack("<IB", 7, 1)
TYPE = text("general.file_type") + struct.pack("<II", 4, 3)
UNKNOWN = text("general.file_type") + struct.pack("<II", 4, 999)


@pytest.mark.parametrize(
    ("content", "quantisation"),
    [
        (gguf(NAME, WORDS, SCORES, NESTED, FLAG, TYPE), "Q4_1"),
        (gguf(NAME, WORDS), "unknown"),
        (gguf(UNKNOWN), "unknown"),
        (gguf(TYPE)[:-2], "unknown"),
        (gguf(TYPE, version=1), "unknown"),
        (b"no model", "unknown"),
        (b"", "unknown"),
    ],
)
def test_quantisation(tmp_path: Path, content: bytes, quantisation: str) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(content)
    weights = describe(path)
    assert weights.quantisation == quantisation
    assert (weights.file, weights.bytes) == ("tiny.gguf", len(content))
    assert weights.sha256 == hashlib.sha256(content).hexdigest()


def test_the_default_model(real_model: Path) -> None:
    assert describe(real_model).quantisation == "Q4_1"
