"""How fast a model is on this machine, and what memory it takes: measured in rounds.

In: a model file. Out: `Figures`. The model runs in a process of its own, with the engine and the
sizes that editors get, because llama.cpp ends its process where it fails and because only so its
memory can be told from ours. Never keeps what it found: `measured` does.

    python -m linewise_models.bench JSON    what the process is told: model, threads, rounds
    {"loading": 0.4} … {"round": 1} …       what it says, a line each, and last of all
    {"figures": {…}} or {"error": "…"}
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from linewise_models.engine.contract import FimOrder, Finish, Part, Request
from linewise_models.errors import EngineLost, LoadError
from linewise_models.measured import Measurement

if TYPE_CHECKING:
    from linewise_models.engine.contract import Engine

PROMPT_CHARACTERS = 900
"""About 256 tokens of code: several slices, and within the context of any model."""
GENERATED = 64
"""Tokens of a round."""
MOST_REQUESTS = 16
"""A model that ends its text at once is asked so often in a round."""
WATCH_SECONDS = 0.02
"""How often the process's memory is looked at."""

Told = Callable[[str, float], None]
"""Hears what is done, "loading" or "measuring", and which share of it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; speeds in tokens a second, one a round."""

    prompt_speeds: tuple[float, ...]
    generation_speeds: tuple[float, ...]
    load_ms: float
    """Until the first request could be answered; longer where the file is not in the cache."""
    memory: int
    """Bytes of the process at the peak above the start; a GPU's own memory is not counted."""
    backend: str
    threads: int
    fim: FimOrder
    context: int

    @property
    def prompt_speed(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.prompt_speeds)

    @property
    def generation_speed(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.generation_speeds)

    def measurement(self, model: Path, day: str) -> Measurement:
        """Return what is kept of it. Raises OSError."""
        stat = model.stat()
        return Measurement(
            how="bench",
            model=str(model),
            size=stat.st_size,
            modified=stat.st_mtime_ns,
            day=day,
            backend=self.backend,
            threads=self.threads,
            prompt_speed=self.prompt_speed,
            generation_speed=self.generation_speed,
            load_ms=self.load_ms,
            memory=self.memory,
            fim=self.fim,
            context=self.context,
        )


def bench(model: Path, fim: FimOrder | None, threads: int, rounds: int, told: Told) -> Figures:
    """Measure a model in a process of its own.

    Raises LoadError where it cannot be served, and EngineLost where the process ended.
    """
    facts = {"model": str(model), "fim": fim, "threads": threads, "rounds": rounds}
    command = [sys.executable, "-P", "-m", "linewise_models.bench", json.dumps(facts)]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        ) as child,
    ):
        try:
            for line in child.stdout or ():
                said = json.loads(line)
                if "error" in said:
                    raise LoadError(said["error"])
                if "figures" in said:
                    return _figures_from(said["figures"])
                if "loading" in said:
                    told("loading", said["loading"])
                else:
                    told("measuring", said["round"] / rounds)
        finally:
            child.kill()
        log.seek(0)
        tail = log.read().decode("utf-8", "replace").strip().splitlines()[-1:]
    raise EngineLost(
        f"The engine stopped while {model.name} was measured: it was killed, or it ran out of "
        f"memory. {tail[0] if tail else 'It said nothing'}. Close other programs, or choose a "
        "smaller model: linewise models list."
    )


def run_rounds(
    engine: Engine, text: str, rounds: int, told: Callable[[int], None]
) -> list[tuple[float, float]]:
    """Return prompt and generation speed of each round, each with another piece of `text`."""
    speeds = []
    step = max(1, (len(text) - PROMPT_CHARACTERS) // rounds)
    for number in range(rounds):
        piece = text[number * step :][:PROMPT_CHARACTERS]
        speeds.append(_round(engine, f"bench {number}", piece))
        told(number + 1)
    return speeds


def _round(engine: Engine, session: str, text: str) -> tuple[float, float]:
    prompt = (Part("bench", text),)
    read = _ask(engine, Request(session, prompt, max_tokens=0, heal=False))
    tokens, milliseconds = 0, 0.0
    for number in range(MOST_REQUESTS):
        # The prompt is in the cache but for its last token: each token costs one step, the first
        # too. Greedy at first; a model that has said all it wants to is then asked by chance.
        finish = _ask(
            engine,
            Request(
                session,
                prompt,
                max_tokens=GENERATED - tokens,
                heal=False,
                must_speak=True,
                temperature=0.8 if number else 0.0,
                seed=number,
            ),
        )
        tokens, milliseconds = tokens + finish.generated_tokens, milliseconds + finish.total_ms
        if tokens >= GENERATED:
            break
    return _rate(read.evaluated_tokens, read.total_ms), _rate(tokens, milliseconds)


def _ask(engine: Engine, request: Request) -> Finish:
    *_, last = engine.generate(request, lambda: False)
    if not isinstance(last, Finish):
        raise TypeError("an engine ends with a Finish")
    return last


def _rate(tokens: int, milliseconds: float) -> float:
    return 1000 * tokens / max(milliseconds, 1e-3)


def _figures_from(data: dict[str, Any]) -> Figures:
    speeds = {key: tuple(data[key]) for key in ("prompt_speeds", "generation_speeds")}
    return Figures(**data | speeds)


class _Peak:
    """The most memory that this process had, looked at from a thread of its own."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._over = threading.Event()
        self._start = self._most = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> int:
        """Return the bytes at the peak above the start."""
        self._over.set()
        self._thread.join()
        self._look()
        return self._most - self._start

    def _watch(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            self._look()

    def _look(self) -> None:
        self._most = max(self._most, self._process.memory_info().rss)


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)  # noqa: T201 # the answer to the process that asked


def main() -> None:
    """Measure what the command line says."""
    from linewise_models.host.address import Served
    from linewise_models.host.process import load

    facts = json.loads(sys.argv[1])
    text = resources.files("linewise_models").joinpath("store.py").read_text(encoding="utf-8")
    served = Served(Path(facts["model"]), threads=facts["threads"], fim=facts["fim"])
    told = -1

    def loading(share: float) -> None:
        nonlocal told
        if (step := math.floor(share * 10)) > told:
            told = step
            _say({"loading": share})

    peak = _Peak()
    try:
        engine = load(served, loading)
    except LoadError as error:
        _say({"error": str(error)})
        return
    speeds = run_rounds(engine, text, facts["rounds"], lambda number: _say({"round": number}))
    report = engine.report()
    memory = peak.end()
    prompt, generation = zip(*speeds, strict=True)
    engine.close()
    figures = Figures(
        prompt,
        generation,
        report.load_ms,
        memory,
        report.backend,
        report.threads,
        report.fim,
        report.context,
    )
    _say({"figures": asdict(figures)})


if __name__ == "__main__":
    main()
