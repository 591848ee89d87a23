"""`linewise telemetry`, `linewise feedback` and `linewise collector`.

In: arguments. Out: what the user asked to see. What needs a library that not everyone has installed
is imported when its command runs.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linewise_telemetry.catalogue.document import read_document
from linewise_telemetry.catalogue.envelope import unwrap
from linewise_telemetry.client.feedback import ABOUT, KINDS, Feedback
from linewise_telemetry.client.own_page import render
from linewise_telemetry.client.places import COLLECTOR_VARIABLE, locate_places
from linewise_telemetry.client.telemetry import Telemetry
from linewise_telemetry.consent import Level
from linewise_telemetry.errors import CollectorError, FeedbackError
from linewise_telemetry.events import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NOTHING_WAITS = "Nothing waits to be sent."


@click.group(invoke_without_command=True)
@click.pass_context
def telemetry(ctx: click.Context) -> None:
    """Say what may be recorded, and see what was.

    \b
    off     nothing is recorded
    local   daily counts for your own page; nothing leaves this machine (default)
    counts  the finished week's counts leave, under a key of their own
    events  events leave, without code, paths, names or text
    """  # noqa: D301 # click's \b is a character, not two
    if ctx.invoked_subcommand is None:
        with _opened() as client:
            _say_state(client)


@telemetry.command()
@click.option(
    "--days",
    type=click.IntRange(min=1),
    default=28,
    show_default=True,
    help="How far back to count.",
)
def show(days: int) -> None:
    """Show your own page: the figures that makers see of everybody, of you alone."""
    with _opened() as client:
        _say_state(client)
        click.echo(render(load(), client, days), nl=False)


@telemetry.command()
@click.option(
    "--level",
    type=click.Choice([Level.COUNTS.word, Level.EVENTS.word]),
    default=Level.EVENTS.word,
    show_default=True,
)
def on(level: str) -> None:
    """Let events, or only weekly counts, leave this machine from now on."""
    with _opened() as client:
        client.choose(Level.of(level))
        _say_state(client)


@telemetry.command()
@click.option("--keep-local", is_flag=True, help="Keep counting for your own page.")
def off(keep_local: bool) -> None:
    """Record nothing any more, and erase what was recorded on this machine."""
    with _opened() as client:
        client.choose(Level.LOCAL if keep_local else Level.OFF)
        _say_state(client)


@telemetry.command()
def preview() -> None:
    """Print what would be sent next, byte for byte before compression."""
    with _opened() as client:
        text = client.preview()
    click.echo(text or _NOTHING_WAITS, err=not text)


@telemetry.command()
def send() -> None:
    """Send now what would be sent later, as far as you agreed."""
    with _opened() as client:
        client.send_now()
        level, left = client.state().level, client.waiting()
    if level < Level.COUNTS:
        click.echo(f"Telemetry is {level.word}: nothing leaves.")
    else:
        click.echo("Not all could be sent; it is tried again." if left else _NOTHING_WAITS)


@telemetry.command()
def delete() -> None:
    """Have everything deleted that this machine ever sent, and show the receipts."""
    with _opened() as client:
        requests = client.delete_my_data()
        for request in requests:
            if request.receipt:
                confirmed = "confirmed" if client.verify_deletion(request) else "not confirmed yet"
                told = f"{request.events} events deleted, receipt {request.receipt}, {confirmed}"
            else:
                told = "not reached; it is asked again until it answers"
            click.echo(f"{request.origin}: {told}")
    if not requests:
        click.echo("Nothing was ever sent from this machine.")


@click.command()
@click.argument("text", required=False)
@click.option("--kind", type=click.Choice(KINDS), default="problem", show_default=True)
@click.option("--about", type=click.Choice(ABOUT), default="product", show_default=True)
@click.option("--subject", help="The symbol or the catalogue that it is about.")
@click.option("--rating", type=click.IntRange(1, 5))
@click.option("--contact", help="Where you can be reached; leave it out to stay unknown.")
@click.option(
    "--attach", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--yes", is_flag=True, help="Send without showing it first.")
@click.option("--mine", is_flag=True, help="Show what became of the feedback you sent.")
@click.option("--delete", "unwanted", metavar="RECEIPT", help="Take back what you sent.")
def feedback(
    text: str | None,
    kind: str,
    about: str,
    subject: str | None,
    rating: int | None,
    contact: str | None,
    attach: Iterable[Path],
    yes: bool,
    mine: bool,
    unwanted: str | None,
) -> None:
    """Send feedback; you see who gets it and every byte first, and no telemetry is needed."""
    if mine:
        with _opened() as client:
            _say_feedback(client)
        return
    if unwanted is not None:
        with _opened() as client:
            item = client.withdraw_feedback(unwanted)
        click.echo(f"Deleted: {item.excerpt}")
        return
    piped = text is None and not sys.stdin.isatty()
    written = Feedback(
        kind=kind,
        about=about,
        subject=subject,
        text=text if text is not None else _ask_text(),
        rating=rating,
        attachments=tuple(_read(path) for path in attach),
        contact=contact,
    )
    with _opened() as client:
        shown = client.preview_feedback(written)
        if not yes:
            click.echo(f"To {shown.recipient}:\n\n{shown.body}")
            if shown.afterwards:
                click.echo(shown.afterwards)
            if piped:
                raise FeedbackError(
                    "nothing was sent: the text came from a pipe, so that nobody can be asked; look"
                    " at the above and add --yes"
                )
            if not click.confirm("Send it?"):
                click.echo("Nothing was sent.")
                return
        item = client.send_feedback(written)
    if item.sent:
        click.echo(f"Sent to {shown.recipient}. Your receipt: {item.receipt}")
    else:
        problem = item.problem or "there is no address"
        click.echo(f"Kept, not sent yet: {problem}. Your receipt: {item.receipt}")


@click.group()
def collector() -> None:
    """Run a collector of your own, for your API's catalogue or for your team."""


