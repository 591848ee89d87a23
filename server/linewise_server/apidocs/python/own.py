"""Which modules are a workspace's own: a name or a file in, yes or no out.

A file `random.py` beside the one that imports `random` is what Python finds, before the standard
library and before what is installed. Only file names are looked at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from linewise_server.apidocs.environment import Environment

_LIBRARY = Path(os.__file__).parent


@dataclass(frozen=True, slots=True)
class OwnModules:
    """The modules of the workspace at `root`, none where that is None, which uses `environment`."""

    root: Path | None
    environment: Environment

    def hide(self, name: str, importer: Path | None) -> bool:
        """Whether the module of a dotted name, as `importer` imports it, is the workspace's own.

        A folder without `__init__.py` hides nothing: any other module of its name comes first.
        """
        top = name.partition(".")[0]
        if not top.isidentifier() or top in sys.builtin_module_names:
            return False
        return any(
            (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file()
            for folder in self._searched(importer)
        )

    def hold(self, file: Path) -> bool:
        """Whether a file is the workspace's own rather than of something installed inside it."""
        return (
            self.root is not None and file.is_relative_to(self.root) and not self._installed(file)
        )

    def _searched(self, importer: Path | None) -> Iterator[Path]:
        """Yield the folders that Python searches before its own, as scripts, tests and pip do."""
        if importer is not None and self._installed(importer):
            return
        folder = importer.parent if importer is not None else None
        inside = folder is not None and self.root is not None and folder.is_relative_to(self.root)
        while folder is not None and folder != self.root:
            if not (folder / "__init__.py").is_file():
                yield folder
            folder = folder.parent if inside else None
        if self.root is not None:
            yield self.root
            yield self.root / "src"

    def _installed(self, file: Path) -> bool:
        library = "python{}.{}".format(*self.environment.version)
        folders = (_LIBRARY, self.environment.executable.parent.parent / "lib" / library)
        inside = any(file.is_relative_to(folder) for folder in folders)
        return inside or any(part.endswith("-packages") for part in file.parts)
