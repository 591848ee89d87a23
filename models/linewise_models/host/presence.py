"""Which engine processes serve a model just now.

In: the run directory. Out: process numbers. An engine leaves a note while it serves; the note of
one that was killed names a process that is gone, or a younger one of the same number, and counts
for nothing. Never ends a process.

    run/engine-DIGEST.serving    {"process": NUMBER, "started": SECONDS, "model": PATH}
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from linewise_models.host.address import Address

_SAME_SECONDS = 1.0
"""Systems tell when a process started to a hundredth of a second, rounded as they like."""


@contextlib.contextmanager
def announced(model: Path, address: Address) -> Iterator[None]:
    """Leave a note that this process serves a model, for as long as the context lasts."""
    note = _note(address)
    facts = {
        "process": os.getpid(),
        "started": psutil.Process().create_time(),
        "model": str(model.resolve()),
    }
    note.write_text(json.dumps(facts), encoding="utf-8")
    try:
        yield
    finally:
        # The next engine may have left its own here already.
        if (there := _living(note)) is not None and there["process"] == facts["process"]:
            note.unlink(missing_ok=True)


def process_at(address: Address) -> int | None:
    """Return the number of the process that says it serves at an address; None where none does."""
    facts = _living(_note(address))
    return int(facts["process"]) if facts is not None else None


def processes_serving(model: Path, run: Path) -> list[int]:
    """Return the numbers of the engine processes that serve a model file."""
    found = []
    for note in run.glob("engine-*.serving"):
        facts = _living(note)
        if facts is not None and facts.get("model") == str(model.resolve()):
            found.append(int(facts["process"]))
    return sorted(found)


def _note(address: Address) -> Path:
    return address.lock.with_suffix(".serving")


def _living(note: Path) -> dict[str, Any] | None:
    """Return what a note says; None where its process is gone."""
    try:
        facts = json.loads(note.read_text(encoding="utf-8"))
        started = psutil.Process(facts["process"]).create_time()
        same = abs(started - facts["started"]) < _SAME_SECONDS
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return dict(facts) if same else None
