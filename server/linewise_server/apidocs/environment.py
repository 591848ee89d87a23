"""Which Python a workspace uses, found by reading files: a root in, its environment out.

Nothing of the workspace is ever run, here or by jedi, which reads its packages as text; so a
workspace need not be trusted to have its docs linked.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_WITHIN_ROOT = (".venv", "venv", "env")


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python installation: `version` is (3, 12); `site_packages` hold its packages."""

    executable: Path
    version: tuple[int, int]
    site_packages: tuple[Path, ...]

    @property
    def is_own(self) -> bool:
        """Whether this is the interpreter that runs this program."""
        return self.executable == Path(sys.executable)


def own_environment() -> Environment:
    """Return the environment of the running interpreter."""
    folders = tuple(Path(p) for p in sys.path if p and Path(p).name.endswith("-packages"))
    return Environment(Path(sys.executable), sys.version_info[:2], folders)


def find_environment(
    root: Path | None, configured: Path | None, variables: Mapping[str, str]
) -> Environment:
    """Return the environment that a workspace uses.

    The setting comes first (an interpreter or an environment's folder), then the folders `.venv`,
    `venv` and `env` of the root, then VIRTUAL_ENV and CONDA_PREFIX, then the running interpreter.
    """
    folders = []
    if configured is not None:
        is_folder = configured.is_dir()
        folders.append(configured if is_folder else configured.parent.parent)
    if root is not None:
        folders += [root / name for name in _WITHIN_ROOT]
    folders += [Path(variables[k]) for k in ("VIRTUAL_ENV", "CONDA_PREFIX") if variables.get(k)]
    for folder in folders:
        found = _read(folder)
        if found is not None:
            return found
    return own_environment()


def _read(folder: Path) -> Environment | None:
    executables = [folder / "bin" / "python", folder / "Scripts" / "python.exe"]
    executable = next((path for path in executables if path.exists()), None)
    libraries = [*sorted(folder.glob("lib/python3.*/site-packages")), folder / "Lib/site-packages"]
    site_packages = tuple(path for path in libraries if path.is_dir())
    if executable is None or not site_packages:
        return None
    version = _configured_version(folder / "pyvenv.cfg") or _named_version(site_packages[0])
    if executable == Path(sys.executable):
        return own_environment()
    return Environment(executable, version or sys.version_info[:2], site_packages)


def _configured_version(config: Path) -> tuple[int, int] | None:
    try:
        text = config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    match = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else None


def _named_version(site_packages: Path) -> tuple[int, int] | None:
    match = re.fullmatch(r"python(\d+)\.(\d+)t?", site_packages.parent.name)
    return (int(match[1]), int(match[2])) if match else None
