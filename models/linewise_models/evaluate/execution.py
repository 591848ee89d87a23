"""Runs programs that a model wrote, each in a process of its own that can harm nothing.

In: a program's text and what it reads. Out: how it ended and what it wrote. See `launcher` for what
such a process may not do. Never imports or executes any of it in this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from linewise_models.evaluate import launcher

Outcome = Literal["finished", "exited", "failed", "timeout", "refused"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use."""

    cpu_seconds: int = 10
    wall_seconds: float = 60.0
    """Longer than the processor time, which is what counts: the machine may be busy."""
    memory_bytes: int = 1 << 30
    """Of address space."""
    output_bytes: int = 4 << 20
    strict: bool = True
    """Whether to run nothing where the process cannot be isolated."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended."""

    outcome: Outcome
    output: str
    reason: str
    """The last line of its errors, empty where there is none."""


async def run_program(program: str, stdin: str = "", limits: Limits | None = None) -> Ending:
    """Run a Python program in an empty directory and wait for its end.

    "exited" is an end that the program chose, which is none of a test that should have run through.
    """
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="linewise-run-") as directory:
        folder = Path(directory)
        path = folder / "program.py"
        path.write_text(program, encoding="utf-8", errors="replace", newline="")
        (folder / "stdin").write_text(stdin, encoding="utf-8", newline="")
        code = await _spawn(path, limits)
        output = (folder / "stdout").read_text("utf-8", "replace")
        errors = (folder / "stderr").read_text("utf-8", "replace").strip()
    outcomes: dict[int | None, Outcome] = {
        None: "timeout",
        launcher.RAN_TO_ITS_END: "finished",
        launcher.NOT_ISOLATED: "refused",
        0: "exited",
    }
    return Ending(outcomes.get(code, "failed"), output, errors.rpartition("\n")[2])


async def can_isolate() -> bool:
    """Say whether programs can be isolated on this machine."""
    return (await run_program("")).outcome == "finished"


async def _spawn(path: Path, limits: Limits) -> int | None:
    """Return the exit code; None where the time was over."""
    folder = path.parent
    # Files and not pipes: a program that floods its output fills a bounded file, not our memory.
    with (
        (folder / "stdin").open("rb") as stdin,
        (folder / "stdout").open("wb") as stdout,
        (folder / "stderr").open("wb") as stderr,
    ):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", "-B", "-X", "utf8", launcher.__file__),
            str(path),
            json.dumps(asdict(limits)),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            env={name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ},
            start_new_session=True,
        )
        try:
            await asyncio.wait_for(process.wait(), limits.wall_seconds)
        except TimeoutError:
            return None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    # -SIGXCPU, or SIGKILL a second later: the processor time is used up.
    return None if process.returncode in (-24, -9) else process.returncode
