"""Typing real code: Linewise over LSP against llama.vscode on llama-server, same weights, one run.

    python -m tests.bench.typing [--keys N] [--files F] [--seed S] [--speed X] [--json FILE]

Passages of installed Python files are written key by key in real time, each on one side and then
on the other, which goes first taking turns. Needs the packages xllamacpp (llama-server) and gguf,
or `--llama-server PATH` instead of the former. SmolLM2 was not trained to fill in the middle: the
peer's copy of the model gets FIM ids from unused special tokens, which is fair to what it costs
and not to what it says.

VS Code waits 50 ms before it asks any provider; that is the same for both and left out.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figures import as_json, machine, mean, percentile, ratio, show, table
from tests.bench.keyboard import Passage, Typist, passages
from tests.bench.linewise_side import LinewiseSide
from tests.bench.llama_server import running, with_fim
from tests.bench.llama_vscode import LlamaVscodeSide
from tests.bench.processes import peak_memory, processor_seconds
from tests.bench.side import Record, Side, Speed

READING_SECONDS = 3.0
"""Between opening a file and the first key."""


@dataclass(slots=True)
class Tally:
    """All that was noted of one side."""

    name: str
    speed: Speed | None = None
    records: list[Record] = field(default_factory=list)
    processor: Counter[str] = field(default_factory=Counter)
    characters: int = 0
    accepted: int = 0
    acceptances: int = 0
    engine_requests: int = 0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one side."""

    name: str
    keys: int
    evaluated_median: float
    evaluated_p95: float
    evaluated_mean: float
    keys_with_suggestion: int
    shown_p50_ms: float
    shown_p95_ms: float
    processor_per_100_keys: float
    processor_by_process: dict[str, float]
    requests: int
    cancelled: int
    engine_requests: int
    without_engine: int
    origins: dict[str, int]
    filters: dict[str, int]
    acceptances: int
    keys_saved: float
    peak_memory_mb: float
    prompt_speed: float
    generation_speed: float


def summarise(tally: Tally) -> Summary:
    """Return the figures of one side."""
    records = tally.records
    shown = [record.shown_ms for record in records if record.shown_ms is not None]
    evaluated = [record.evaluated for record in records]
    origins = _counted(record.origin or "unanswered" for record in records)
    asked = {"model", "unanswered", "none"}
    speed = tally.speed or Speed(math.nan, math.nan)
    return Summary(
        name=tally.name,
        keys=len(records),
        evaluated_median=percentile(evaluated, 0.5),
        evaluated_p95=percentile(evaluated, 0.95),
        evaluated_mean=mean(evaluated),
        keys_with_suggestion=len(shown),
        shown_p50_ms=percentile(shown, 0.5),
        shown_p95_ms=percentile(shown, 0.95),
        processor_per_100_keys=100 * tally.processor.total() / len(records),
        processor_by_process={
            name: round(100 * seconds / len(records), 2)
            for name, seconds in tally.processor.most_common()
        },
        requests=len(records),
        cancelled=sum(record.cancelled for record in records),
        engine_requests=tally.engine_requests,
        without_engine=sum(count for origin, count in origins.items() if origin not in asked),
        origins=origins,
        filters=_counted(name for record in records for name in record.filters),
        acceptances=tally.acceptances,
        keys_saved=tally.accepted / tally.characters,
        peak_memory_mb=tally.memory / 1e6,
        prompt_speed=speed.prompt,
        generation_speed=speed.generation,
    )


async def write(side: Side, passage: Passage, seed: int, speed: float, tally: Tally) -> None:
    """Write a passage on one side, in real time divided by `speed`."""
    typist = Typist(passage, seed)
    loop = asyncio.get_running_loop()
    ghost = ""
    latest: Record | None = None

    def came(record: Record, text: str) -> None:
        nonlocal ghost
        if record is latest:
            ghost = text
            if text:
                record.shown_ms = (loop.time() - started) * 1000

    before = processor_seconds(side.root)
    await side.open(typist.page, passage.name)
    await asyncio.sleep(READING_SECONDS / speed)
    due = loop.time()
    while not typist.done:
        due += typist.gap() / speed
        await asyncio.sleep(max(0.0, due - loop.time()))
        key = typist.press(ghost)
        if key.kind == "accept":
            tally.acceptances += 1
            tally.accepted += key.written
        typed_on = key.kind == "char" and ghost.startswith(key.edit.text)
        ghost = ghost[len(key.edit.text) :] if typed_on else ""
        latest = Record(key.kind)
        tally.records.append(latest)
        started = loop.time()
        side.key(typist.page, key, latest, came)
    await asyncio.sleep(1.0 / speed)
    await side.close()
    tally.characters += passage.characters
    tally.processor += processor_seconds(side.root) - before
    tally.engine_requests += side.engine_requests
    tally.memory = max(tally.memory, peak_memory(side.root))


