"""`linewise generate`: code from a signature, a comment or an instruction, on the command line."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linewise_server.cli.complete import LANGUAGES
from linewise_server.cli.model import model_option
from linewise_server.completion.exclusion import Exclusion
from linewise_server.generation.errors import PlaceError
from linewise_server.generation.target import find_target
from linewise_server.generation.ways import WAYS, smallest_model
from linewise_server.settings import Settings
from linewise_server.snapshot import Snapshot

if TYPE_CHECKING:
    from linewise_models.engine.contract import EngineClient
    from linewise_server.apidocs.docs import Docs
    from linewise_server.generation.ask import Ask, Change, Outcome, Surroundings
    from linewise_server.generation.generator import Surround
    from linewise_server.generation.prompt import Prompt
    from linewise_server.protocol import ApiLink
    from linewise_telemetry.catalogue.document import Catalogue

KINDS = [kind for kind in WAYS if kind != "sample"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines of a file on disk, or a place in it, in code points."""

    path: Path
    snapshot: Snapshot
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it, the document with it, and the APIs that it uses."""

    outcome: Outcome
    edited: str
    apis: list[ApiLink]


@click.command()
@click.option("--file", "path", type=click.Path(path_type=Path), required=True, metavar="F")
@click.option(
    "--range",
    "place",
    required=True,
    metavar="A:B",
    help="Lines from A to B, counted from 1; A alone puts the cursor at the end of that line.",
)
@click.option("--instruction", help="What to generate; for --kind fix, what is wrong.")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    help="What to do there; instruction where one is given, else implement.",
)
@click.option("--to", "language", default="", help="For --kind translate: python, go, rust, …")
@model_option
@click.option("--json", "as_json", is_flag=True, help="Text, edits, checks and times as JSON.")
@click.option("--diff", "as_diff", is_flag=True, help="A unified diff, for git apply or patch.")
@click.option("--explain", is_flag=True, help="Show the prompt and ask nothing.")
def generate(
    path: Path,
    place: str,
    instruction: str | None,
    kind: str | None,
    language: str,
    model: str,
    as_json: bool,
    as_diff: bool,
    explain: bool,
) -> None:
    """Generate code at a place in a file; the file itself is not written to.

    \b
    linewise generate --file stats.py --range 12
    linewise generate --file stats.py --range 12:20 --instruction "use a generator" --diff
    linewise generate --file stats.py --range 12 --kind tests

    What is wrong with the text and where the APIs that it uses are documented is told on stderr,
    and the text is shown all the same. The exit code is 1 where there is no text, and 2 where what
    is asked for cannot be done there.
    """  # noqa: D301 # click's \b is a character, not two
    if as_json and as_diff:
        raise click.UsageError("--json and --diff exclude each other.")
    chosen = kind or ("implement" if instruction is None else "instruction")
    words = (instruction or "").strip()
    if chosen == "instruction" and not words:
        raise click.UsageError("Say what to generate: --instruction TEXT.")
    if chosen == "translate" and not language:
        raise click.UsageError("--kind translate needs --to LANGUAGE.")
    at = read_stretch(path, place)
    ask = _ask(at, chosen, words, language)
    try:
        find_target(ask)  # what is wrong with the place is said before anything is loaded
    except PlaceError as error:
        raise click.UsageError(str(error)) from error
    settings = Settings(model=model)
    if explain:
        _show_prompt(*asyncio.run(_prompt(at, ask, settings)))
        return
    shows = not (as_json or as_diff)
    made = asyncio.run(_generate(at, ask, settings, stream=shows and sys.stdout.isatty()))
    outcome = made.outcome
    if as_json:
        click.echo(json.dumps(_as_json(at, made, settings), indent=2, ensure_ascii=False))
    elif as_diff:
        click.echo(_diff(at, outcome, made.edited), nl=False)
    elif outcome.text.strip() and not sys.stdout.isatty():
        click.echo(outcome.text)
    _tell(outcome, settings)
    for api in made.apis if not as_json else ():
        if api.url is not None:
            click.echo(f"Docs of {api.name}: {api.url}", err=True)
    if not outcome.text.strip():
        sys.exit(1)


def read_stretch(path: Path, place: str) -> Stretch:
    """Return the lines of a file that A:B names. Raises BadParameter."""
    match = re.fullmatch(r"(\d+)(?::(\d+))?", place)
    if match is None:
        raise click.BadParameter(f"{place!r} is not A:B, such as 12:20", param_hint="--range")
    exclusion = Exclusion((), os.environ)
    for name in (path.absolute(), Path(os.path.realpath(path))):
        if (reason := exclusion.reason(name)) is not None:
            told = f"{path} is not shown to a model: {reason.text}."
            raise click.BadParameter(told, param_hint="--file")
    try:
        content = path.read_bytes().decode("utf-8")
    except OSError as error:
        told = f"{path} cannot be read: {error.strerror}."
        raise click.BadParameter(told, param_hint="--file") from error
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{path} is not UTF-8 text.", param_hint="--file") from error
    language = LANGUAGES.get(path.suffix, "plaintext")
    snapshot = Snapshot.of(content, path.absolute().as_uri(), language)
    first, last = int(match[1]) - 1, int(match[2] or match[1]) - 1
    if last < first:
        told = f"{place} ends before it begins; did you mean {last + 1}:{first + 1}?"
        raise click.BadParameter(told, param_hint="--range")
    if not 0 <= first <= last < len(snapshot.lines):
        told = f"{path} has lines 1 to {len(snapshot.lines)}; {place} is not a range of them."
        raise click.BadParameter(told, param_hint="--range")
    end = snapshot.offset(last, len(snapshot.lines[last].rstrip("\r\n")))
    start = snapshot.offset(first, 0) if match[2] else end
    return Stretch(path, snapshot, start, end)


def _ask(at: Stretch, kind: str, instruction: str, language: str) -> Ask:
    from linewise_server.generation.ask import Ask

    return Ask(
        snapshot=at.snapshot,
        kind=next(known for known in WAYS if known == kind),
        start=at.start,
        end=at.end,
        instruction=instruction,
        language=language,
        diagnostics=(instruction,) if kind == "fix" and instruction else (),
    )


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[EngineClient, Docs, list[Catalogue]]]:
    """Give the engine, the docs of the current folder's environment, and the catalogues."""
    from linewise_server.apidocs.catalogues import Catalogues
    from linewise_server.app import build_engines
    from linewise_server.cli.docs import open_here
    from linewise_telemetry.catalogue.errors import CatalogueError
    from linewise_telemetry.catalogue.holding import Holding
    from linewise_telemetry.catalogue.shelf import Shelf

    engines = build_engines()
    async with open_here() as docs:
        holding = Holding(Shelf(engines.home.root / "catalogues"))
        catalogues = Catalogues(holding, docs.library.index, docs.threads)
        # `linewise catalogue list` says what is wrong with it.
        with contextlib.suppress(CatalogueError):
            await catalogues.refresh()
        client = engines.client(settings, lambda share: None)
        try:
            yield client, docs, catalogues.current()
        finally:
            await client.close()


