"""The part of llama.cpp that Linewise uses, through llama-cpp-python's low-level bindings.

In: a GGUF file and sizes. Out: tokens decoded into numbered KV sequences, and logits. Holds no
policy: which sequence, how many tokens and what to choose is said by `llama`.
`Llama.create_completion` is not used: its FIM token ids are placeholders and it cannot be
cancelled inside a prompt (llama-cpp-python 0.3.36).
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linewise_models.engine.contract import ChatTemplate, Mark
from linewise_models.errors import AdapterError, EngineError, LoadError


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """Which model to load and how much to spend on it."""

    model: Path
    context: int = 2048
    """Tokens of one KV sequence; less where the model was trained on less."""
    sequences: int = 4
    """KV sequences, each of `context` tokens."""
    threads: int = 0
    """0 takes the physical cores that this process may use."""
    batch: int = 256
    """Tokens of one prefill slice at most. Room for more is touched only when they come."""


class Native:
    """A loaded model with one context of several KV sequences. Not thread-safe."""

    def __init__(self, options: LoadOptions, progress: Callable[[float], None]) -> None:
        """Load the model; `progress` hears 0.0 to 1.0. Raises LoadError."""
        self._api, self._ggml = _bindings()
        api = self._api
        self._log = _Log(api)
        api.llama_backend_init()
        self.options = options
        self._model = self._load(options, progress)
        self._vocabulary = api.llama_model_get_vocab(self._model)
        self.vocabulary_size = int(api.llama_vocab_n_tokens(self._vocabulary))
        self._row = ctypes.c_float * self.vocabulary_size
        self.threads = options.threads or _physical_cores()
        self.context = min(options.context, int(api.llama_model_n_ctx_train(self._model)))
        self._context = self._open(options)
        self._memory = api.llama_get_memory(self._context)
        self._batch = api.llama_batch_init(options.batch, 0, 1)
        self._adapters: dict[str, Any] = {}

    def _load(self, options: LoadOptions, progress: Callable[[float], None]) -> Any:
        api = self._api
        if not options.model.is_file():
            raise LoadError(f"There is no model file at {options.model}. Pull it again.")

        @api.llama_progress_callback  # type: ignore[untyped-decorator]
        def on_progress(share: float, _: Any) -> bool:
            progress(share)
            return True

        parameters = api.llama_model_default_params()
        parameters.progress_callback = on_progress
        parameters.n_gpu_layers = -1 if api.llama_supports_gpu_offload() else 0
        # AMX kernels fault on virtual machines whose hypervisor does not pass the tiles on
        # (ggml-org/llama.cpp#20824). Our own builds leave them out; a foreign build has them
        # inside the extra buffer types, so those go as a whole.
        if b"AMX_INT8 = 1" in api.llama_print_system_info():
            parameters.use_extra_bufts = False
        model = api.llama_model_load_from_file(os.fsencode(options.model), parameters)
        if not model:
            raise LoadError(explain_failure(options.model, self._log.tail()))
        return model

    def _open(self, options: LoadOptions) -> Any:
        api = self._api
        parameters = api.llama_context_default_params()
        parameters.n_ctx = self.context * options.sequences
        parameters.n_seq_max = options.sequences
        parameters.n_batch = parameters.n_ubatch = options.batch
        parameters.n_threads = parameters.n_threads_batch = self.threads
        # Sequences of their own: in a unified cache each would attend over the cells of all.
        parameters.kv_unified = False
        # On CPU flash attention halves decoding speed once the context is half full (measured:
        # 47 against 66 tokens/s at 512 of 4096 cells, two cores); on GPU llama.cpp knows best.
        parameters.flash_attn_type = -1 if api.llama_supports_gpu_offload() else 0
        context = api.llama_init_from_model(self._model, parameters)
        if not context:
            raise LoadError(
                f"Not enough memory to run {options.model.name} with {parameters.n_ctx} tokens of "
                "cache. Close other programs, or choose a smaller model: linewise models list."
            )
        return context

    def tokenise(self, text: str, special: bool = False) -> list[int]:
        """Return the ids of `text`; marks inside it are plain text unless `special`."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 1
        ids = (self._api.llama_token * room)()
        count = self._api.llama_tokenize(
            self._vocabulary, data, len(data), ids, room, False, special
        )
        return list(ids[:count])

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes of every token; control tokens have none."""
        api, vocabulary = self._api, self._vocabulary
        buffer = ctypes.create_string_buffer(512)
        for token in range(self.vocabulary_size):
            size = api.llama_token_to_piece(vocabulary, token, buffer, 512, 0, False)
            yield buffer.raw[: max(0, size)]

    def end_tokens(self) -> list[int]:
        """Return the ids that end a text."""
        api, vocabulary = self._api, self._vocabulary
        return [t for t in range(self.vocabulary_size) if api.llama_vocab_is_eog(vocabulary, t)]

    def start_token(self) -> int | None:
        """Return the id that must begin every prompt, where the model asks for one."""
        api = self._api
        wanted = api.llama_vocab_get_add_bos(self._vocabulary)
        return int(api.llama_vocab_bos(self._vocabulary)) if wanted else None

    def empty_token(self) -> int:
        """Return the id to evaluate for an empty prompt: what stands between two documents."""
        api = self._api
        candidates = (api.llama_vocab_eos, api.llama_vocab_bos)
        return next((int(t) for f in candidates if (t := f(self._vocabulary)) >= 0), 0)

    def marks(self) -> dict[Mark, int]:
        """Return the ids of those marks that the vocabulary has."""
        api = self._api
        functions = {
            Mark.PREFIX: api.llama_vocab_fim_pre,
            Mark.SUFFIX: api.llama_vocab_fim_suf,
            Mark.MIDDLE: api.llama_vocab_fim_mid,
            Mark.REPOSITORY: api.llama_vocab_fim_rep,
            Mark.FILE: api.llama_vocab_fim_sep,
        }
        ids = {mark: int(function(self._vocabulary)) for mark, function in functions.items()}
        return {mark: token for mark, token in ids.items() if token >= 0}

    def decode(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[int],
        outputs: Sequence[bool],
    ) -> None:
        """Evaluate tokens, each at its position of its sequence, keeping logits where asked.

        At most `options.batch` tokens. Raises EngineError when llama.cpp refuses.
        """
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = positions[index]
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequences[index]
            batch.logits[index] = outputs[index]
        code = self._api.llama_decode(self._context, batch)
        if code:
            reason = self._log.tail() or f"code {code}"
            raise EngineError(f"llama.cpp could not evaluate {len(tokens)} tokens: {reason}")

    def use_threads(self, threads: int) -> None:
        """Compute with so many threads from now on."""
        self._api.llama_set_n_threads(self._context, threads, threads)

    def logits(self, index: int) -> NDArray[np.float32]:
        """Return the scores after token `index` of the last batch, a view of [vocabulary size]."""
        pointer = self._api.llama_get_logits_ith(self._context, index)
        # numpy.ctypeslib.as_array makes a type each time: a fifth of a millisecond a token.
        row = self._row.from_address(ctypes.addressof(pointer.contents))
        return np.frombuffer(memoryview(row), dtype=np.float32)

    def forget(self, sequence: int, start: int) -> bool:
        """Drop a sequence's cache from position `start` on; False where the model cannot."""
        return bool(self._api.llama_memory_seq_rm(self._memory, sequence, start, -1))

    def copy(self, source: int, target: int) -> None:
        """Give `target` the whole cache of `source` without evaluating it again."""
        self.forget(target, 0)
        self._api.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def apply_adapter(self, path: str | None) -> None:
        """Switch to the LoRA adapter at `path`, or to none. Raises AdapterError."""
        api = self._api
        if path is None:
            api.llama_set_adapters_lora(self._context, None, 0, None)
            return
        if path not in self._adapters:
            adapter = api.llama_adapter_lora_init(self._model, os.fsencode(path))
            if not adapter:
                reason = self._log.tail() or "llama.cpp gives no reason"
                model = self.options.model.name
                raise AdapterError(f"The adapter {path} does not fit {model}: {reason}.")
            self._adapters[path] = adapter
        adapters = (api.llama_adapter_lora_p_ctypes * 1)(self._adapters[path])
        api.llama_set_adapters_lora(self._context, adapters, 1, (ctypes.c_float * 1)(1.0))

    def metadata(self, key: str) -> str | None:
        """Return a value of the GGUF's metadata."""
        buffer = ctypes.create_string_buffer(256)
        size = self._api.llama_model_meta_val_str(self._model, key.encode(), buffer, 256)
        return buffer.value.decode("utf-8", "replace") if size >= 0 else None

    def chat_template(self) -> ChatTemplate | None:
        """Return the chat template that the GGUF carries."""
        text = self._api.llama_model_chat_template(self._model, None)
        if not text:
            return None
        begin = self._api.llama_vocab_bos(self._vocabulary)
        end = self._api.llama_vocab_eos(self._vocabulary)
        return ChatTemplate(text.decode("utf-8", "replace"), self._name(begin), self._name(end))

    def _name(self, token: int) -> str:
        """Return what a control token is called; empty for one that there is not."""
        if token < 0:
            return ""
        text = self._api.llama_vocab_get_text(self._vocabulary, token)
        return text.decode("utf-8", "replace") if text else ""

    def model_bytes(self) -> int:
        """Return the size of the weights in bytes."""
        return int(self._api.llama_model_size(self._model))

    def cache_bytes(self) -> int:
        """Return the size of all KV sequences in bytes, two values of 16 bits a cell and layer."""
        architecture = self.metadata("general.architecture") or ""

        def number(key: str) -> int:
            return int(self.metadata(f"{architecture}.{key}") or 0)

        heads = number("attention.head_count") or 1
        width = number("embedding_length") // heads * (number("attention.head_count_kv") or heads)
        cells = self.context * self.options.sequences
        return 2 * 2 * width * number("block_count") * cells

    def devices(self) -> list[str]:
        """Return the names of the devices that llama.cpp found, such as `CUDA0` or `CPU`."""
        count, get, name = (
            exported(self._ggml, f"ggml_backend_dev_{what}") for what in ("count", "get", "name")
        )
        count.restype = ctypes.c_size_t
        get.restype, get.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        name.restype, name.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
        return [name(get(index)).decode() for index in range(count())]

    def close(self) -> None:
        """Free everything; the object is of no use afterwards."""
        api = self._api
        for adapter in self._adapters.values():
            api.llama_adapter_lora_free(adapter)
        api.llama_batch_free(self._batch)
        api.llama_free(self._context)
        api.llama_model_free(self._model)


