"""One model at several sizes, and what each costs in quality.

In: a GGUF file, the better for being F16, and held-out examples. Out: a GGUF file a type, and a
`Row` of figures of each. llama.cpp quantises and is measured in processes of their own, because it
ends its process where it fails. Never trains and never changes the model it is given.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from linewise_models.errors import ModelError, TrainError
from linewise_models.evaluate.weights import read_header
from linewise_models.train.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

FILE_TYPES = {"F16": 1, "Q8_0": 7, "Q6_K": 18, "Q5_K_M": 17, "Q4_K_M": 15, "Q4_0": 2}
"""llama.cpp's name of a type -> its number (llama.h, enum llama_ftype)."""
TOLERANCE = 0.01
"""A perplexity within this share of the lowest is as good."""
PROMPT, ANSWER = 40, 20
"""Tokens of a usual request that had to be evaluated and generated: what "fast" is about."""


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one file."""

    type: str
    """As it was asked for."""
    holds: dict[str, float]
    """Type of tensors -> its share of their bytes, the largest first: llama.cpp gives a tensor
    whose rows do not suit a type another one."""
    path: Path
    size: int
    """Bytes."""
    prompt_speed: float
    """Tokens a second, as the engine measures them."""
    generation_speed: float
    perplexity: float
    """Of the learnt tokens of held-out examples."""
    exact: float
    """Share of held-out middles that greedy decoding writes token by token."""
    examples: int

    @property
    def seconds(self) -> float:
        """What a usual request takes."""
        return PROMPT / self.prompt_speed + ANSWER / self.generation_speed


def quantise(
    model: Path,
    folder: Path,
    types: Sequence[str],
    data: Path,
    count: int,
    told: Callable[[str], None],
) -> Iterator[Row]:
    """Write `model` as each of `types` to `folder` and yield its figures on `count` examples.

    `told` hears what is being done. Raises TrainError with what llama.cpp said last, and
    DatasetError.
    """
    Dataset.open(data, "held_out")  # what is wrong with it is said before the long work
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainError(f"{folder} cannot be made: {error.strerror}.") from error
    for kind in types:
        target = folder / f"{model.stem}-{kind}.gguf"
        if target.resolve() == model.resolve():
            raise TrainError(f"{target} is the model itself. Name another directory: --out.")
        half = target.with_name(f".{target.name}.half")
        told(f"{kind}: quantising")
        try:
            _in_a_process("quantise", model, half, FILE_TYPES[kind])
            half.replace(target)
        finally:
            half.unlink(missing_ok=True)
        told(f"{kind}: measuring")
        figures = json.loads(_in_a_process("measure", target, data, count))
        _, sizes = read_header(target)
        holds = {name: size / sizes.total() for name, size in sizes.most_common()}
        yield Row(kind, holds, target, target.stat().st_size, **figures)


def pick(rows: Sequence[Row]) -> Row:
    """Return the fastest of those whose perplexity is within 1 % of the lowest."""
    lowest = min(row.perplexity for row in rows)
    good = [row for row in rows if row.perplexity <= lowest * (1 + TOLERANCE)]
    return min(good, key=lambda row: row.seconds)


def _in_a_process(work: str, *arguments: object) -> str:
    """Run `work` of this module elsewhere and return what it prints; TrainError where it fails."""
    command = [sys.executable, "-m", "linewise_models.train.quantise", work]
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1] if lines else f"it ended with code {done.returncode}"
        raise TrainError(f"llama.cpp could not {work} {arguments[0]}: {reason}")
    return done.stdout


def _quantise(model: str, target: str, file_type: str) -> None:
    import os

    from llama_cpp import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = int(file_type)
    parameters.allow_requantize = True
    if llama_cpp.llama_model_quantize(os.fsencode(model), os.fsencode(target), parameters):
        raise SystemExit(1)


def _measure(model: str, data: str, count: str) -> None:
    from pathlib import Path

    from linewise_models.engine.llama import LlamaEngine
    from linewise_models.engine.native import LoadOptions
    from linewise_models.evaluate.passages import drawn, of_dataset
    from linewise_models.evaluate.perplexity import Total, tell
    from linewise_models.evaluate.telling import load

    engine = LlamaEngine(LoadOptions(Path(model), context=512, sequences=1))
    report = engine.report()
    engine.close()
    native, fills_in = load(Path(model))
    dataset = Dataset.open(Path(data), "held_out")
    numbers = drawn(len(dataset), int(count))
    total = Total.of(
        tell(native, passage)
        for passage in of_dataset(dataset, numbers, native, fills_in, plain=False)
    )
    native.close()
    figures: dict[str, Any] = {
        "prompt_speed": report.prompt_speed,
        "generation_speed": report.generation_speed,
        "perplexity": total.perplexity,
        "exact": total.exact / total.passages,
        "examples": total.passages,
    }
    print(json.dumps(figures))  # noqa: T201 # the answer to the process that asked


if __name__ == "__main__":
    try:
        {"quantise": _quantise, "measure": _measure}[sys.argv[1]](*sys.argv[2:])
    except ModelError as error:
        sys.exit(str(error))
