"""Figures of a benchmark: percentiles, a table for people, JSON for programs. Pure.

In: numbers. Out: text and plain values. Never measures anything.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that `share` (0 to 1) of the values do not exceed; NaN of none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def mean(values: Iterable[float]) -> float:
    """Return the arithmetic mean; NaN of none."""
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else math.nan


def ratio(one: float, other: float) -> float:
    """Return `one` as a multiple of `other`; NaN where that says nothing."""
    return one / other if other else math.nan


def show(value: float, digits: int = 1) -> str:
    """Return a number as a table has it."""
    if isinstance(value, float) and math.isnan(value):
        return "-"
    return f"{value:,.{digits}f}" if digits else f"{value:,.0f}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows as a Markdown table, first column to the left, the rest to the right."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = [
        " | ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    rule = " | ".join(
        "-" * width if column == 0 else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    )
    return "\n".join(f"| {line} |" for line in [text[0], rule, *text[1:]])


def machine() -> dict[str, Any]:
    """Return what the figures were measured on, and how busy it was."""
    names = (
        line.partition(":")[2].strip()
        for line in _read("/proc/cpuinfo").splitlines()
        if line.startswith("model name")
    )
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": next(names, platform.processor() or platform.machine()),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def as_json(value: Any) -> str:
    """Return dataclasses, lists and numbers as JSON; NaN becomes null."""
    return json.dumps(_plain(value), indent=2)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    return value


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text() if file.is_file() else ""
