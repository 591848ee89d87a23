"""Packages as lists of files: wheels that pip fetches, what is installed, folders, the library.

In: names, directories and a cache. Out: `Package`s, whose files are read when they are asked for.
Never runs, builds or imports what it reads: source distributions are not fetched for that reason.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path, PurePosixPath

from linewise_models.errors import ConfigError, TrainError
from linewise_models.train.licences import package_licence

LICENCE_FILE = re.compile(r"(licen[cs]e|copying|unlicense)[^/]*", re.IGNORECASE)
HIDDEN = frozenset({"__pycache__", "venv", "build", "dist", "node_modules"})

File = tuple[str, bytes]
"""A path inside the package, with slashes, and its content."""
Wanted = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Package:
    """Some code under one name, version and licence."""

    name: str
    version: str
    origin: str
    """pypi, installed, folder or standard library."""
    licence: str | None
    """SPDX; None where it is unknown."""
    read: Callable[[Wanted], Iterator[File]]
    """Yields the wanted files in the order of their paths."""

    @property
    def key(self) -> str:
        """The name as recipes write it: lower case, hyphens (PEP 503)."""
        return normal(self.name)


def fetched(requirement: str, cache: Path) -> Package:
    """Return a package from the cache of wheels, fetched into it if need be. Raises TrainError."""
    wheel = _wheel(requirement, cache)
    if wheel is None:
        cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary", ":all:"]
        command += ["--dest", str(cache), requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheel = _wheel(requirement, cache)
        if done.returncode or wheel is None:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise TrainError(
                f"pip could not download a wheel of {requirement}: "
                f"{lines[-1] if lines else done.stderr.strip() or 'no reason given'}"
            )
    return _from_wheel(wheel)


def installed(name: str) -> Package:
    """Return an installed package. Raises ConfigError where there is none."""
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise ConfigError(f"{name}, named in sources.installed, is not installed.") from None
    files = {
        str(PurePosixPath(file)): Path(str(file.locate())) for file in distribution.files or ()
    }
    metadata = _metadata(distribution.read_text("METADATA") or "")
    texts = [_text(path) for name, path in files.items() if LICENCE_FILE.fullmatch(path.name)]

    def read(wanted: Wanted) -> Iterator[File]:
        for name, path in sorted(files.items()):
            if wanted(name) and not name.startswith("..") and path.is_file():
                yield name, path.read_bytes()

    return Package(
        name=distribution.metadata["Name"],
        version=distribution.version,
        origin="installed",
        licence=package_licence(metadata, texts),
        read=read,
    )


def folder(path: Path, name: str = "", licence: str = "") -> Package:
    """Return the code in a directory; its licence is what is stated, or what it says itself."""
    if not path.is_dir():
        raise ConfigError(f"{path}, named in sources.folders, is not a directory.")
    found = sorted(path.glob("*.dist-info/METADATA")) or [path / "PKG-INFO"]
    metadata = _metadata(_text(found[0]))
    if not metadata.keys():
        metadata = _from_pyproject(path / "pyproject.toml")
    texts = [_text(file) for file in sorted(path.iterdir()) if LICENCE_FILE.fullmatch(file.name)]
    return Package(
        name=name or metadata.get("Name") or path.name,
        version=metadata.get("Version") or "",
        origin="folder",
        licence=licence or package_licence(metadata, texts),
        read=lambda wanted: _walk(path, wanted),
    )


def standard_library() -> Package:
    """Return the standard library of the Python that runs this, without what is installed in it."""
    root = Path(sysconfig.get_paths()["stdlib"])
    return Package(
        name="python",
        version=platform.python_version(),
        origin="standard library",
        licence="PSF-2.0",
        read=lambda wanted: _walk(
            root, lambda path: wanted(path) and not path.startswith("site-packages/")
        ),
    )


def _wheel(requirement: str, cache: Path) -> Path | None:
    """Return the wheel in the cache that a requirement names; without a version, any of it."""
    name, _, version = requirement.partition("==")
    wanted = normal(name)
    for file in sorted(cache.glob("*.whl"), reverse=True):
        parts = file.name.split("-")
        if normal(parts[0]) == wanted and version.strip() in ("", parts[1]):
            return file
    return None


def _from_wheel(path: Path) -> Package:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            info = next(m for m in members if re.fullmatch(r"[^/]+\.dist-info/METADATA", m))
            metadata = _metadata(archive.read(info).decode("utf-8", "replace"))
            texts = [
                archive.read(member).decode("utf-8", "replace")
                for member in members
                if ".dist-info/" in member and LICENCE_FILE.fullmatch(PurePosixPath(member).name)
            ]
    except (OSError, zipfile.BadZipFile, StopIteration) as error:
        raise TrainError(
            f"{path} is not a wheel that can be read. Delete it, run again."
        ) from error

    def read(wanted: Wanted) -> Iterator[File]:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.namelist()):
                if wanted(member):
                    yield member, archive.read(member)

    return Package(
        name=metadata["Name"],
        version=metadata["Version"],
        origin="pypi",
        licence=package_licence(metadata, texts),
        read=read,
    )


def files_below(root: Path, wanted: Wanted) -> Iterator[tuple[str, Path]]:
    """Yield the wanted files below a directory in order, without links and what is hidden."""
    for directory, names, files in os.walk(root):
        names[:] = sorted(n for n in names if n not in HIDDEN and not n.startswith("."))
        for name in sorted(files):
            path = Path(directory, name)
            inside = path.relative_to(root).as_posix()
            hidden = name.startswith(".") or path.is_symlink()
            if wanted(inside) and not hidden and path.is_file():
                yield inside, path


def _walk(root: Path, wanted: Wanted) -> Iterator[File]:
    return ((inside, path.read_bytes()) for inside, path in files_below(root, wanted))


def _from_pyproject(path: Path) -> Message:
    metadata = Message()
    try:
        project = tomllib.loads(_text(path)).get("project", {})
    except ValueError:
        return metadata
    for key in ("name", "version"):
        if isinstance(project.get(key), str):
            metadata[key.title()] = project[key]
    licence = project.get("license")
    if isinstance(licence, str):
        metadata["License-Expression"] = licence
    elif isinstance(licence, dict) and isinstance(licence.get("text"), str):
        metadata["License"] = licence["text"]
    classifiers: Iterable[object] = project.get("classifiers") or ()
    for classifier in classifiers:
        metadata["Classifier"] = str(classifier)
    return metadata


def _metadata(text: str) -> Message:
    return Parser().parsestr(text, headersonly=True)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def normal(name: str) -> str:
    """Return a package's name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
