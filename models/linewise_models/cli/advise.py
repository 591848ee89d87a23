"""`linewise models advise`: one model, why it, and why not the others."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, cast, get_args

import click

from linewise_models.cli.access import open_store, survey_all
from linewise_models.cli.listing import speed_facts
from linewise_models.index import Task

if TYPE_CHECKING:
    from linewise_models.advice import Advice, Wish

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def _read_size(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Return the bytes that a text such as 800MB or 1.5G names."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)b?", value.strip(), re.IGNORECASE)
    if found is None:
        raise click.BadParameter(f"{value!r} is no size. Write it like 800MB or 4G.")
    return int(float(found[1]) * _UNITS[found[2].lower()])


@click.command()
@click.option(
    "--task",
    type=click.Choice(get_args(Task)),
    default="completion",
    show_default=True,
    help="What the model is for.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    callback=_read_size,
    show_default="what is free now",
    help="Memory that it may take, such as 800MB or 4G.",
)
@click.option(
    "--latency",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MS",
    show_default="300, of generation 15000",
    help="Milliseconds until an answer may be there.",
)
@click.option("--non-commercial", is_flag=True, help="Also models for non-commercial use only.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def advise(
    *, task: str, memory: int | None, latency: float | None, non_commercial: bool, as_json: bool
) -> None:
    """Pick a model for this machine, and say why it and why not the others.

    Of the models for the task whose licence, memory and speed fit, the one with the most weights is
    taken. An answer is the rest of a line (4 tokens of the prompt evaluated and 12 generated) or,
    of generation, ten lines (200 and 100). Speeds are measured where they were: linewise models
    bench makes them so. Exits with 1 where nothing fits.
    """
    import psutil

    from linewise_models.advice import USUAL, Wish
    from linewise_models.advice import advise as pick

    chosen = cast("Task", task)
    wish = Wish(
        task=chosen,
        memory=psutil.virtual_memory().available if memory is None else memory,
        latency_ms=USUAL[chosen].latency_ms if latency is None else latency,
        commercial=not non_commercial,
    )
    advice = pick(wish, survey_all(open_store()))
    if as_json:
        _show_json(wish, advice)
    else:
        _show(advice)
    if advice.model is None:
        sys.exit(1)


def _show(advice: Advice) -> None:
    model = advice.model
    if model is None:
        click.echo(advice.why)
    else:
        click.echo(f"Take {model.entry.name}: {model.entry.title}. {model.entry.summary}")
        click.echo(advice.why)
        if model.entry.licence.spdx == "NOASSERTION":
            click.echo(f"Mind its licence. {model.entry.licence.note}")
        if not model.installed:
            click.echo(f"Fetch it:  linewise models pull {model.entry.name}")
        click.echo(f"Use it:    linewise models use {model.entry.name}")
    if advice.others:
        click.echo("\nNot taken:")
    for name, reason in advice.others:
        click.echo(f"  {name}: {reason}")


def _show_json(wish: Wish, advice: Advice) -> None:
    import dataclasses
    import json

    model = advice.model
    facts = {
        "wish": dataclasses.asdict(wish),
        "model": model.entry.name if model else None,
        "installed": model.installed if model else None,
        "memory": model.memory if model else None,
        "memoryMeasured": model.memory_measured if model else None,
        "speed": speed_facts(model) if model else None,
        "why": advice.why,
        "others": [{"name": name, "reason": reason} for name, reason in advice.others],
    }
    click.echo(json.dumps(facts, indent=2))
