"""Which numbers matrices are multiplied in.

In: a wish and a device. Out: a type, and a context in which products are taken in it. Never
changes weights.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from torch import device as Device  # noqa: N812 # a type of theirs in the manner of ours

Arithmetic = Callable[[], AbstractContextManager[object]]
_SIZE = 1024


def choose_precision(wish: Literal["bf16", "fp32", "auto"], device: Device) -> torch.dtype:
    """Return the type that is wished for; of both the faster on this device for `auto`."""
    if wish != "auto":
        return torch.bfloat16 if wish == "bf16" else torch.float32
    return min((torch.bfloat16, torch.float32), key=lambda kind: _seconds(kind, device))


def arithmetic(precision: torch.dtype, device: Device) -> Arithmetic:
    """Return what makes the context in which a model is run: torch's autocast, or nothing."""
    if precision == torch.float32:
        return contextlib.nullcontext
    return lambda: torch.autocast(device.type, precision)


def _seconds(kind: torch.dtype, device: Device) -> float:
    """Return how long a product of two matrices takes, the best of three."""
    matrix = torch.ones(_SIZE, _SIZE, dtype=kind, device=device)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        float((matrix @ matrix)[0, 0])  # reading a number waits for the device
        times.append(time.perf_counter() - started)
    return min(times)
