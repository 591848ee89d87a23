"""Foretelling in a process of its own, because llama.cpp ends its process where it fails.

In: a model file and what it is to foretell. Out: facts of the run, then how well each passage was
foretold, as it comes. The child prints a JSON document a line; whoever stops listening ends it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from linewise_models.errors import ModelError
from linewise_models.evaluate.errors import EvaluationError
from linewise_models.evaluate.perplexity import Told, tell

if TYPE_CHECKING:
    from linewise_models.engine.native import Native

CONTEXT = 2048
"""Tokens, as the engine process serves a model; fewer where the model was trained on fewer."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known before the first passage was told."""

    passages: int
    skipped: list[str]
    """Files that are not UTF-8."""
    kind: str
    """`prepared` or `code`."""
    context: int
    fills_in: bool
    threads: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is to foretell."""

    model: Path
    path: Path
    limit: int | None = None
    fim: bool = True
    """Whether to use the model's own format for filling in, where it has one."""
    threads: int = 0


@contextlib.contextmanager
def foretell(asked: Asked) -> Iterator[tuple[Facts, Iterator[Told]]]:
    """Give the facts, and the passages as they are told. Raises EvaluationError."""
    document = json.dumps({name: _plain(value) for name, value in asdict(asked).items()})
    command = [sys.executable, "-m", "linewise_models.evaluate.telling", document]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8", text=True
        )
        assert child.stdout is not None  # noqa: S101 # it is a pipe
        try:
            first = child.stdout.readline()
            if not first:
                raise _failed(child, errors)
            yield Facts(**json.loads(first)), _lines(child, child.stdout, errors)
        finally:
            child.kill()
            child.wait()
            child.stdout.close()


def _lines(child: subprocess.Popen[str], lines: IO[str], errors: IO[str]) -> Iterator[Told]:
    for line in lines:
        yield Told.read(json.loads(line))
    if child.wait():
        raise _failed(child, errors)


def _failed(child: subprocess.Popen[str], errors: IO[str]) -> EvaluationError:
    code = child.wait()
    errors.seek(0)
    said = [line for line in errors.read().splitlines() if line.strip()]
    return EvaluationError(said[-1] if said else f"llama.cpp ended with code {code}.")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def load(model: Path, threads: int = 0) -> tuple[Native, bool]:
    """Return a model as it is served, and whether it fills in. Raises LoadError."""
    from linewise_models.engine.contract import Mark
    from linewise_models.engine.native import LoadOptions, Native

    options = LoadOptions(model, context=CONTEXT, sequences=1, threads=threads, batch=64)
    native = Native(options, lambda share: None)
    return native, {Mark.PREFIX, Mark.SUFFIX, Mark.MIDDLE} <= native.marks().keys()


def main(document: str) -> None:
    """Tell what the document asks for, on stdout."""
    from linewise_models.evaluate.passages import choose

    told = json.loads(document)
    asked = Asked(**told | {"model": Path(told["model"]), "path": Path(told["path"])})
    native, fills_in = load(asked.model, asked.threads)
    chosen = choose(asked.path, native, asked.fim and fills_in, asked.limit)
    facts = Facts(
        passages=len(chosen.passages),
        skipped=chosen.skipped,
        kind=chosen.kind,
        context=native.context,
        fills_in=asked.fim and fills_in,
        threads=native.threads,
    )
    _say(asdict(facts))
    for passage in chosen.passages:
        _say(asdict(tell(native, passage)))
    native.close()


def _say(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)  # noqa: T201 # the answer to the process that asked


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except ModelError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
