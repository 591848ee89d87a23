"""Where Linewise keeps its files on this machine.

In: the environment. Out: a `Home`, the paths of the directories. Never creates anything: whoever
writes a file makes its directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Home:
    """The directories of one user; all lie under `root`."""

    root: Path

    @classmethod
    def locate(cls, environ: Mapping[str, str]) -> Home:
        """Return the home that `LINEWISE_HOME` names, else the platform's user data directory."""
        override = environ.get("LINEWISE_HOME")
        if override:
            return cls(Path(override).expanduser().absolute())
        return cls(platformdirs.user_data_path("linewise", appauthor=False))

    @property
    def models(self) -> Path:
        """Model files, one GGUF and one receipt each."""
        return self.root / "models"

    @property
    def measured(self) -> Path:
        """How fast models are on this machine."""
        return self.root / "measured"

    @property
    def run(self) -> Path:
        """Sockets and keys of running engines."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """Logs of the server, the engine and downloads."""
        return self.root / "logs"

    @property
    def cache(self) -> Path:
        """What can be fetched or computed again: deleting it loses time only."""
        return self.root / "cache"
