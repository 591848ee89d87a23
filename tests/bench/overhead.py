"""What Linewise costs besides the model: time a key, memory, start; with one window and with ten.

    python -m tests.bench.overhead [--keys N] [--windows N] [--model GGUF] [--json FILE]

In: nothing, or a model. Out: milliseconds from a key in a 10,000-line file until the engine has its
request, measured with an engine in this process that only looks at its clock; memory of server and
engine above the weights and the KV cache; milliseconds from the start of a server until it answers
`initialize` and until the first ghost text.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from linewise_models.engine.contract import Finish, Report, Urgency
from linewise_models.home import Home
from linewise_models.host import wire
from linewise_models.host.address import locate, read_key
from linewise_server.engines import Engines
from linewise_server.settings import Settings
from tests.bench.figures import as_json, machine, percentile, show, table
from tests.bench.generation import default_model
from tests.bench.keyboard import Edit, Passage, Typist, passages
from tests.bench.processes import Memory, end, engines, memory, together, tree

LINES = 10_000
GAP_SECONDS = 0.04
PROMPT = "def add(first, second):\n    return "
"""Any model goes on after this."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Milliseconds a key."""

    to_request: list[float]
    to_answer: list[float]


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a number of windows on one engine need; bytes and milliseconds."""

    windows: int
    engines: int
    initialize_ms: float
    first_ghost_ms: float
    """From the start of the first server, the engine's start among it."""
    next_ghost_ms: float
    """From the start of the last server, the engine being there; NaN for one window."""
    answer_ms: float
    """Median over the windows when all ask at once."""
    servers: int
    helpers: int
    """Processes that servers start besides the engine, such as the one that infers docs links."""
    engine: int
    """Resident size without the weights and the KV cache."""
    weights: int
    cache: int
    above: int
    """Servers and engine together without weights, cache and helpers; a library that several map
    is in memory once and counts once."""


class Window:
    """An editor with one server."""

    def __init__(self, home: Path, model: Path) -> None:
        self._environ = {**os.environ, "LINEWISE_HOME": str(home)}
        self._model = model
        self.client = LanguageClient("linewise-bench", "1")
        for name in ("linewise/trace", "linewise/statusChanged", "window/showMessage"):
            self.client.feature(name)(lambda _: None)
        self.version = 0
        self.started = 0.0
        self.initialize_ms = 0.0

    @property
    def pid(self) -> int:
        """The server's process."""
        server = self.client._server
        assert server is not None
        return server.pid

    async def start(self) -> None:
        """Start the server; note how long `initialize` took."""
        self.started = time.perf_counter()
        await self.client.start_io(
            sys.executable, "-m", "linewise_server", "serve", env=self._environ
        )
        inline = types.InlineCompletionClientCapabilities()
        await self.client.initialize_async(
            types.InitializeParams(
                capabilities=types.ClientCapabilities(
                    text_document=types.TextDocumentClientCapabilities(inline_completion=inline)
                ),
                initialization_options={"settings": {"model": str(self._model)}},
            )
        )
        self.initialize_ms = _since(self.started)
        self.client.initialized(types.InitializedParams())

    def open(self, text: str) -> None:
        """Open the window's document."""
        self.version = 1
        item = types.TextDocumentItem("file:///bench/file.py", "python", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def change(self, edit: Edit) -> None:
        """Change it."""
        self.version += 1
        span = types.Range(types.Position(*edit.start), types.Position(*edit.end))
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.version, "file:///bench/file.py"),
                [types.TextDocumentContentChangePartial(span, edit.text)],
            )
        )

    async def ask(self, line: int, column: int) -> str:
        """Return the suggestion at a place."""
        answer: Any = await self.client.text_document_inline_completion_async(
            types.InlineCompletionParams(
                types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
                types.TextDocumentIdentifier("file:///bench/file.py"),
                types.Position(line, column),
            )
        )
        return answer.items[0].insert_text if answer and answer.items else ""

    async def stop(self) -> None:
        """End the server."""
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()  # type: ignore[no-untyped-call]  # pygls's client has no types


