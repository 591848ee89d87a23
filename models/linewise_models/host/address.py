"""Where an engine process listens, and the key that lets a client in.

In: the run directory and what is served. Out: a path or pipe name that differs for each version of
Linewise, model file and set of options, so that those that differ never meet; and a key in a file
that only the user can read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from linewise_models.engine.contract import FimOrder

_LONGEST_SOCKET_PATH = 100
"""sun_path has room for 108 bytes on Linux and 104 on macOS, the final NUL among them."""


@dataclass(frozen=True, slots=True)
class Served:
    """What an engine process serves; two windows that want the same share it."""

    model: Path
    context: int = 2048
    sequences: int = 4
    threads: int = 0
    fim: FimOrder | None = None
    idle_minutes: float = 10.0
    version: str = "0"


@dataclass(frozen=True, slots=True)
class Address:
    """One engine's place: the name of its socket or pipe and of the files beside it."""

    name: str
    lock: Path
    """Held by a window while it starts the engine."""
    door: Path
    """Held by the engine for as long as its door is open."""
    log: Path


def locate(served: Served, run: Path) -> Address:
    """Return where the engine for `served` listens, within the user's run directory."""
    facts = dataclasses.asdict(served) | {
        "model": _identity(served.model),
        # 10 and 10.0 are one setting, and two texts.
        "idle_minutes": float(served.idle_minutes),
        "home": str(run),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    run.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock, door, log = (run / f"engine-{digest}.{what}" for what in ("lock", "door", "log"))
    if sys.platform == "win32":
        return Address(rf"\\.\pipe\linewise-{digest}", lock, door, log)
    name = run / f"engine-{digest}.sock"
    if len(os.fsencode(name)) > _LONGEST_SOCKET_PATH:
        short = Path(tempfile.gettempdir()) / f"linewise-{os.getuid()}"
        short.mkdir(mode=0o700, exist_ok=True)
        if short.stat().st_uid != os.getuid() or short.stat().st_mode & 0o077:
            raise PermissionError(f"{short} is not private to you; remove it and try again.")
        name = short / name.name
    return Address(str(name), lock, door, log)


def read_key(run: Path) -> bytes:
    """Return the key that engines and clients of this user share; makes it the first time."""
    path = run / "engine.key"
    run.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        fresh = run / f"engine.key.{secrets.token_hex(4)}"
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        # A link fails where the name is taken, so that of two that start at once one wins.
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()


def _identity(model: Path) -> list[str | int]:
    """Return what tells one model file from another that later took its place."""
    try:
        stat = model.stat()
    except OSError:
        return [str(model)]
    return [str(model.resolve()), stat.st_size, stat.st_mtime_ns]
