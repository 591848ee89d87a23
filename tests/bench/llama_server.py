"""llama-server as a child process, from the package xllamacpp or from a binary.

`python -m tests.bench.llama_server MODEL THREADS` is the child: it prints its address and serves
until its standard input ends. In: a GGUF with FIM tokens. Out: an address. `with_fim` makes such a
GGUF from one without.

The options are those of llama-server's own FIM presets (`--fim-qwen-1.5b-default` and its kin):
batches of 1024, the model's whole context, cache reuse from 256 tokens on.
"""

from __future__ import annotations

import contextlib
import importlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

FIM_TOKENS = {
    "fim_pre": "<repo_name>",
    "fim_suf": "<reponame>",
    "fim_mid": "<file_sep>",
    "fim_rep": "<filename>",
    "fim_sep": "<gh_stars>",
}
"""Special tokens of SmolLM2's vocabulary that stand in for the FIM tokens it has not."""


@dataclass(frozen=True, slots=True)
class LlamaServer:
    """A running llama-server."""

    url: str
    pid: int
    build: str


@contextlib.contextmanager
def running(
    model: Path, threads: int, log: Path, binary: str | None = None
) -> Iterator[LlamaServer]:
    """Run llama-server with a model until the context ends; raises RuntimeError if it fails."""
    port = _free_port()
    command = [sys.executable, "-m", "tests.bench.llama_server", str(model), str(threads)]
    if binary:
        command = [binary, "-m", str(model), "-t", str(threads), "-c", "0", "-b", "1024"]
        command += ["-ub", "1024", "--cache-reuse", "256", "--host", "127.0.0.1"]
    command += ["--port", str(port)] if binary else [str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process, log)
            yield LlamaServer(url, process.pid, _build(url))
        finally:
            process.terminate()
            process.wait()


def with_fim(source: Path, target: Path) -> None:
    """Write a copy of a GGUF in which the FIM token ids are set, if the source has none."""
    from gguf import GGUFReader, GGUFValueType, GGUFWriter

    reader = GGUFReader(source)
    if "tokenizer.ggml.fim_pre_token_id" in reader.fields:
        target.symlink_to(source)
        return
    writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name == "general.architecture" or name.startswith("GGUF."):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, inner)
    tokens: list[str] = reader.fields["tokenizer.ggml.tokens"].contents()
    for name, token in FIM_TOKENS.items():
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", tokens.index(token))
    for tensor in reader.tensors:
        data = tensor.data
        writer.add_tensor_info(tensor.name, data.shape, data.dtype, data.nbytes, tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in reader.tensors:
        writer.write_tensor_data(tensor.data)
    writer.close()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=1).status_code == 200:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError("llama-server did not start:\n" + log.read_text("utf-8", "replace")[-2000:])


def _build(url: str) -> str:
    with contextlib.suppress(httpx.HTTPError, KeyError, ValueError):
        return str(httpx.get(f"{url}/props").json()["build_info"])
    return "unknown"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Serve the model that the arguments name until standard input ends."""
    xllamacpp: Any = importlib.import_module("xllamacpp")  # it has no types
    parameters = xllamacpp.CommonParams()
    parameters.model.path = sys.argv[1]
    threads, parameters.port = int(sys.argv[2]), int(sys.argv[3])
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.n_ctx = 0
    parameters.n_batch = parameters.n_ubatch = 1024
    parameters.n_cache_reuse = 256
    print(xllamacpp.get_system_info(), flush=True)
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
