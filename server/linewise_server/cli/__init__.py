"""`linewise`: every command in one place; a command's module is imported when it is called.

In: arguments. Out: answers on stdout, errors on stderr; exit code 2 for misuse, which is whatever
is wrong with the arguments and what they name, and 1 for what was asked rightly and failed.
"""

from __future__ import annotations

import importlib
import sys

import click

from linewise_server import __version__

COMMANDS = {
    "demo": ("linewise_server.cli.demo", "demo"),
    "complete": ("linewise_server.cli.complete", "complete"),
    "explain": ("linewise_server.cli.explain", "explain"),
    "generate": ("linewise_server.cli.generate", "generate"),
    "doctor": ("linewise_server.cli.doctor", "doctor"),
    "models": ("linewise_models.cli", "models"),
    "docs": ("linewise_server.cli.docs", "docs"),
    "catalogue": ("linewise_server.cli.catalogue", "catalogue"),
    "feedback": ("linewise_telemetry.cli", "feedback"),
    "telemetry": ("linewise_telemetry.cli", "telemetry"),
    "collector": ("linewise_telemetry.cli", "collector"),
    "eval": ("linewise_server.cli.evaluate", "evaluate"),
    "serve": ("linewise_server.cli.serve", "serve"),
    "engine": ("linewise_server.cli.engine", "engine"),
}
"""Name -> module and attribute, in the order of the help."""


class _Commands(click.Group):
    """A group whose commands are imported only when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="linewise")
def linewise() -> None:
    """Code completion from a model on your own machine.

    \b
    See it work:              linewise demo
    Complete at a place:      linewise complete FILE:LINE:COLUMN
    What runs on my machine?  linewise doctor
    In an editor:             start `linewise serve` as its language server
    """  # noqa: D301 # click's \b is a character, not two


def main() -> None:
    """Run the command line; what users are told never is a traceback."""
    from linewise_models.errors import ModelError
    from linewise_server.errors import LinewiseError
    from linewise_telemetry.errors import TelemetryError

    try:
        linewise()
    except (ModelError, LinewiseError, TelemetryError) as error:
        click.echo(f"linewise: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"linewise: {place}{error.strerror or error}.", err=True)
        sys.exit(1)
