"""`linewise engine`: the engine process by hand; servers start it by themselves."""

from __future__ import annotations

import logging
import os

import click


@click.command()
@click.argument("model", required=False)
@click.option(
    "--threads",
    type=click.IntRange(0, 256),
    default=0,
    show_default="physical cores",
    help="Processor threads.",
)
@click.option(
    "--idle-minutes",
    type=click.FloatRange(0.01, 1440),
    default=10.0,
    show_default=True,
    help="Leave when idle so long.",
)
def engine(model: str | None, threads: int, idle_minutes: float) -> None:
    """Serve MODEL, an index name or a GGUF file, to the windows of this user until idle.

    Without a MODEL it is the one that `linewise models use` set, or the default.
    It takes the place that a language server with the same settings would look for; where an
    engine has that place already, it says so and ends with 1.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    from linewise_models.choice import usual_model
    from linewise_models.host.process import serve
    from linewise_models.measured import Measurements
    from linewise_server.app import build_engines
    from linewise_server.settings import Settings

    engines = build_engines()
    model = model or usual_model(engines.environ)
    settings = Settings(model=model, threads=threads, idle_minutes=idle_minutes)
    served = engines.served(settings)
    measurements = Measurements(engines.home.measured)
    # Said only once the place is taken.
    told = f"Serving {served.model.name} (process {os.getpid()}); Ctrl+C ends it."
    try:
        serve(
            served,
            engines.home.run,
            lambda report: measurements.note_load(report, served.model),
            lambda: click.echo(told, err=True),
        )
    except KeyboardInterrupt:
        click.echo("Ended.", err=True)
