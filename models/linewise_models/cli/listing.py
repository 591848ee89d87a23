"""`linewise models list`: which models there are, what they want and what they do here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from linewise_models.cli.access import open_index, open_store, survey_all

if TYPE_CHECKING:
    from linewise_models.prospects import Prospect
    from linewise_models.store import Store


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Everything that is known, as JSON.")
def list_models(*, as_json: bool) -> None:
    """Show the models: task, licence, size, how they fill in, and what they do on this machine.

    Memory is what serving the model takes, measured by `bench` or estimated. Fits compares it with
    the memory that is free at this moment; a GPU's own memory is not looked at.

    Speed is in tokens a second, of the prompt and generated: measured by `bench`, measured by the
    engine when it last loaded the model, or estimated. A token cannot be generated before all
    weights were read, so an estimate scales the speed of the measured model that is nearest in
    size by bytes, and that of the prompt by weights. Where nothing was measured yet, two cores of
    a Xeon stand for your machine.
    """
    import psutil

    from linewise_models.choice import usual_model

    store = open_store()
    prospects = survey_all(store)
    available = psutil.virtual_memory().available
    in_use = usual_model(os.environ)
    if as_json:
        import json

        rows = [_facts(one, store, available, in_use) for one in prospects]
        click.echo(json.dumps(rows, indent=2))
    else:
        _show_table(prospects, available, in_use)


def _facts(one: Prospect, store: Store, available: int, in_use: str) -> dict[str, object]:
    entry = one.entry
    return {
        "name": entry.name,
        "title": entry.title,
        "summary": entry.summary,
        "doesWell": entry.does_well or None,
        "doesBadly": entry.does_badly or None,
        "tasks": entry.tasks,
        "default": entry.name == open_index().default,
        "inUse": entry.name == in_use,
        "source": str(entry.source),
        "sha256": entry.sha256,
        "size": entry.size,
        "download": entry.download,
        "memory": one.memory,
        "memoryMeasured": one.memory_measured,
        "fits": one.memory <= available,
        "speed": speed_facts(one),
        "licence": entry.licence.spdx,
        "licenceNote": entry.licence.note,
        "commercial": entry.licence.commercial,
        "context": entry.context,
        "fim": one.fim,
        "parameters": entry.parameters,
        "installed": one.installed,
        "path": str(store.path(entry)) if one.installed else None,
    }


def speed_facts(one: Prospect) -> dict[str, object] | None:
    """Return a speed as JSON has it; None where nothing is known."""
    if one.speed is None:
        return None
    return {
        "prompt": round(one.speed.prompt, 1),
        "generation": round(one.speed.generation, 1),
        "how": one.speed.how,
        "from": one.speed.origin,
    }


def _show_table(prospects: list[Prospect], available: int, in_use: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from linewise_models.advice import gigabytes

    default = open_index().default
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0), leading=0)
    table.add_column("Model", min_width=27)
    table.add_column("Size", justify="right", no_wrap=True)
    table.add_column("Memory", justify="right", no_wrap=True)
    table.add_column("Fills in", no_wrap=True)
    table.add_column("Tokens/s", justify="right", no_wrap=True)
    table.add_column("Here", no_wrap=True)
    for one in prospects:
        entry = one.entry
        name = entry.name
        if name in (default, in_use):
            name += " (in use)" if default != in_use == name else " (the default)"
        licence = entry.licence.spdx.removeprefix("LicenseRef-")
        terms = licence if entry.licence.commercial else f"{licence}, not commercial"
        about = f"{' and '.join(entry.tasks).capitalize()}. {entry.summary} {entry.verdict}".strip()
        if one.installed:
            state = Text("installed", "green")
        elif one.memory <= available:
            state = Text("fits")
        else:
            state = Text("too big", "yellow")
        table.add_row(
            Text.assemble((name, "bold"), "\n", terms, "\n", (about, "dim")),
            gigabytes(entry.size),
            gigabytes(one.memory),
            {"none": "no", None: "?"}.get(one.fim, one.fim),
            _speed(one),
            state,
        )
    console = Console()
    console.print(table)
    console.print("Tokens/s: of the prompt / generated. Measure: linewise models bench NAME")
    console.print(f"{gigabytes(available)} of memory are free. Fetch: linewise models pull NAME")


def _speed(one: Prospect) -> str:
    if one.speed is None:
        return "?"
    how = {"bench": "by bench", "load": "at load", "estimate": "estimated"}[one.speed.how]
    return f"{_tokens(one.speed.prompt)} / {_tokens(one.speed.generation)}\n{how}"


def _tokens(speed: float) -> str:
    return f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}"
