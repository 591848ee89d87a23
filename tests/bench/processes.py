"""What a tree of processes costs: processor seconds and memory.

In: the id of its root. Out: sums over the root and all that descend from it. Starts no process;
ends the engine processes of a benchmark, which would wait for other windows.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that a process holds now, from its smaps."""

    anonymous: int
    """Its own: heap, stacks, buffers, and what it changed of the files it maps."""
    files: dict[str, int]
    """Resident size of each file that it maps, such as a library or a model's weights."""


def tree(root: int) -> list[psutil.Process]:
    """Return a process and its descendants that still live."""
    process = psutil.Process(root)
    return [process, *process.children(recursive=True)]


def engines(root: int) -> list[psutil.Process]:
    """Return the engine processes in a tree."""
    return [process for process in tree(root)[1:] if "linewise_models.host" in _command(process)]


def end(processes: Iterable[psutil.Process]) -> None:
    """End processes and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            process.wait()


def processor_seconds(root: int) -> Counter[str]:
    """Return the user and system time that each process of a tree has used, by what it runs."""
    seconds: Counter[str] = Counter()
    for process in tree(root):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            # A Counter adds floats as well; typeshed knows whole numbers only.
            seconds[_role(process)] += times.user + times.system  # type: ignore[assignment]
    return seconds


def peak_memory(root: int) -> int:
    """Return the sum of the largest resident sizes, in bytes; shared pages count in each."""
    return sum(_status(process.pid, "VmHWM") for process in tree(root))


def memory(pid: int) -> Memory:
    """Return what a process holds."""
    anonymous = 0
    files: dict[str, int] = {}
    file = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split(maxsplit=5)
        if not words[0].endswith(":"):
            file = words[5] if len(words) > 5 and words[5].startswith("/") else ""
        elif words[0] == "Rss:" and file:
            files[file] = files.get(file, 0) + int(words[1]) * 1024
        elif words[0] == "Rss:":
            anonymous += int(words[1]) * 1024
        elif words[0] == "Anonymous:" and file:
            anonymous += int(words[1]) * 1024
            files[file] -= int(words[1]) * 1024
    return Memory(anonymous, files)


def together(parts: Iterable[Memory]) -> Memory:
    """Return what processes hold together; a file that several map is in memory once."""
    anonymous = 0
    files: dict[str, int] = {}
    for part in parts:
        anonymous += part.anonymous
        for file, size in part.files.items():
            files[file] = max(files.get(file, 0), size)
    return Memory(anonymous, files)


def _role(process: psutil.Process) -> str:
    """Return the module that a Python process runs, else its program."""
    command = _command(process)
    module = command[command.index("-m") + 1] if "-m" in command else ""
    return module or Path(command[0] if command else "ended").name


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _status(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    found = next((line for line in lines if line.startswith(field)), f"{field}: 0")
    return int(found.split()[1]) * 1024
