"""The record of one evaluation: what was asked of what, how, where, and every result.

In: facts and results. Out: JSON that a later run can be compared with, and that somebody else can
judge by: prompt bytes, quantisation and rules for stopping are all in it. Results are of problems
or, of the suite `perplexity`, of passages.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Generic, TypeVar

from linewise_models.evaluate.errors import EvaluationError
from linewise_models.evaluate.figures import figures
from linewise_models.evaluate.perplexity import Told
from linewise_models.evaluate.run import Result

FORMAT = 1
PERPLEXITY = "perplexity"

R = TypeVar("R", Result, Told)


@dataclass(frozen=True, slots=True)
class Record(Generic[R]):
    """One evaluation."""

    suite: str
    data: dict[str, Any]
    """The file: name, SHA-256, problems in it that were chosen."""
    mode: str
    """Where the cursor stands, or how passages are asked."""
    pipeline: str
    rules: dict[str, Any]
    """How prompts are made and where answers end, in words and numbers."""
    model: dict[str, Any]
    machine: dict[str, Any]
    started: str
    """ISO 8601, UTC."""
    seconds: float
    complete: bool
    """False where the run was stopped before its end."""
    results: list[R] = field(default_factory=list)

    @property
    def title(self) -> str:
        """A few words for a heading."""
        words = [f"{self.model['name']} ({self.model['quantisation']})", self.pipeline, self.mode]
        if cross_file := self.rules.get("cross_file"):
            words.append(f"cross-file: {cross_file}")
        return ", ".join(words)


def write(record: Record[Any], path: Path) -> None:
    """Write a record; the file is whole or it is the one before. Raises OSError."""
    half = path.with_name(path.name + ".half")
    facts = asdict(record)
    results = facts.pop("results")
    said = [asdict(figure) for figure in figures(record.results)]
    document = {"format": FORMAT} | facts | {"figures": said, "results": results}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    half.write_text(text + "\n", encoding="utf-8", errors="surrogatepass")
    half.replace(path)


def read(path: Path) -> Record[Result]:
    """Return the record of problems in a file. Raises EvaluationError."""
    record = read_any(path)
    if record.suite == PERPLEXITY:
        raise EvaluationError(f"{path} is the record of a perplexity; it has no problems in it.")
    return record


def read_told(path: Path) -> Record[Told]:
    """Return the record of a perplexity in a file. Raises EvaluationError."""
    record = read_any(path)
    if record.suite != PERPLEXITY:
        raise EvaluationError(
            f"{path} is the record of {record.suite}; it has no perplexity in it."
        )
    return record


def read_any(path: Path) -> Record[Any]:
    """Return the record in a file, of whatever suite. Raises EvaluationError."""
    try:
        data = json.loads(path.read_text("utf-8", errors="surrogatepass"))
        if data.pop("format") != FORMAT:
            raise EvaluationError(f"{path} was written by another version; evaluate again.")
        data.pop("figures", None)  # they follow from the results
        kind: Any = Told if data["suite"] == PERPLEXITY else Result
        results = [kind.read(result) for result in data.pop("results")]
        return Record(**data, results=results)
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        # Its repr would hold the whole of a file that is no text.
        raise EvaluationError(f"{path} is not the record of an evaluation: {error}.") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{path} is not the record of an evaluation: {error!r}.") from error


def machine() -> dict[str, Any]:
    """Return what figures of time depend on, the load at this moment among it."""
    import psutil

    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "llama_cpp_python": metadata.version("llama-cpp-python"),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")
