"""Who ever got something from this machine, so that it can be taken back from all of them.

In: targets (collector and project), before anything is sent to them. Out: all of them. A file each,
so that windows need not wait for each other; what was sent outlives a subscription, and so do they.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from linewise_telemetry import atomic

if TYPE_CHECKING:
    from pathlib import Path


class Recipients:
    """The targets noted in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._noted: set[str] = set()

    def note(self, target: str) -> None:
        """Keep a target. Raises OSError where it cannot be kept."""
        if target not in self._noted:
            name = hashlib.sha256(target.encode()).hexdigest()[:32]
            atomic.write(self._directory / name, target)
            self._noted.add(target)

    def targets(self) -> list[str]:
        """Return every target that was ever noted and can be read."""
        found = []
        for path in sorted(self._directory.glob("[0-9a-f]*")):
            try:
                found.append(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError):
                continue
        return [target for target in found if "#" in target]