class Stopwatch:
    """Sits where the engine process would, answers nothing, and notes when requests come."""

    def __init__(self, home: Home, model: Path) -> None:
        served = Engines(home, os.environ).served(Settings(model=str(model)))
        self._listener = Listener(locate(served, home.run).name, authkey=read_key(home.run))
        self.requests: queue.Queue[float] = queue.Queue()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with contextlib.suppress(EOFError, OSError):
            connection.send_bytes(wire.encode({"welcome": True}))
            while True:
                data = connection.recv_bytes()
                came = time.perf_counter()
                (message,) = wire.decode(data)
                answer: dict[str, Any] = {"tokens": []}
                if message["do"] == "report":
                    answer = {"report": _REPORT}
                elif message["do"] == "generate":
                    request = wire.request_from(message["request"])
                    if request.urgency is not Urgency.IDLE:
                        self.requests.put(came)
                    answer = {"finish": Finish("end", 500, 2, 498, 0, "", 1.0, 1.0)}
                if message["do"] != "cancel":
                    connection.send_bytes(wire.encode({"id": message["id"]} | answer))


_REPORT = Report(
    model="stopwatch",
    architecture="none",
    backend="scripted",
    devices=("CPU",),
    threads=1,
    context=2048,
    sessions=4,
    fim="none",
    marks=(),
    chat_template=None,
    prompt_speed=300.0,
    generation_speed=80.0,
    load_ms=0.0,
    can_reuse=True,
    model_bytes=0,
    cache_bytes=0,
)


async def time_keys(count: int) -> Keys:
    """Type in the middle of a long file, key by key, and time each until the engine is asked."""
    with tempfile.TemporaryDirectory(prefix="linewise-bench-") as place:
        home, model = Home(Path(place)), Path(place) / "stopwatch.script.json"
        model.write_text('{"rules": []}')
        watch = Stopwatch(home, model)
        async with _windows(home, model, 1) as (window,):
            typist = Typist(_long(count), seed=1)
            window.open(typist.page.text)
            to_request, to_answer = [], []
            while not typist.done:
                await asyncio.sleep(GAP_SECONDS)
                key = typist.press("")
                while not watch.requests.empty():
                    watch.requests.get()
                began = time.perf_counter()
                window.change(key.edit)
                await window.ask(typist.page.line, typist.page.column)
                to_answer.append(_since(began))
                if not watch.requests.empty():
                    to_request.append((watch.requests.get() - began) * 1000)
        watch.close()
    return Keys(to_request, to_answer)


async def measure(windows: int, model: Path) -> Footprint:
    """Run windows on one engine and see what they need."""
    with tempfile.TemporaryDirectory(prefix="linewise-bench-") as place:
        home = Home(Path(place))
        async with _windows(home, model, windows) as opened:
            first, last = opened[0], opened[-1]
            for number, window in enumerate(opened):
                window.open(f"# {number}\n{PROMPT}")
            line, column = PROMPT.count("\n") + 1, len(PROMPT.rpartition("\n")[2])
            ghosts = []
            for window in (first, last):
                while not await window.ask(line, column):  # noqa: ASYNC110  # as typing asks anew
                    await asyncio.sleep(0.01)
                ghosts.append(_since(window.started))
            answers = await asyncio.gather(*(_timed(w, line, column) for w in opened))
            running = {engine.pid for window in opened for engine in engines(window.pid)}
            client = Engines(home, os.environ).client(Settings(model=str(model)), lambda _: None)
            facts = await client.report()
            await client.close()
            pids = {process.pid for window in opened for process in tree(window.pid)}
            servers = [memory(window.pid) for window in opened]
            helpers = [memory(pid) for pid in pids - running - {window.pid for window in opened}]
            (engine,) = [memory(pid) for pid in running]
            # Weights are a mapping of the file, those that llama.cpp repacked are copies.
            mapped = engine.files.pop(str(model), 0)
            copied = max(0, facts.model_bytes - mapped)
            engine = Memory(engine.anonymous - facts.cache_bytes - copied, engine.files)
            return Footprint(
                windows=windows,
                engines=len(running),
                initialize_ms=percentile([w.initialize_ms for w in opened], 0.5),
                first_ghost_ms=ghosts[0],
                next_ghost_ms=ghosts[-1],
                answer_ms=percentile(answers, 0.5),
                servers=_size(together(servers)),
                helpers=_size(together(helpers)),
                engine=_size(engine),
                weights=mapped + copied,
                cache=facts.cache_bytes,
                above=_size(together([*servers, engine])),
            )


