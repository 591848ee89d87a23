"""What was measured of models on this machine: by `linewise models bench`, or by an engine at load.

In: a `Measurement` of a model file. Out: the same again, as long as that file is there unchanged. A
bench is kept beside what loads measure, and wins. Never measures.

    measured/DIGEST.bench.json    DIGEST is of the file's path
    measured/DIGEST.load.json     of the last load
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from linewise_models.engine.contract import FimOrder, Report

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

How = Literal["bench", "load"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """The figures of one model file."""

    how: How
    model: str
    """The file's path."""
    size: int
    """Its bytes."""
    modified: int
    """When it was written, in nanoseconds."""
    day: str
    """When it was measured: YYYY-MM-DD."""
    backend: str
    threads: int
    prompt_speed: float
    """Prompt tokens evaluated a second."""
    generation_speed: float
    """Tokens generated a second."""
    load_ms: float
    memory: int | None
    """Bytes at the peak above the start; None where nobody watched."""
    fim: FimOrder
    context: int
    """Tokens that a session of the engine held."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """The measurements in one directory."""

    directory: Path

    def note(self, measurement: Measurement, model: Path) -> None:
        """Keep a measurement in place of the last one of its kind. Raises OSError."""
        path = self._path(model, measurement.how)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        half.write_text(json.dumps(dataclasses.asdict(measurement), indent=2), encoding="utf-8")
        half.replace(path)

    def note_load(self, report: Report, model: Path) -> None:
        """Keep what an engine measured while it loaded; it serves also where that fails."""
        if report.backend == "scripted":
            return
        try:
            stat = model.stat()
            measurement = Measurement(
                how="load",
                model=str(model),
                size=stat.st_size,
                modified=stat.st_mtime_ns,
                day=today(),
                backend=report.backend,
                threads=report.threads,
                prompt_speed=report.prompt_speed,
                generation_speed=report.generation_speed,
                load_ms=report.load_ms,
                memory=None,
                fim=report.fim,
                context=report.context,
            )
            self.note(measurement, model)
        except OSError as error:
            log.warning("the speed of %s is not kept: %s", model.name, error)

    def of(self, model: Path) -> Measurement | None:
        """Return what was measured of a file as it is now; None where nothing was."""
        for how in ("bench", "load"):
            try:
                text = self._path(model, how).read_text(encoding="utf-8")
                found, stat = Measurement(**json.loads(text)), model.stat()
            except (OSError, TypeError, ValueError):
                continue
            if (found.size, found.modified) == (stat.st_size, stat.st_mtime_ns):
                return found
        return None

    def forget(self, model: Path) -> None:
        """Forget what was measured of a file."""
        for how in ("bench", "load"):
            with contextlib.suppress(OSError):
                self._path(model, how).unlink()

    def _path(self, model: Path, how: str) -> Path:
        digest = hashlib.sha256(str(model.resolve()).encode()).hexdigest()[:16]
        return self.directory / f"{digest}.{how}.json"


def today() -> str:
    """Return the day, YYYY-MM-DD, in UTC."""
    return datetime.now(UTC).date().isoformat()