def exported(ggml: Any, name: str) -> Any:
    """Return a function of ggml, from llama-cpp-python's module for it.

    Windows looks into the very library that is asked, and ggml's are two; others look into those
    that it needs as well.
    """
    try:
        return getattr(ggml.libggml, name)
    except AttributeError:
        base = ggml.ctypes_ext.load_shared_library("ggml-base", ggml.libggml_base_path)
        return getattr(base, name)


def backend_of(devices: tuple[str, ...]) -> str:
    """Return what computes on these devices: cuda, metal, vulkan or cpu."""
    known = ("cuda", "metal", "vulkan")
    names = [device.lower() for device in devices]
    return next((name for name in known if any(d.startswith(name) for d in names)), "cpu")


def explain_failure(model: Path, log: str) -> str:
    """Return what llama.cpp's log of a failed load means and what to do about it."""
    again = (
        f"Replace {model}, by linewise models pull --again where Linewise pulled it, or choose "
        "another model: linewise models list."
    )
    if "unknown model architecture" in log:
        kind = log.split("unknown model architecture:", 1)[1].split("'")[1:2]
        name = kind[0] if kind else "unknown"
        return (
            f"{model.name} is a model of the architecture '{name}', which this llama.cpp does not "
            "know. Upgrade llama-cpp-python, or choose another model: linewise models list."
        )
    if "invalid magic" in log:
        return f"{model.name} is not a GGUF model file. {again}"
    if "not within the file bounds" in log or "failed to read" in log or "corrupted" in log:
        return f"{model.name} is damaged or incomplete. {again}"
    # Of llama.cpp, of POSIX, of C++ and of CUDA, in turn.
    short = (
        "unable to allocate",
        "failed to allocate",
        "cannot allocate",
        "bad_alloc",
        "out of memory",
    )
    if any(words in log.lower() for words in short):
        return (
            f"Not enough memory to load {model.name}. Close other programs, or choose a smaller "
            "model: linewise models list."
        )
    return f"llama.cpp could not load {model.name}: {log or 'no reason given'}. {again}"