async def compare(options: argparse.Namespace) -> tuple[list[Summary], list[str]]:
    """Run both sides on the same passages; return their figures and the passages' names."""
    model, threads = Path(options.model), options.threads
    chosen = passages(options.seed, options.files, options.keys)
    with tempfile.TemporaryDirectory(prefix="linewise-bench-") as place:
        home = Path(place)
        fim = home / "fim.gguf"
        with_fim(model, fim)
        with running(fim, threads, home / "llama-server.log", options.llama_server) as server:
            note(f"llama-server {server.build} at {server.url}")
            linewise = LinewiseSide(model, threads, home / "linewise")
            await linewise.start()
            peer = LlamaVscodeSide(server, options.seed)
            sides: list[Side] = [linewise, peer]
            tallies = {side.name: Tally(side.name) for side in sides}
            text = "\n".join(chosen[0].before)[:900]
            for side in sides:
                tallies[side.name].speed = await side.speed(text)
            for number, passage in enumerate(chosen):
                for side in sides if number % 2 == 0 else sides[::-1]:
                    note(
                        f"{number + 1}/{len(chosen)} {passage.name}:{len(passage.before) + 1} "
                        f"({passage.characters} characters) with {side.name}"
                    )
                    await write(side, passage, options.seed, options.speed, tallies[side.name])
            for side in sides:
                await side.stop()
    names = [f"{passage.name}:{len(passage.before) + 1}" for passage in chosen]
    return [summarise(tallies[side.name]) for side in sides], names


def report(one: Summary, other: Summary) -> str:
    """Return the table that sets two sides beside each other."""
    rows: list[tuple[str, float, float, int]] = [
        ("keys pressed for the same text", one.keys, other.keys, 0),
        ("prompt tokens evaluated a key, median", one.evaluated_median, other.evaluated_median, 0),
        ("prompt tokens evaluated a key, p95", one.evaluated_p95, other.evaluated_p95, 0),
        ("prompt tokens evaluated a key, mean", one.evaluated_mean, other.evaluated_mean, 1),
        ("key to ghost text, p50, ms", one.shown_p50_ms, other.shown_p50_ms, 1),
        ("key to ghost text, p95, ms", one.shown_p95_ms, other.shown_p95_ms, 1),
        ("keys with ghost text", one.keys_with_suggestion, other.keys_with_suggestion, 0),
        (
            "processor seconds per 100 keys",
            one.processor_per_100_keys,
            other.processor_per_100_keys,
            1,
        ),
        (
            "processor seconds for the same text",
            one.processor_per_100_keys * one.keys / 100,
            other.processor_per_100_keys * other.keys / 100,
            1,
        ),
        ("requests of the editor", one.requests, other.requests, 0),
        ("of these cancelled by the next key", one.cancelled, other.cancelled, 0),
        ("of these answered without the engine", one.without_engine, other.without_engine, 0),
        ("requests to the engine", one.engine_requests, other.engine_requests, 0),
        ("acceptances", one.acceptances, other.acceptances, 0),
        ("keys saved, % of characters", 100 * one.keys_saved, 100 * other.keys_saved, 1),
        ("peak memory, MB", one.peak_memory_mb, other.peak_memory_mb, 0),
        ("alone: prompt tokens a second", one.prompt_speed, other.prompt_speed, 0),
        ("alone: generated tokens a second", one.generation_speed, other.generation_speed, 0),
    ]
    cells = [(what, show(a, n), show(b, n), show(ratio(a, b), 2)) for what, a, b, n in rows]
    return table(("", one.name, other.name, "ratio"), cells)


def note(text: str) -> None:
    """Say how far the run has come."""
    print(text, file=sys.stderr, flush=True)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def main() -> None:
    """Run and print."""
    from linewise_models.home import Home
    from linewise_models.index import load_index
    from linewise_models.store import Store

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--keys", type=int, default=600, help="characters to write on each side")
    parser.add_argument("--files", type=int, default=4, help="files they are taken from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0, help="2 types twice as fast")
    parser.add_argument("--model", help="a GGUF; by default the default model")
    parser.add_argument("--threads", type=int, default=0, help="of each engine; 0: all cores")
    parser.add_argument("--llama-server", help="a binary to use instead of xllamacpp")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    options.threads = options.threads or len(os.sched_getaffinity(0))
    if options.model is None:
        store = Store(Home.locate(os.environ), os.environ)
        options.model = store.path(load_index().resolve("smollm2-135m"))
    facts = machine()
    summaries, names = asyncio.run(compare(options))
    print(f"{facts['date']}, {facts['processor']}, {options.threads} threads, load {facts['load']}")
    print(f"{Path(options.model).name}; seed {options.seed}: {', '.join(names)}\n")
    print(report(*summaries))
    for summary in summaries:
        print(f"\n{summary.name}: answers by origin {summary.origins}; filters {summary.filters};")
        print(f"  processor seconds per 100 keys by process {summary.processor_by_process}")
    if options.json:
        options.json.write_text(
            as_json({"machine": facts, "passages": names, "sides": summaries, "seed": options.seed})
        )


if __name__ == "__main__":
    main()