@contextlib.asynccontextmanager
async def _windows(home: Home, model: Path, count: int) -> AsyncIterator[list[Window]]:
    windows = [Window(home.root, model) for _ in range(count)]
    for window in windows:
        await window.start()
    try:
        yield windows
    finally:
        left = [engine for window in windows for engine in engines(window.pid)]
        for window in windows:
            await window.stop()
        end(left)


def _long(count: int) -> Passage:
    """Return a passage in the middle of a file of 10,000 lines."""
    short = passages(1, 1, count)[0]
    filling = [*short.before, *short.target, *short.after]
    times = LINES // 2 // len(filling) + 1
    before, after = (filling * times)[-LINES // 2 :], (filling * times)[: LINES // 2]
    return Passage("long.py", tuple(before), short.target, tuple(after))


async def _timed(window: Window, line: int, column: int) -> float:
    """Put a digit before the cursor, so that no answer is known, and time the new one."""
    began = time.perf_counter()
    window.change(Edit((line, column), (line, column), "1"))
    await window.ask(line, column + 1)
    return _since(began)


def _size(held: Memory) -> int:
    return held.anonymous + sum(held.files.values())


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="What Linewise costs besides the model.")
    parser.add_argument("--keys", type=int, default=600)
    parser.add_argument("--windows", type=int, default=10)
    parser.add_argument("--model", type=Path, default=default_model())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    facts = machine()
    print(f"{facts['date']}, {facts['processor']}, load {facts['load']}\n", flush=True)
    keys = asyncio.run(time_keys(options.keys))
    rows = [
        (name, str(len(ms)), show(percentile(ms, 0.5), 2), show(percentile(ms, 0.99), 2))
        for name, ms in (
            ("key to engine request, ms", keys.to_request),
            ("key to answer of an engine that takes no time, ms", keys.to_answer),
        )
    ]
    print(table((f"in a file of {LINES:,} lines", "keys", "p50", "p99"), rows), flush=True)
    prints = [asyncio.run(measure(count, options.model)) for count in (1, options.windows)]
    megabytes = ("weights", "cache", "servers", "engine", "above", "helpers")
    milliseconds = ("initialize_ms", "first_ghost_ms", "next_ghost_ms", "answer_ms")
    names = {
        "initialize_ms": "start to `initialize` answered, median, ms",
        "first_ghost_ms": "start of the first server to its first ghost text, ms",
        "next_ghost_ms": "start of the last server to its first ghost text, ms",
        "answer_ms": "answer when all windows ask at once, median, ms",
        "weights": "weights, MB",
        "cache": "KV cache, MB",
        "servers": "servers, MB",
        "engine": "engine without weights and KV cache, MB",
        "above": "servers and engine above weights and KV cache, MB",
        "helpers": "helpers of the servers, MB",
    }
    cells = [("engine processes", *(str(p.engines) for p in prints))]
    cells += [(names[n], *(show(getattr(p, n), 0) for p in prints)) for n in milliseconds]
    cells += [(names[n], *(show(getattr(p, n) / 1e6, 0) for p in prints)) for n in megabytes]
    print("\n" + table(("", *(f"{p.windows} windows" for p in prints)), cells))
    if options.json:
        options.json.write_text(as_json({"machine": facts, "keys": keys, "windows": prints}))


if __name__ == "__main__":
    main()