class _Log:
    """Keeps the last errors that llama.cpp printed, and keeps them off the terminal."""

    def __init__(self, api: Any) -> None:
        self._lines: list[str] = []
        continued = 0

        @api.llama_log_callback  # type: ignore[untyped-decorator]
        def on_log(level: int, text: bytes, _: Any) -> None:
            nonlocal continued
            warning, error, same = 3, 4, 5
            level = continued if level == same else level
            continued = level
            if level in (warning, error):
                self._lines.append(text.decode("utf-8", "replace").strip())
                del self._lines[:-8]

        self._callback = on_log
        api.llama_log_set(on_log, ctypes.c_void_p(0))

    def tail(self) -> str:
        lines, self._lines = self._lines, []
        return "; ".join(line for line in lines if line)


def _bindings() -> tuple[Any, Any]:
    """Return llama-cpp-python's modules for llama.cpp and ggml, and nothing else of it.

    Its `__init__` imports a template engine, a disk cache and SQLite for the high-level API, which
    is not used here: 5 MB and 35 ms of every engine process.
    """
    names = ("llama_cpp.llama_cpp", "llama_cpp._ggml")
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or "llama_cpp" in sys.modules:
        return importlib.import_module(names[0]), importlib.import_module(names[1])
    sys.modules["llama_cpp"] = importlib.util.module_from_spec(spec)
    try:
        return importlib.import_module(names[0]), importlib.import_module(names[1])
    finally:
        # Whoever imports the package after this gets it whole.
        del sys.modules["llama_cpp"]


def _physical_cores() -> int:
    """Return the cores that this process may use, counting a pair of hyper-threads as one."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    logical = len(allowed) if allowed else os.cpu_count() or 1
    siblings = set()
    for cpu in allowed or ():
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        siblings.add(path.read_text() if path.is_file() else str(cpu))
    return max(1, len(siblings) or logical)
