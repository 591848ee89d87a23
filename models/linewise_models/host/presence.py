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
from typing import TYPE_CHECKING

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
    note = address.lock.with_suffix(".serving")
    facts = {
        "process": os.getpid(),
        "started": psutil.Process().create_time(),
        "model": str(model.resolve()),
    }
    note.write_text(json.dumps(facts), encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def processes_serving(model: Path, run: Path) -> list[int]:
    """Return the numbers of the engine processes that serve a model file."""
    found = []
    for note in run.glob("engine-*.serving"):
        try:
            facts = json.loads(note.read_text(encoding="utf-8"))
            started = psutil.Process(facts["process"]).create_time()
            same = abs(started - facts["started"]) < _SAME_SECONDS
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            continue
        if same and facts["model"] == str(model.resolve()):
            found.append(int(facts["process"]))
    return sorted(found)
