"""`linewise docs`: where a name is documented, and the docs that this machine has.

In: names, files, places of inventories. Out: links and tables on stdout; exit code 1 where there is
no link or a fetch fails. Uses the environment of the current folder and the subscribed catalogues,
as the editor does.
"""

from __future__ import annotations

import asyncio
import json
import os
import webbrowser
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from linewise_models.home import Home
from linewise_server.apidocs.catalogues import Catalogues
from linewise_server.apidocs.consent import Fetch, Policy, private_by
from linewise_server.apidocs.coverage import Coverage, Kind, Outcome, cover
from linewise_server.apidocs.docs import Docs, Shared, open_docs
from linewise_server.apidocs.environment import find_environment
from linewise_server.apidocs.errors import ApiDocsError, FetchRefusedError
from linewise_server.apidocs.link import EXPLANATIONS, Resolution
from linewise_server.apidocs.source import Source
from linewise_server.errors import FailedError, UsageError
from linewise_telemetry.catalogue.errors import CatalogueError
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Shelf

_DEADLINE = 30.0


@click.group()
def docs() -> None:
    """Find where APIs are documented, and keep docs indexes for offline use.

    \b
    Where is it documented?          linewise docs lookup numpy.linalg.norm
    Fetch a package's index:         linewise docs refresh requests
    Use docs that you have built:    linewise docs add build/html
    What in a file has no docs page? linewise docs gaps app.py

    The index of the Python standard library comes with Linewise, as do those of the web platform
    and of the C and C++ standard libraries. Others are fetched when you ask for it; that tells
    their host which package you use, and nothing else. Packages whose names match a glob in
    LINEWISE_PRIVATE_PACKAGES, such as "acme-* internal", are never fetched.
    """  # noqa: D301 # click's \b is a character, not two


@docs.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Name, URL, caption and reason as JSON.")
def lookup(name: str, *, as_json: bool) -> None:
    """Print the documentation link of NAME, such as os.path.join or Array.map."""
    found, why = asyncio.run(_found(name))
    if as_json:
        click.echo(json.dumps(_facts(found), indent=2))
    elif found.link is not None:
        instead = "" if found.link.exact else f"; {found.link.target}, which has no entry for it"
        click.echo(f"{found.link.url}  ({found.link.caption}{instead})")
    else:
        click.echo(why, err=True)
    if found.link is None:
        raise SystemExit(1)


@docs.command("open")
@click.argument("name")
def open_name(name: str) -> None:
    """Open the documentation of NAME in the browser."""
    found, why = asyncio.run(_found(name))
    if found.link is None:
        raise FailedError(why)
    click.echo(found.link.url)
    webbrowser.open(found.link.url)


@docs.command()
@click.argument("place", metavar="PATH_OR_URL")
@click.option("--package", help="Whose docs they are; guessed from the modules without it.")
@click.option("--base", help="Where links lead; the known address of the docs without it.")
@click.option("--version", help="The docs' version, where the inventory does not say it.")
def add(place: str, package: str | None, base: str | None, version: str | None) -> None:
    """Add the docs at PATH_OR_URL: an objects.inv, a folder of built docs, or their address."""
    if "://" not in place and not Path(place).expanduser().exists():
        raise UsageError(f"There is no file {place}.")

    async def run() -> None:
        async with open_here() as docs:
            kept = await docs.acquisition.add(place, package=package, base=base, version=version)
            click.echo(f"{kept.package} {kept.version}: {kept.symbols:,} names, at {kept.base}")

    _run(run())


@docs.command("list")
@click.option("--json", "as_json", is_flag=True, help="Every docset as JSON.")
def list_docs(*, as_json: bool) -> None:
    """List the docs on this machine."""

    async def run() -> None:
        async with open_here() as docs:
            for table in docs.library.bundled():
                docs.library.docset(table)
            found = docs.library.index.docsets()
        if as_json:
            rows = [
                {"package": d.package, "version": d.version, "base": d.base, "origin": d.origin,
                 "source": d.source, "names": d.symbols}
                for d in found
            ]  # fmt: skip
            click.echo(json.dumps(rows, indent=2))
            return
        for each in found:
            named = f"{each.package} {each.version}".strip()
            click.echo(f"{named:32} {each.symbols:>7,} names  {each.origin:8} {each.base}")

    _run(run())


