"""`linewise serve`: the language server on stdio or TCP."""

from __future__ import annotations

import logging
import re
import sys

import click

from linewise_server.errors import FailedError


@click.command()
@click.option(
    "--tcp",
    metavar="HOST:PORT",
    help="Listen there instead of stdio, for one client; port 0 takes any, and stderr says which.",
)
@click.option(
    "--log-level",
    type=click.Choice(["error", "warning", "info", "debug"]),
    default="warning",
    show_default=True,
    help="What goes to stderr, which editors show as the server's log.",
)
def serve(tcp: str | None, log_level: str) -> None:
    """Run the language server; an editor starts it.

    \b
    Neovim 0.12:  vim.lsp.config.linewise = { cmd = { "linewise", "serve" } }
    Helix, Emacs, others: any LSP client that starts `linewise serve` on stdio.
    """  # noqa: D301 # click's \b is a character, not two
    host, _, port = (tcp or ":0").rpartition(":")
    if not re.fullmatch(r"\d{1,5}", port) or int(port) > 65_535:
        raise click.BadParameter(f"{tcp!r} is not HOST:PORT", param_hint="--tcp")
    logging.basicConfig(
        level=log_level.upper(), stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    from linewise_server.app import build_engines, build_server
    from linewise_server.lsp.running import run_on_stdio, run_on_tcp

    server = build_server(build_engines())
    if tcp is None:
        sys.exit(run_on_stdio(server))
    host = host or "127.0.0.1"

    def listening(port: int) -> None:
        click.echo(f"Listening at {host}:{port}", err=True)

    try:
        sys.exit(run_on_tcp(server, host, int(port), listening))
    except OSError as error:
        raise FailedError(f"Nothing can listen at {tcp}: {error.strerror}.") from error
