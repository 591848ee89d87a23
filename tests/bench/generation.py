"""Speed through the whole stack against llama.cpp's own loop, interleaved in one run.

    python -m tests.bench.generation [--rounds N] [--prompt TOKENS] [--tokens N] [--json FILE]

In: a model. Out: prompt and generation speeds and their ratio, medians over the rounds. Linewise is
the engine process asked over its socket, timed where the text arrives; the other side is
`llama_decode` and an argmax on the same weights, threads, context and prompt, flash attention off,
in a process of its own. What they say is compared too: the same tokens, or the figures are void.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from linewise_models.engine.contract import Part, Request, Token, Urgency
from linewise_models.home import Home
from linewise_models.host.address import Served
from linewise_models.host.client import HostClient
from linewise_models.index import load_index
from linewise_models.store import Store
from tests.bench.figures import as_json, machine, ratio, show, table
from tests.bench.processes import end, engines

CONTEXT = 2048
BATCH = 512
PASSAGES = 70
"""So many prompts, 500 characters apart, the file that they are taken from has."""
"""Tokens of a prefill step of llama.cpp's own loop: its default. The engine takes slices that can
be cancelled, and pays for it here."""


@dataclass(frozen=True, slots=True)
class Round:
    """One prompt and what followed it; speeds in tokens a second."""

    prompt: float
    generation: float
    text: str


class RawLoop:
    """llama-cpp-python's low-level bindings and nothing else."""

    def __init__(self, model: Path, threads: int) -> None:
        from llama_cpp import llama_cpp as api

        self._api: Any = api
        self._log = api.llama_log_callback(lambda level, text, _: None)
        api.llama_log_set(self._log, ctypes.c_void_p(0))
        api.llama_backend_init()
        parameters = api.llama_model_default_params()
        if b"AMX_INT8 = 1" in api.llama_print_system_info():
            parameters.use_extra_bufts = False  # as the engine does, ggml-org/llama.cpp#20824
        self._model = api.llama_model_load_from_file(os.fsencode(model), parameters)
        options = api.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_ubatch = CONTEXT, BATCH, BATCH
        options.n_threads = options.n_threads_batch = threads
        options.flash_attn_type = 0
        self._context = api.llama_init_from_model(self._model, options)
        self._vocabulary = api.llama_model_get_vocab(self._model)
        self._size = api.llama_vocab_n_tokens(self._vocabulary)
        self._batch = api.llama_batch_init(BATCH, 0, 1)

    def run(self, text: str, tokens: int) -> Round:
        """Evaluate a prompt and generate greedily."""
        api = self._api
        data = text.encode()
        ids = (api.llama_token * len(data))()
        count = api.llama_tokenize(self._vocabulary, data, len(data), ids, len(data), False, False)
        start = [api.llama_vocab_bos(self._vocabulary)]
        prompt = (start if api.llama_vocab_get_add_bos(self._vocabulary) else []) + ids[:count]
        api.llama_memory_clear(api.llama_get_memory(self._context), True)
        began = time.perf_counter()
        for place in range(0, len(prompt), BATCH):
            self._decode(prompt[place : place + BATCH], place)
        token = self._best()
        evaluated = time.perf_counter()
        said = [token]
        while len(said) < tokens:
            self._decode([token], len(prompt) + len(said) - 1)
            token = self._best()
            said.append(token)
        ended = time.perf_counter()
        speed = (tokens - 1) / (ended - evaluated)
        return Round(len(prompt) / (evaluated - began), speed, self._text(said))

    def _decode(self, tokens: Sequence[int], place: int) -> None:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = place + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index == len(tokens) - 1
        assert self._api.llama_decode(self._context, batch) == 0

    def _best(self) -> int:
        pointer = self._api.llama_get_logits_ith(self._context, -1)
        return int(np.ctypeslib.as_array(pointer, shape=(self._size,)).argmax())

    def _text(self, tokens: Sequence[int]) -> str:
        buffer = ctypes.create_string_buffer(512)
        piece = self._api.llama_token_to_piece
        sizes = (piece(self._vocabulary, t, buffer, 512, 0, False) for t in tokens)
        return b"".join(buffer.raw[: max(size, 0)] for size in sizes).decode("utf-8", "replace")


