"""From the dashboard's export to work: what to write, and what to teach the model.

In: the CSV that the dashboard exports. Out: a work list in order of need, as Markdown, and prompts
with which to evaluate a model on the symbols that it gets wrong, as JSON lines. It holds nothing
that the dashboard did not show, and never talks to a collector.
"""

from __future__ import annotations

import csv
import io
import json
import keyword
from collections import defaultdict
from dataclasses import dataclass

from linewise_telemetry.errors import TelemetryError
from linewise_telemetry.figures import Share, share

LOW = 0.3
"""A symbol is got wrong if even the upper end of its interval stays below the whole catalogue's
share, or below this."""
TEACH = "teach the model"
REPLACE = "teach the model its replacement"


class ExportError(TelemetryError):
    """The file is no export of the dashboard."""


@dataclass(frozen=True, slots=True)
class Need:
    """One symbol and what it needs; `weight` is how often somebody met the lack of it."""

    symbol: str
    what: str
    because: str
    weight: int


def read_needs(text: str) -> list[Need]:
    """Return what the export asks for, the most pressing first.

    Raises ExportError where the text is no export of the dashboard.
    """
    cells = _read(text)
    needs = []
    for (metric, symbol), part in cells.items():
        if not symbol:
            continue
        whole = cells.get((metric, ""), share(0, 0))
        need = _need(metric, symbol, part, whole)
        if need is not None:
            needs.append(need)
    return sorted(needs, key=lambda need: (-need.weight, need.symbol, need.what))


def as_markdown(needs: list[Need]) -> str:
    """Return the needs as a list to tick off."""
    lines = ["# Work list", ""]
    lines += [f"- [ ] `{need.symbol}`: {need.what} ({need.because})" for need in needs]
    if not needs:
        lines.append("Nothing: no visible figure asks for anything.")
    return "\n".join(lines) + "\n"


def as_prompts(needs: list[Need]) -> str:
    """Return one JSON line for each Python name that the model gets wrong.

    They are problems for `linewise eval catalogue`: a place at which a name should be written, or,
    of a name that is deprecated, at which it should not.
    """
    deprecated = {need.symbol for need in needs if need.what == REPLACE}
    wrong = dict.fromkeys(need.symbol for need in needs if need.what in (TEACH, REPLACE))
    lines = []
    for symbol in wrong:
        parts = symbol.split(".")
        if not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
            continue
        task = "avoid" if symbol in deprecated else "write"
        asked = symbol.rpartition(".")[0] + "." if task == "avoid" else f"# {symbol}\n    "
        prompt = f"import {parts[0]}\n\n\ndef example():\n    {asked}"
        if asked != ".":
            lines.append(json.dumps({"symbol": symbol, "task": task, "prompt": prompt}))
    return "".join(line + "\n" for line in lines)


def _read(text: str) -> dict[tuple[str, str], Share]:
    """Return (metric, symbol) -> share pooled over the weeks; the total has the symbol ''."""
    nums: defaultdict[tuple[str, str], int] = defaultdict(int)
    dens: defaultdict[tuple[str, str], int] = defaultdict(int)
    try:
        for row in csv.DictReader(io.StringIO(text), strict=True):
            if row["split"] in ("", "symbol"):
                cell = (row["metric"], row["value"])
                nums[cell] += int(row["num"])
                dens[cell] += int(row["den"])
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise ExportError("this is no CSV export of the dashboard") from error
    if not dens:
        raise ExportError("the export holds no figure; no week may be shown yet")
    return {cell: share(nums[cell], den) for cell, den in dens.items()}


def _need(metric: str, symbol: str, part: Share, whole: Share) -> Need | None:
    of = f"{part.num:,} of {part.den:,}"
    if metric == "gaps":
        return Need(symbol, "write what is missing", f"missed {part.den:,} times", part.den)
    if metric == "unanswered" and part.num:
        return Need(symbol, "give it a page", f"{of} lookups had none", part.num)
    if metric == "rating" and part.high < max(LOW, whole.value):
        return Need(symbol, "rewrite its docs", f"they helped {of} times", part.den - part.num)
    if metric in ("api_acceptance", "api_survival") and part.high < max(LOW, whole.value):
        verb = "accepted" if metric == "api_acceptance" else "kept"
        return Need(symbol, TEACH, f"{verb} {of} times", part.den - part.num)
    if metric == "deprecated_use" and part.num:
        return Need(symbol, REPLACE, f"deprecated in {of}", part.num)
    if metric == "sample_survival" and part.high < max(LOW, whole.value):
        return Need(symbol, "correct the sample", f"kept {of} times", part.den - part.num)
    return None
