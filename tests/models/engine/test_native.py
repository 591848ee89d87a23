"""What users are told when llama.cpp cannot load a file."""

from __future__ import annotations

import ctypes
import importlib
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from linewise_models.engine.native import LoadOptions, Native, explain_failure, exported
from linewise_models.errors import LoadError

ARCHITECTURE = b"general.architecture" + struct.pack("<IQ", 8, 5) + b"llama"
"""The key, the GGUF type of a string, its length and its bytes (GGUF specification, version 3)."""
LOGS = [
    ("error loading model: unknown model architecture: 'grok9'", "architecture 'grok9'"),
    ("gguf_init_from_file_impl: invalid magic characters: 'PK', expected 'GGUF'", "not a GGUF"),
    ("tensor 'blk.2.ffn_up.weight' data is not within the file bounds", "damaged"),
    ("failed to read key-value pairs", "damaged"),
    ("ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 9", "memory"),
    ("error loading model: mmap failed: Cannot allocate memory", "memory"),
    ("cudaMalloc failed: out of memory", "memory"),
    ("", "no reason given"),
]


@pytest.mark.parametrize(("log", "said"), LOGS)
def test_says_what_is_wrong_and_what_to_do(log: str, said: str) -> None:
    message = explain_failure(Path("m.gguf"), log)
    assert said in message
    assert "linewise models list" in message


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: data[: len(data) // 3], "damaged or incomplete"),
        (lambda data: b"PK" + data[2:4096], "not a GGUF"),
        (lambda data: b"", "damaged or incomplete"),
        (lambda data: data.replace(ARCHITECTURE, ARCHITECTURE[:-4] + b"xama", 1), "'lxama'"),
    ],
    ids=["truncated", "zip", "empty", "architecture"],
)
def test_a_bad_file_is_refused_in_words(
    spoil: Callable[[bytes], bytes], said: str, real_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(spoil(real_model.read_bytes()))
    with pytest.raises(LoadError, match=said):
        Native(LoadOptions(path), lambda share: None)


CRAMPED = """
import resource, sys
from pathlib import Path
import llama_cpp, psutil
from linewise_models.engine.native import LoadOptions, Native
from linewise_models.errors import LoadError
room = psutil.Process().memory_info().vms + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (room, room))
try:
    Native(LoadOptions(Path(sys.argv[1])), lambda share: None)
except LoadError as error:
    print(error)
"""


@pytest.mark.parametrize(("share", "said"), [(0.5, "to load"), (1.3, "of cache")])
def test_too_little_memory_is_told_in_words(real_model: Path, share: float, said: str) -> None:
    room = str(int(real_model.stat().st_size * share))
    command = [sys.executable, "-c", CRAMPED, str(real_model), room]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Not enough memory")
    assert said in done.stdout
    assert "choose a smaller model: linewise models list" in done.stdout


QUESTION = """
import sys
from pathlib import Path
from linewise_models.engine.llama import LlamaEngine
from linewise_models.engine.native import LoadOptions
engine = LlamaEngine(LoadOptions(Path(sys.argv[1]), 64, 1), None, lambda share: None)
engine.report()
print({"jinja2", "sqlite3", "diskcache"} & sys.modules.keys())
"""


def test_a_loaded_engine_has_nothing_of_the_high_level_bindings(real_model: Path) -> None:
    command = [sys.executable, "-c", QUESTION, str(real_model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "set()"


def test_what_one_library_of_ggml_does_not_export_the_other_does() -> None:
    whole = importlib.import_module("llama_cpp._ggml")
    alone = SimpleNamespace(
        libggml=ctypes.CDLL(None),  # this program, which has nothing of it
        libggml_base_path=whole.libggml_base_path,
        ctypes_ext=whole.ctypes_ext,
    )
    assert callable(exported(whole, "ggml_backend_dev_count"))
    assert callable(exported(alone, "ggml_backend_dev_name"))
    with pytest.raises(AttributeError):
        exported(alone, "ggml_no_such_thing")


def test_a_missing_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="no model file"):
        Native(LoadOptions(tmp_path / "gone.gguf"), lambda share: None)