class RawProcess:
    """A `RawLoop` in a process of its own, asked by lines of JSON."""

    def __init__(self, model: Path, threads: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.generation", "--raw", str(model), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, text: str, tokens: int) -> Round:
        """Evaluate a prompt and generate greedily."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([text, tokens]), file=self._process.stdin, flush=True)
        return Round(*json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


async def through_the_stack(
    client: HostClient, text: str, tokens: int, number: int
) -> Round | None:
    """Do the same with the engine process, in a session that it has not seen; None if it ends."""
    request = Request(
        session=f"round {number}",
        prompt=(Part("text", text),),
        max_tokens=tokens,
        heal=False,
        urgency=Urgency.INVOKED,
    )
    began = time.perf_counter()
    arrivals: list[float] = []
    said = ""
    evaluated, reason = 0, ""
    async for event in client.generate(request):
        if isinstance(event, Token):
            arrivals.append(time.perf_counter())
            said += event.text
        else:
            evaluated, reason = event.evaluated_tokens, event.reason
    if reason != "length":
        return None
    speed = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])
    return Round(evaluated / (arrivals[0] - began), speed, said)


async def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Run both sides in turns; return their medians and ratios."""
    with tempfile.TemporaryDirectory(prefix="linewise-bench-") as place:
        served = Served(options.model, context=CONTEXT, threads=options.threads)
        client = HostClient(served, Path(place))
        await client.report()
        raw = RawProcess(options.model, options.threads)
        raw.run(prompt_text(options.prompt, -1), 8)
        rounds: list[tuple[Round, Round]] = []
        for number in itertools.takewhile(lambda _: len(rounds) < options.rounds, range(PASSAGES)):
            text = prompt_text(options.prompt, number)
            ours = await through_the_stack(client, text, options.tokens, number)
            if ours is None:
                continue  # the model ended its text where this passage ends
            theirs = raw.run(text, options.tokens)
            rounds.append((ours, theirs))
            print(
                f"{len(rounds)}/{options.rounds}: "
                f"prompt {ours.prompt:.0f} and {theirs.prompt:.0f}, "
                f"generation {ours.generation:.1f} and {theirs.generation:.1f} tokens/s",
                file=sys.stderr,
            )
        raw.close()
        await client.close()
        end(engines(os.getpid()))
    return {
        "prompt": [statistics.median(pair[side].prompt for pair in rounds) for side in (0, 1)],
        "generation": [
            statistics.median(pair[side].generation for pair in rounds) for side in (0, 1)
        ],
        "same_text": all(ours.text == theirs.text for ours, theirs in rounds),
    }


def prompt_text(tokens: int, number: int) -> str:
    """Return code of about so many tokens, from the standard library, each time other code."""
    start = 8000 + 500 * number
    return Path(statistics.__file__).read_text()[start : start + 3 * tokens]


def default_model() -> Path:
    """Return the file of the default model."""
    store = Store(Home.locate(os.environ), os.environ)
    return store.path(load_index().resolve("smollm2-135m"))


def main() -> None:
    """Run and print."""
    if sys.argv[1:2] == ["--raw"]:
        loop = RawLoop(Path(sys.argv[2]), int(sys.argv[3]))
        for line in sys.stdin:
            done = loop.run(*json.loads(line))
            print(json.dumps([done.prompt, done.generation, done.text]), flush=True)
        return
    parser = argparse.ArgumentParser(description="Speed through the stack and without it.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--prompt", type=int, default=300, help="tokens, about")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--model", type=Path, default=default_model())
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    facts = machine()
    result = asyncio.run(compare(options))
    rows = [
        (f"{kind}, tokens/s", show(ours), show(theirs), show(100 * ratio(ours, theirs)) + " %")
        for kind, (ours, theirs) in list(result.items())[:2]
    ]
    print(f"{facts['date']}, {facts['processor']}, {options.threads} threads, load {facts['load']}")
    print(f"{options.model.name}, medians of {options.rounds} rounds\n")
    print(table(("", "Linewise", "llama.cpp", "ratio"), rows))
    print("\nBoth said the same." if result["same_text"] else "\nThe texts differ: figures void.")
    if options.json:
        options.json.write_text(as_json({"machine": facts, **result}))


if __name__ == "__main__":
    main()
