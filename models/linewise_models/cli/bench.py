"""`linewise models bench`: how fast a model is here, measured."""

from __future__ import annotations

import click

from linewise_models.cli.access import failures_told, find_here, open_measurements, open_store
from linewise_models.cli.progress import shares_shown

_BUSY = 0.5
"""Processes that want a core, for each core there is, above which the figures are doubtful."""


@click.command()
@click.argument("name")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--threads", type=click.IntRange(min=0), default=0, show_default="the physical cores")
@click.option("--json", "as_json", is_flag=True, help="The figures, each round's too, as JSON.")
def bench(name: str, *, rounds: int, threads: int, as_json: bool) -> None:
    """Measure prompt and generation speed, memory and load time of a model that is here.

    NAME is a name of the index, a source that was pulled, or the path of any GGUF file. A round
    evaluates about 256 tokens and generates 64, with the engine and the sizes that editors get; the
    speeds are the medians of the rounds. Memory is that of the process at its peak, above what it
    had before the model. What is found is kept for `list` and `advise`, unless --threads was given.
    """
    import dataclasses
    import json

    from linewise_models.bench import bench as measure
    from linewise_models.measured import today

    entry, store = find_here(name), open_store()
    model = store.path(entry)
    busy = _others_compute()
    if busy:
        click.echo(
            "Other programs use the processor: the figures will be too low. Measure again when "
            "they have ended.",
            err=True,
        )
    with failures_told("Stopped. Nothing was kept."), shares_shown(entry.name) as told:
        figures = measure(model, entry.fim, threads, rounds, told)
    day = today()
    if not threads and figures.backend != "scripted":
        try:
            open_measurements(store).note(figures.measurement(model, day), model)
        except OSError as error:
            click.echo(f"The figures could not be kept: {error}", err=True)
    if as_json:
        facts = dataclasses.asdict(figures) | {
            "model": entry.name,
            "path": str(model),
            "day": day,
            "busy": busy,
            "prompt_speed": figures.prompt_speed,
            "generation_speed": figures.generation_speed,
        }
        click.echo(json.dumps(facts, indent=2))
        return
    from linewise_models.advice import gigabytes

    threads_said = f" on {figures.threads} threads" if figures.threads else ""
    click.echo(f"{entry.name}, {figures.backend}{threads_said}, median of {rounds} rounds:")
    click.echo(f"  prompt      {_spread(figures.prompt_speeds, figures.prompt_speed)}")
    click.echo(f"  generation  {_spread(figures.generation_speeds, figures.generation_speed)}")
    click.echo(f"  memory      {gigabytes(figures.memory)} at the peak, above the start")
    click.echo(f"  load time   {figures.load_ms / 1000:.1f} s")


def _spread(speeds: tuple[float, ...], median: float) -> str:
    return f"{median:.1f} tokens/s (from {min(speeds):.1f} to {max(speeds):.1f})"


def _others_compute() -> bool:
    import psutil

    return psutil.getloadavg()[0] > _BUSY * (psutil.cpu_count() or 1)
