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

    What is configured comes first, then the folders `.venv`, `venv` and `env` of the root, then
    VIRTUAL_ENV and CONDA_PREFIX, then the running interpreter.
    """
    found = environment_at(configured) if configured is not None else None
    if found is not None:
        return found
    folders = [root / name for name in _WITHIN_ROOT] if root is not None else []
    folders += [Path(variables[k]) for k in ("VIRTUAL_ENV", "CONDA_PREFIX") if variables.get(k)]
    for folder in folders:
        found = _read(folder)
        if found is not None:
            return found
    return own_environment()


def environment_at(place: Path) -> Environment | None:
    """Return the environment of a folder or an interpreter, None where there is none.

    An interpreter is taken by its name in an environment, else by where its links lead.
    """
    if place.is_dir():
        return _read(place)
    if not place.exists():
        return None
    for path in dict.fromkeys((place, place.resolve())):
        # On Windows the interpreter of conda stands in the environment's folder itself.
        for folder in (path.parent.parent, path.parent):
            found = _read(folder, path)
            if found is not None:
                return found
    return None


def _read(folder: Path, interpreter: Path | None = None) -> Environment | None:
    """Return the environment in a folder; `interpreter` where its name is known."""
    names = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
    executables = [interpreter] if interpreter is not None else [folder / name for name in names]
    executable = next((path for path in executables if path.exists()), None)
    config = folder / "pyvenv.cfg"
    version = _configured_version(config) or _version_in(executable)
    site_packages = _site_packages(folder, version)
    if executable is None or not site_packages:
        return None
    if executable == Path(sys.executable):
        return own_environment()
    version = version or _named_version(site_packages[0]) or sys.version_info[:2]
    return Environment(executable, version, (*site_packages, *_base_packages(config, version)))


def _site_packages(folder: Path, version: tuple[int, int] | None) -> tuple[Path, ...]:
    """Return the folders of packages, of one version where it is known; Debian has its own."""
    python = "python{}.{}*".format(*version) if version is not None else "python3.*"
    places = [*sorted(folder.glob(f"lib/{python}/site-packages")), folder / "Lib/site-packages"]
    places += [*sorted(folder.glob(f"local/lib/{python}/dist-packages"))]
    places += [folder / "lib" / "python3" / "dist-packages"]
    return tuple(path for path in places if path.is_dir())


def _base_packages(config: Path, version: tuple[int, int]) -> tuple[Path, ...]:
    """Return what an environment sees of the installation that it was made from."""
    text = _text(config)
    shares = re.search(r"^include-system-site-packages\s*=\s*[tT]rue", text, re.MULTILINE)
    home = re.search(r"^home\s*=\s*(.+)", text, re.MULTILINE)
    if shares is None or home is None:
        return ()
    binaries = Path(home[1].strip())
    folder = binaries.parent if binaries.name == "bin" else binaries
    return _site_packages(folder, version)


def _version_in(executable: Path | None) -> tuple[int, int] | None:
    """Return the version that an interpreter's own name says: `/usr/bin/python3.11`."""
    name = executable.resolve().name if executable is not None else ""
    match = re.fullmatch(r"python(\d+)\.(\d+)t?(?:\.exe)?", name)
    return (int(match[1]), int(match[2])) if match else None


def _configured_version(config: Path) -> tuple[int, int] | None:
    match = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", _text(config), re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else None


def _named_version(site_packages: Path) -> tuple[int, int] | None:
    match = re.fullmatch(r"python(\d+)\.(\d+)t?", site_packages.parent.name)
    return (int(match[1]), int(match[2])) if match else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
