"""`linewise catalogue`: make the signed file that speaks to an API's users, and subscribe to such.

In: YAML, inventories, keys, addresses. Out: documents and envelopes on disk, what became of them on
stdout; exit code 1 where something is refused.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from linewise_models.home import Home
from linewise_server.apidocs.errors import ApiDocsError
from linewise_server.apidocs.fetch import fetch, new_client
from linewise_server.apidocs.inventory import parse_inventory
from linewise_server.apidocs.link import join_url
from linewise_server.apidocs.packages import normalise
from linewise_server.cli.adapters import agree, describe, fetch_adapters, in_words, tell_of_adapters
from linewise_server.errors import FailedError, UsageError
from linewise_telemetry.catalogue.build import build_document, template
from linewise_telemetry.catalogue.document import Entry, read_document, schema
from linewise_telemetry.catalogue.envelope import new_key, open_envelope, sign, unwrap
from linewise_telemetry.catalogue.errors import CatalogueError
from linewise_telemetry.catalogue.shelf import Pull, Pulled, Shelf
from linewise_telemetry.worklist import ExportError, as_markdown, as_prompts, read_needs

T = TypeVar("T")
_File = click.Path(exists=True, dir_okay=False, path_type=Path)
_Out = click.Path(dir_okay=False, path_type=Path)


class _Told(click.Group):
    """A group whose commands' refusals reach the user as messages."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CatalogueError as error:
            raise FailedError(str(error)) from error


@click.group(cls=_Told)
def catalogue() -> None:
    """Speak to your API's users in their editor, or listen to the makers of what you use.

    \b
    For makers:       new -> build -> sign -> put the file on any web server
                      suggest --from-dashboard EXPORT.csv says what to improve next
    For subscribers:  linewise catalogue add https://docs.example/acme.catalogue

    A catalogue holds symbols and their pages, deprecations with the way out, samples, announcements
    and support links. Subscribing tells its host nothing but that somebody fetched the file.
    """  # noqa: D301 # click's \b is a character, not two


@catalogue.command()
@click.argument("package")
@click.option("--out", type=_Out, help="Where to; PACKAGE.yaml without it.")
def new(package: str, out: Path | None) -> None:
    """Write a YAML file to start from, for PACKAGE, as its users install it."""
    package = normalise(package)
    if not re.match(schema()["$defs"]["id"]["pattern"], package):
        raise UsageError(f"{package!r} is no name of a package, such as acme or acme-tools.")
    path = out or Path(f"{package}.yaml")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no directory {path.absolute().parent} for {path.name}.")
    if path.exists():
        raise UsageError(f"{path} is there already; it is left as it is.")
    path.write_text(template(package, path.name), "utf-8")
    click.echo(
        f"{path}: fill it in, then `linewise catalogue build {path} --inventory objects.inv"
        " --base https://docs.example/`"
    )


@catalogue.command()
@click.argument("source", metavar="YAML", type=_File)
@click.option("--inventory", type=_File, help="The objects.inv of the docs.")
@click.option("--base", default="", help="Where the docs are published: https://docs.example/")
@click.option("--out", type=_Out, help="Where to; beside the YAML without it.")
def build(source: Path, inventory: Path | None, base: str, out: Path | None) -> None:
    """Make a catalogue from a YAML file and the inventory of your docs."""
    entries = _entries(inventory, base) if inventory else []
    try:
        text = source.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise FailedError(f"{source} is no text in UTF-8: {error.reason}.") from error
    document = build_document(text, entries, functools.partial(describe, source.parent))
    path = out or source.with_suffix(".json")
    path.write_bytes(document)
    read = read_document(document)
    click.echo(f"{path}: {len(read.symbols):,} symbols")
    for each in read.adapters:
        click.echo(f"{in_words(each)}, for the model file {each.base}")
        click.echo(f"Publish {each.file} beside the catalogue.")


@catalogue.command()
@click.argument("document", type=_File)
def check(document: Path) -> None:
    """Say what is wrong with a catalogue, signed or not."""
    data = document.read_bytes()
    read = read_document(unwrap(data))
    click.echo(
        f"{read.title}, release {read.release}, by {read.maker}: {len(read.symbols):,} symbols,"
        f" {len(read.deprecations)} deprecations, {len(read.samples)} samples,"
        f" {len(read.announcements)} announcements, {len(read.adapters)} adapters."
        " Nothing is wrong with it."
    )