@docs.command()
@click.argument("packages", nargs=-1)
@click.option(
    "--private",
    multiple=True,
    metavar="GLOB",
    help="Never fetch packages of such names, besides those in LINEWISE_PRIVATE_PACKAGES."
    " May be given several times.",
)
def refresh(packages: tuple[str, ...], private: tuple[str, ...]) -> None:
    """Fetch or update the docs indexes of PACKAGES, or of all that were fetched before.

    Naming a package is your yes to tell its docs' host that you use it, unless it is private. The
    command line does not read your editor's linewise.docs.privatePackages: say it again with
    --private, or for good in the environment variable LINEWISE_PRIVATE_PACKAGES.
    """

    async def run() -> None:
        failed: list[str] = []
        passed_over: list[str] = []
        async with open_here("always", private) as docs:
            held = {d.package for d in docs.library.index.docsets() if d.origin == "fetched"}
            python = docs.packages.environment.executable
            if unknown := [name for name in packages if docs.packages.named(name) is None]:
                raise UsageError(f"{', '.join(unknown)} is not installed in {python}.")
            if not packages and not held:
                click.echo("Nothing was fetched yet; name the packages to fetch.", err=True)
            for name in packages or sorted(held):
                package = docs.packages.named(name)
                if package is None:
                    passed_over.append(f"{name} is not installed in {python}")
                    continue
                try:
                    kept = await docs.acquisition.refresh(package, force=True)
                except FetchRefusedError as error:
                    (failed if packages else passed_over).append(str(error))
                except ApiDocsError as error:
                    failed.append(str(error))
                else:
                    docs.acquisition.answers.keep(package.name, yes=True)
                    click.echo(
                        f"{kept.package} {kept.version}: {kept.symbols:,} names, {kept.base}"
                    )
        for line in passed_over:
            click.echo(f"passed over: {line}", err=True)
        if failed:
            raise FailedError("\n".join(failed))

    _run(run())


@docs.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One object a gap.")
def gaps(file: Path, *, as_json: bool) -> None:
    """List the APIs that FILE calls whose docs have no page, with the reason."""
    outcomes = [o for o in _covered([file]).outcomes if o.kind in ("gap", "parent")]
    if as_json:
        rows = [_facts(o.resolution) | {"line": o.line} for o in outcomes]
        click.echo(json.dumps(rows, indent=2))
        return
    for outcome in outcomes:
        found = outcome.resolution
        why = f"only the page of {found.link.target}" if found.link else _why(found)
        click.echo(f"{file}:{outcome.line}: {found.name}: {why}")
    click.echo(
        f"{len(outcomes)} of the names called in {file} have no page of their own.", err=True
    )


@docs.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Counts and times as JSON.")
def coverage(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Count, of all names called in the Python files of PATHS, how many have a link."""
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))]
    if not files:
        raise UsageError(f"There are no Python files in {', '.join(map(str, paths))}.")
    covered = _covered(files)
    counts = Counter(outcome.kind for outcome in covered.outcomes)
    if as_json:
        click.echo(json.dumps({"files": len(files), **counts, **covered.times()}, indent=2))
        return
    total = sum(counts.values())
    click.echo(f"{total:,} calls in {len(files)} {'file' if len(files) == 1 else 'files'}")
    if not total:
        return
    for kind, words in _WORDS.items():
        click.echo(f"{counts[kind] / total:6.1%} {counts[kind]:>6}  {words}")
    reasons = Counter(o.resolution.gap for o in covered.outcomes if o.kind == "gap")
    for reason, count in reasons.most_common():
        click.echo(f"        {count:>6}  gap: {EXPLANATIONS[reason or 'unresolved']}")
    times = ", ".join(f"{name} {value:g} ms" for name, value in covered.times().items())
    click.echo(f"Resolving a name: {times}")


_WORDS: dict[Kind, str] = {
    "exact": "with a link to the exact entry",
    "parent": "with a link to the enclosing class or module only",
    "gap": "known, with a gap",
    "own": "of the package's own code",
    "unresolved": "unresolved",
}


def _covered(files: Iterable[Path]) -> Coverage:
    async def run() -> Coverage:
        async with open_here() as docs:
            sources = [Source(f.read_text("utf-8", "replace"), "python", f) for f in files]
            outcomes: list[Outcome] = []
            for source in sources:
                outcomes += [outcome async for outcome in cover(docs, source, _DEADLINE)]
            return Coverage(tuple(outcomes))

    return asyncio.run(run())


async def _found(name: str) -> tuple[Resolution, str]:
    """Return what is known of a name, and in words why it has no link."""
    async with open_here() as docs:
        found = await docs.find(name, _DEADLINE)
        if found.gap != "unresolved":
            return found, _why(found)
        where = docs.packages.environment.executable
        return found, f"{name}: no package that is installed in {where} has it, nor has any table"


@asynccontextmanager
async def open_here(fetch: Fetch = "ask", private: tuple[str, ...] = ()) -> AsyncIterator[Docs]:
    """Give the docs of the current folder's environment, what makers say of their APIs included."""
    home, root = Home.locate(os.environ), Path.cwd()
    environment = find_environment(root, None, os.environ)
    policy = Policy(fetch, (*private, *private_by(os.environ)))
    shared = Shared(home.root / "docs")
    docs = open_docs(shared, home.cache, root, environment, lambda: policy)
    holding = Holding(Shelf(home.root / "catalogues"))
    try:
        try:
            await Catalogues(holding, shared.index, shared.threads).refresh()
        except CatalogueError as error:
            click.echo(f"Catalogues are left out: {error}", err=True)
        yield docs
    finally:
        await docs.close()
        await shared.close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def _facts(found: Resolution) -> dict[str, Any]:
    link = found.link
    return {
        "name": found.name,
        "kind": found.kind,
        "package": found.package,
        "url": link.url if link else None,
        "caption": link.caption if link else None,
        "target": link.target if link else None,
        "exact": link.exact if link else None,
        "reason": found.gap,
    }


def _why(found: Resolution) -> str:
    reason = EXPLANATIONS[found.gap or "unresolved"].replace("NAME", found.package or "NAME")
    return f"{found.name}: {reason}"