@collector.command()
@click.option(
    "--db", help="A SQLAlchemy URL; a SQLite file in Linewise's own directory by default."
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=4318,
    show_default=True,
    help="4318 is OTLP/HTTP's own; 0 takes any.",
)
@click.option(
    "--open-week", is_flag=True, help="Show the running week's figures too, as for a demo."
)
def serve(db: str | None, host: str, port: int, open_week: bool) -> None:
    """Take events and feedback, and show the dashboard."""
    try:
        import uvicorn

        from linewise_telemetry.collector.app import ADMIN, assemble, build, ensure_admin
        from linewise_telemetry.collector.database import connect
        from linewise_telemetry.dashboard.pages import routes
    except ImportError as error:
        raise CollectorError(
            f"{error.name} is missing; pip install 'linewise[collector]'"
        ) from error
    url = db or f"sqlite:///{_home() / 'collector.db'}"
    parts = assemble(connect(url), load(), publish_open_week=open_week)
    password = ensure_admin(parts)
    if not parts.accounts.projects():
        parts.accounts.add_project("linewise", "Linewise", "product", ())
    try:
        listening = socket.create_server((host, port), backlog=256)
    except OSError as error:
        raise CollectorError(f"cannot listen on {host}:{port} ({error.strerror})") from error
    address = f"http://{host}:{listening.getsockname()[1]}"
    click.echo(f"Dashboard: {address}/")
    if host not in ("127.0.0.1", "::1", "localhost"):
        click.echo("Put a proxy with TLS before it: clients send to other machines by https alone.")
    if password is not None:
        click.echo(f"Log in as {ADMIN} with the password {password}  (shown only now)")
    for project in parts.accounts.projects():
        click.echo(f"Project {project.id}: {COLLECTOR_VARIABLE}={address}#{project.key}")
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    config = uvicorn.Config(
        build(parts, routes(parts)),
        access_log=False,
        log_level="warning",
        limit_concurrency=256,
        h11_max_incomplete_event_size=32 * 1024,
    )
    uvicorn.Server(config).run(sockets=[listening])


@collector.command()
@click.argument("name")
@click.option("--title", help="As staff know it.")
@click.option(
    "--symbols",
    type=click.File(encoding="utf-8"),
    help="The names that the catalogue lists, one a line; only these are taken. Kept if left out.",
)
@click.option(
    "--catalogue",
    "document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The catalogue itself, signed or not, in the place of --symbols: run it for each release.",
)
@click.option("--db", help="As for `serve`.")
def project(
    name: str,
    title: str | None,
    symbols: Iterable[str] | None,
    document: Path | None,
    db: str | None,
) -> None:
    """Make a project for the catalogue NAME, or set what it lists; prints its public key."""
    from linewise_telemetry.collector.accounts import Accounts
    from linewise_telemetry.collector.database import connect

    try:
        names = None if symbols is None else [line.strip() for line in symbols if line.strip()]
    except UnicodeDecodeError as error:
        raise CollectorError("--symbols names a file that is no text in UTF-8") from error
    if document is not None:
        if names is not None:
            raise click.UsageError("--symbols and --catalogue are two ways to say one thing.")
        read = read_document(unwrap(document.read_bytes()))
        if read.id != name:
            raise CollectorError(f"{document} is the catalogue {read.id}, not {name}")
        names, title = sorted(read.names), title or read.title[:120]
    accounts = Accounts(connect(db or f"sqlite:///{_home() / 'collector.db'}"))
    key = accounts.add_project(name, title, "catalogue", names)
    click.echo(f"{name}: key {key}" + ("" if names is None else f", {len(names)} names"))


@collector.command()
@click.argument("name")
@click.option("--db", help="As for `serve`.")
@click.password_option(help="Asked for if it is not given.")
def account(name: str, db: str | None, password: str) -> None:
    """Make an account for NAME, or give it another password, of 12 characters or more."""
    from linewise_telemetry.collector.accounts import Accounts
    from linewise_telemetry.collector.database import connect

    Accounts(connect(db or f"sqlite:///{_home() / 'collector.db'}")).set_password(name, password)
    click.echo(f"{name} can log in.")


@contextmanager
def _opened() -> Iterator[Telemetry]:
    client = Telemetry(load(), locate_places(os.environ))
    client.start()
    try:
        yield client
    finally:
        client.stop()


def _home() -> Path:
    return locate_places(os.environ).home


def _say_state(client: Telemetry) -> None:
    state = client.state()
    click.echo(f"Telemetry is {state.level.word}: {state.reason}.")
    if state.chosen != state.level:
        click.echo(f"You chose {state.chosen.word}.")


def _say_feedback(client: Telemetry) -> None:
    items = client.my_feedback(ask=True)
    for item in items:
        click.echo(f"{item.receipt}  {item.status:<9} {item.about}: {item.excerpt}")
        if item.problem:
            click.echo(f"    {item.problem}")
        if item.answer:
            click.echo("    " + item.answer.replace("\n", "\n    "))
    if not items:
        click.echo("You have sent no feedback from this machine.")


def _ask_text() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.read()
    return click.edit() or ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FeedbackError(f"{path} is no text that can be attached") from error