def _surround(at: Stretch, ask: Ask, docs: Docs, catalogues: list[Catalogue]) -> Surround:
    from linewise_server.generation.beyond import around

    async def find() -> Surroundings:
        return await around(docs, catalogues, ask, at.path.absolute())

    return find


async def _generate(at: Stretch, ask: Ask, settings: Settings, stream: bool) -> Made:
    """Return what is generated; shows it as it comes if asked to."""
    from linewise_server.generation.beyond import apis_used
    from linewise_server.generation.generator import apply, generate

    shown = 0

    def show(change: Change | None, text: str) -> None:
        nonlocal shown
        # The last line may still be taken back; those before it stand.
        ready = text.rfind("\n") + 1
        if stream and ready > shown:
            click.echo(text[shown:ready], nl=False)
            shown = ready

    async with _opened(settings) as (client, docs, catalogues):
        outcome = await generate(ask, client, _surround(at, ask, docs, catalogues), show)
        if stream and outcome.text.strip():
            click.echo(outcome.text[shown:])
        path = at.path.absolute()
        apis = await apis_used(docs, catalogues, outcome, ask.snapshot, path)
    return Made(outcome, apply(ask.snapshot.text(), outcome.changes), apis)


async def _prompt(at: Stretch, ask: Ask, settings: Settings) -> tuple[Prompt, list[int]]:
    """Return the prompt, and how many tokens each of its parts has."""
    from linewise_server.generation.generator import prompt_for

    async with _opened(settings) as (client, docs, catalogues):
        prompt = await prompt_for(ask, client, _surround(at, ask, docs, catalogues))
        return prompt, [len(await client.tokenise(part.text)) for part in prompt.parts]


def _show_prompt(prompt: Prompt, counts: list[int]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("part", "tokens", "text")
    for part, count in zip(prompt.parts, counts, strict=True):
        table.add_row(part.name, str(count), escape(part.text if not part.mark else part.mark))
    Console().print(table)


def _tell(outcome: Outcome, settings: Settings) -> None:
    """Say on stderr what is wrong with a text and what to expect of its model."""
    for problem in outcome.problems:
        click.echo(f"Check it: {problem}", err=True)
    if outcome.unresolved:
        click.echo(f"Defined nowhere: {', '.join(outcome.unresolved)}.", err=True)
    if outcome.text.strip() and not outcome.names_checked:
        click.echo("Names were not checked: nothing here says whether they exist.", err=True)
    way = WAYS[outcome.kind]
    better = smallest_model(way, settings.model)
    if better is not None:
        click.echo(f"{way.small} Better: linewise models pull {better}", err=True)


def _as_json(at: Stretch, made: Made, settings: Settings) -> dict[str, Any]:
    snapshot, outcome = at.snapshot, made.outcome

    def place(offset: int) -> list[int]:
        line, column = snapshot.place(offset)
        return [line + 1, column + 1]

    way = WAYS[outcome.kind]
    better = smallest_model(way, settings.model)
    return {
        "kind": outcome.kind,
        "text": outcome.text,
        "language": outcome.language,
        "file": outcome.file,
        "edits": [
            {"start": place(change.start), "end": place(change.end), "text": change.text}
            for change in outcome.changes
        ],
        "problems": list(outcome.problems),
        "unresolved": list(outcome.unresolved),
        "names_checked": outcome.names_checked,
        "apis": [
            {"name": api.name, "kind": api.kind, "url": api.url, "caption": api.caption}
            for api in made.apis
        ],
        "model": outcome.model,
        "advice": way.small if better else None,
        "better_model": better,
        "finish_reason": outcome.finish,
        "prompt_tokens": outcome.prompt_tokens,
        "generated_tokens": outcome.generated_tokens,
        "ttft_ms": round(outcome.ttft_ms, 1),
        "total_ms": round(outcome.total_ms, 1),
    }


def _diff(at: Stretch, outcome: Outcome, edited: str) -> str:
    """Return the edit as a unified diff; a document of its own is a file that is new."""
    name = at.path.as_posix().lstrip("/")
    if outcome.file:
        new = (at.path.parent / outcome.file).as_posix().lstrip("/")
        before, after, old, target = "", outcome.text, "/dev/null", f"b/{new}"
    else:
        before, after, old, target = at.snapshot.text(), edited, f"a/{name}", f"b/{name}"
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), old, target
    )
    marked = (
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    return "".join(marked)
