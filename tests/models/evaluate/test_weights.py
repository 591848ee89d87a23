"""What the header of a GGUF file says, written here by the specification."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from linewise_models.evaluate.weights import describe


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(*pairs: bytes, version: int = 3, tensors: tuple[bytes, ...] = ()) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(pairs))
    return head + b"".join((*pairs, *tensors))


def tensor(name: str, kind: int, *shape: int) -> bytes:
    sizes = struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, 0)
    return text(name) + sizes


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


F32, Q5_0, Q8_0 = 0, 6, 8  # GGUF's numbers of types


@pytest.mark.parametrize(
    ("tensors", "holds"),
    [
        # 32 weights of Q5_0 take 22 bytes, of Q8_0 34.
        (
            (tensor("a", Q8_0, 64, 2), tensor("b", Q5_0, 64, 11), tensor("c", F32, 11)),
            {"Q5_0": 484, "Q8_0": 136, "F32": 44},
        ),
        ((tensor("a", Q8_0, 32)[:-9],), {}),
        ((tensor("a", 999, 32),), {}),
        ((), {}),
    ],
)
def test_what_a_file_really_holds(
    tmp_path: Path, tensors: tuple[bytes, ...], holds: dict[str, int]
) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf(NAME, TYPE, WORDS, tensors=tensors))
    weights = describe(path)
    assert weights.quantisation == "Q4_1"
    total = sum(holds.values())
    assert list(weights.holds) == list(holds)
    for name, size in holds.items():
        assert weights.holds[name] == pytest.approx(size / total, abs=1e-4)


def test_the_default_model(real_model: Path) -> None:
    weights = describe(real_model)
    assert weights.quantisation == "Q8_0"
    assert list(weights.holds) == ["Q8_0", "F32"]