@catalogue.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of catalogues, for editors and checks of your own."""
    click.echo(json.dumps(schema(), indent=2))


@catalogue.command("sign")
@click.argument("document", type=_File)
@click.option("--key", "key_file", type=_Out, required=True, help="Your private key (PEM).")
@click.option("--new-key", is_flag=True, help="Make that key first.")
@click.option("--out", type=_Out, help="Where to; DOCUMENT with .catalogue without it.")
def sign_document(document: Path, key_file: Path, new_key: bool, out: Path | None) -> None:
    """Sign a catalogue that `build` made. Keep the key: subscribers accept no other."""
    if new_key:
        _write_key(key_file)
    elif not key_file.exists():
        raise UsageError(f"{key_file} is not there. Have you no key yet? --new-key makes it.")
    data = document.read_bytes()
    read_document(data)
    envelope = sign(data, key_file.read_bytes())
    path = out or document.with_suffix(".catalogue")
    path.write_bytes(envelope)
    click.echo(f"{path}, signed by {open_envelope(envelope).fingerprint}")


@catalogue.command()
@click.argument("envelope", type=_File)
def verify(envelope: Path) -> None:
    """Check the signature of a catalogue and print whose it is."""
    opened = open_envelope(envelope.read_bytes())
    read = read_document(opened.payload)
    click.echo(f"{read.id} release {read.release}, by {read.maker}, signed by {opened.fingerprint}")


@catalogue.command()
@click.option(
    "--from-dashboard",
    "export",
    required=True,
    type=click.File(encoding="utf-8"),
    help="The CSV export of a collector's dashboard, as downloaded.",
)
@click.option(
    "--prompts",
    type=click.File("w", encoding="utf-8", lazy=True),
    help="Also write what to evaluate a model with: `linewise eval catalogue` reads it.",
)
def suggest(export: TextIO, prompts: TextIO | None) -> None:
    """Say what to do next: what users lack or the model gets wrong, the most pressing first."""
    try:
        needs = read_needs(export.read())
    except (ExportError, UnicodeDecodeError) as error:
        raise FailedError(f"{export.name}: {error}.") from error
    click.echo(as_markdown(needs), nl=False)
    if prompts is not None:
        asked = as_prompts(needs)
        prompts.write(asked)
        count = asked.count("\n")
        then = f"linewise eval catalogue {prompts.name}" if count else "there is nothing to teach"
        click.echo(f"{prompts.name}: {count} prompts; {then}", err=True)


@catalogue.command()
@click.argument("address")
@click.option("--adapter", "yes", is_flag=True, help="Fetch and use its adapters, if it has any.")
def add(address: str, yes: bool) -> None:
    """Subscribe to the catalogue at ADDRESS. The key that signed it is pinned."""
    if not address.startswith(("https://", "http://")):
        raise UsageError(f"{address!r} is no address, such as https://docs.example/acme.catalogue.")
    added, read = _pulling(lambda pull: _shelf().add(address, pull))
    click.echo(f"{read.title} by {read.maker}: {len(read.symbols):,} symbols")
    click.echo(f"Signed by {added.fingerprint}; any other key will be refused.")
    for link in read.support:
        click.echo(f"Help: {link.title} {link.url}")
    if yes:
        agree(_shelf(), read, yes=True)
    else:
        tell_of_adapters(added, read)


@catalogue.command("list")
def list_catalogues() -> None:
    """List the catalogues that you subscribe to."""
    subscriptions = _shelf().subscriptions()
    if not subscriptions:
        click.echo("You subscribe to none; `linewise catalogue add ADDRESS` does.", err=True)
    for held in subscriptions:
        adapter = "  adapter on" if held.adapter else ""
        click.echo(
            f"{held.id:24} release {held.release:<4} {held.address}  {held.fingerprint}{adapter}"
        )


@catalogue.command()
@click.argument("names", nargs=-1)
def update(names: tuple[str, ...]) -> None:
    """Pull what is new of NAMES, or of all."""
    shelf = _shelf()
    held = {subscription.id: subscription for subscription in shelf.subscriptions()}
    for name in names:
        _held(shelf, name)
    failed = []
    for name in names or held:
        subscription = held[name]
        try:
            newer = _pulling(functools.partial(shelf.update, subscription))
            click.echo(f"{name}: release {newer.release}" if newer else f"{name}: nothing new")
            if newer is not None:
                tell_of_adapters(subscription, newer)
                fetch_adapters(shelf, newer)
        except (CatalogueError, ApiDocsError) as error:
            failed.append(str(error))
    if failed:
        raise FailedError("\n".join(failed))


@catalogue.command()
@click.argument("name")
@click.argument("state", type=click.Choice(["on", "off"]))
def adapter(name: str, state: str) -> None:
    """Fetch the adapters of NAME and complete with them where a file imports it, or not any more.

    An adapter teaches one model the API; of those that a catalogue has, the ones for models on this
    machine are fetched, now and with every update.
    """
    read = next((each for each in _shelf().catalogues() if each.id == name), None)
    if read is None:
        raise UsageError(f"No catalogue {name!r} is subscribed to.")
    agree(_shelf(), read, yes=state == "on")


@catalogue.command()
@click.argument("name")
def remove(name: str) -> None:
    """End the subscription to NAME."""
    _held(_shelf(), name)
    _shelf().remove(name)
    click.echo(f"{name} is removed, and its key forgotten.")


def _shelf() -> Shelf:
    return Shelf(Home.locate(os.environ).root / "catalogues")


def _held(shelf: Shelf, name: str) -> None:
    """Raise UsageError where a catalogue is not subscribed to."""
    if not any(subscription.id == name for subscription in shelf.subscriptions()):
        raise UsageError(f"No catalogue {name!r} is subscribed to. See: linewise catalogue list")


def _pulling(work: Callable[[Pull], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        async with new_client() as client:

            async def pull(address: str, etag: str) -> Pulled:
                got = await fetch(client, address, etag)
                return Pulled(got.data, got.etag)

            return await work(pull)

    return asyncio.run(run())


def _entries(inventory: Path, base: str) -> list[Entry]:
    if not base.startswith("https://"):
        raise UsageError("Say where the docs are published: --base https://docs.example/")
    root = base if base.endswith("/") else f"{base}/"
    found = parse_inventory(inventory.read_bytes()).symbols
    linked = {s.name: s for s in reversed(found) if s.role.startswith("py:")}
    return [Entry(s.name, s.kind, join_url(root, s.path)) for s in reversed(linked.values())]


def _write_key(path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path} is there already; sign with it, without --new-key.")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(new_key())
    click.echo(
        f"{path}: keep it secret and keep a copy; subscribers accept no other key.", err=True
    )
