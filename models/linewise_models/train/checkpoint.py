"""Checkpoints: everything that a run needs to go on as if it had never stopped.

In: weights that learn, the optimiser's moments, counters. Out: directories that are whole or not
there, and what was in them. Holds no pickles, so that a foreign checkpoint can run nothing.

    RUN/checkpoints/step-00000120/weights.safetensors    the weights that learn
                                  optimiser.safetensors  AdamW's two moments and step of each
                                  state.json             `State`, and the SHA-256 of the two files
    RUN/best.safetensors                                 the weights with the best held-out loss

Random numbers need no place here: steps use none, and the order of the data follows from the seed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from linewise_models.errors import TrainError
from linewise_models.train.batches import Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch.optim import Optimizer

BEST = "best.safetensors"


@dataclass(slots=True)
class State:
    """The counters of a run."""

    step: int = 0
    place: Place = field(default_factory=Place)
    seconds: float = 0.0
    """Time spent computing, over all the stretches of the run."""
    best: float = float("inf")
    """The lowest held-out loss so far."""
    stale: int = 0
    """Evaluations since then."""


def write_checkpoint(
    run: Path,
    state: State,
    learning: Mapping[str, Tensor],
    optimiser: Optimizer,
    identity: Mapping[str, Any],
    keep: int,
) -> Path:
    """Write a checkpoint and drop the oldest beyond `keep`. Raises TrainError; those stay then.

    `identity` is what must be equal for another run to go on from it.
    """
    folder = run / "checkpoints"
    target = folder / f"step-{state.step:08d}"
    half = folder / f".half-{os.getpid()}"
    files = {
        "weights.safetensors": save(_plain(learning)),
        "optimiser.safetensors": save(_moments(learning, optimiser)),
    }
    document = {
        **asdict(state),
        "identity": identity,
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    files["state.json"] = json.dumps(document, indent=2).encode()
    try:
        for killed in folder.glob(".half-*"):
            shutil.rmtree(killed, ignore_errors=True)
        half.mkdir(parents=True)
        for name, data in files.items():
            _write(half / name, data)
        shutil.rmtree(target, ignore_errors=True)
        half.rename(target)
    except OSError as error:
        shutil.rmtree(half, ignore_errors=True)
        raise _refused(target, error, find_checkpoints(run)) from error
    for old in find_checkpoints(run)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def write_best(run: Path, learning: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Write the weights that are the best so far; `facts` go into the file. Raises TrainError."""
    half = run / f".{BEST}.half"
    try:
        _write(half, save(_plain(learning), dict(facts)))
        half.replace(run / BEST)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink()
        raise _refused(run / BEST, error, find_checkpoints(run)) from error


def find_checkpoints(run: Path) -> list[Path]:
    """Return the directories of the checkpoints of a run, oldest first."""
    return sorted((run / "checkpoints").glob("step-*"))


def read_checkpoint(
    path: Path,
    learning: Mapping[str, Tensor],
    optimiser: Optimizer,
    identity: Mapping[str, Any],
) -> State:
    """Put a checkpoint's weights and moments in their places and return its counters.

    Raises TrainError where it is damaged, or of a run that was told something else.
    """
    again = f"Remove {path} to go on from the one before it."
    try:
        document = json.loads((path / "state.json").read_text(encoding="utf-8"))
        files = {name: (path / name).read_bytes() for name in document["sha256"]}
        for name, data in files.items():
            if hashlib.sha256(data).hexdigest() != document["sha256"][name]:
                raise TrainError(f"{path / name} is damaged: its SHA-256 is wrong. {again}")
        weights = load(files["weights.safetensors"])
        moments = load(files["optimiser.safetensors"])
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise TrainError(f"{path} cannot be read: {error}. {again}") from error
    # Through JSON and back, as the written one went.
    if (found := document["identity"]) != json.loads(json.dumps(identity)):
        changed = sorted(
            key for key in found | dict(identity) if found.get(key) != identity.get(key)
        )
        raise TrainError(
            f"{path} is of a run with another {' and '.join(changed)}. Resume with the config and "
            "data that it began with, or begin a new run: --out another directory."
        )
    place_weights(learning, weights)
    _place_moments(learning, optimiser, moments)
    return State(
        step=document["step"],
        place=Place(**document["place"]),
        seconds=document["seconds"],
        best=document["best"],
        stale=document["stale"],
    )


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the weights in a file. Raises TrainError."""
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 # no mapping
    except (OSError, SafetensorError) as error:
        raise TrainError(f"{path} cannot be read: {error}.") from error


@torch.no_grad()
def place_weights(learning: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    """Copy weights into those of the same name. Raises TrainError where the two differ."""
    if learning.keys() != weights.keys():
        raise TrainError("The checkpoint holds other weights than the config asks for.")
    for name, parameter in learning.items():
        parameter.copy_(weights[name])


def _plain(learning: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().contiguous() for name, tensor in learning.items()}


def _moments(learning: Mapping[str, Tensor], optimiser: Optimizer) -> dict[str, Tensor]:
    return {
        f"{moment}/{name}": value
        for name, parameter in learning.items()
        for moment, value in optimiser.state[parameter].items()
    }


def _place_moments(
    learning: Mapping[str, Tensor], optimiser: Optimizer, moments: Mapping[str, Tensor]
) -> None:
    for key, value in moments.items():
        moment, _, name = key.partition("/")
        optimiser.state[learning[name]][moment] = value


def _write(file: Path, data: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _refused(target: Path, error: OSError, there: list[Path]) -> TrainError:
    last = f"{there[-1]} is whole: make room and go on with --resume." if there else "Make room."
    return TrainError(f"{target} could not be written: {os.strerror(error.errno or 0)}. {last}")
