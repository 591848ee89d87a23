"""Who ever got something from this machine, and under which keys, so that all can be taken back.

In: targets (collector and project) and keys, before anything is sent under them. Out: all of them.
Nothing here goes by a clock, which may jump. A file a target, to which lines are added, so that
windows need not wait for each other; what was sent outlives a subscription, and so do they.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MOST_KEYS = 200
"""A target's newest keys, some years of them; collectors keep nothing for so long."""
_NOTE = re.compile(r"(\S+#\S*) ([0-9a-f]{32})")


class Recipients:
    """The targets and keys noted in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._noted: set[tuple[str, str]] = set()

    def note(self, target: str, key: str) -> None:
        """Keep a target and a key. Raises OSError where they cannot be kept."""
        if (target, key) in self._noted:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / hashlib.sha256(target.encode()).hexdigest()[:32]
        # Its own line in any case, also behind one that a full disk cut off.
        line = f"\n{target} {key}\n".encode()
        with open(path, "ab", buffering=0, opener=_private) as stream:
            if stream.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(stream.fileno())
        self._noted.add((target, key))

    def noted(self) -> list[tuple[str, str]]:
        """Return every (target, key) that was ever noted and can be read."""
        found: list[tuple[str, str]] = []
        for path in sorted(self._directory.glob("[0-9a-f]*")):
            try:
                lines = path.read_text(encoding="utf-8").split("\n")
            except (OSError, UnicodeDecodeError):
                continue
            notes = (_NOTE.fullmatch(line) for line in lines)
            found += list(dict.fromkeys((note[1], note[2]) for note in notes if note))[-MOST_KEYS:]
        return found


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
