"""`linewise explain FILE:LINE:COL`: why the model says what it says there, as a page or as text."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linewise_server.cli.complete import Place, read_place
from linewise_server.cli.model import model_option
from linewise_server.errors import FailedError
from linewise_server.explain.occlusion import LEAST_REQUESTS, REQUESTS
from linewise_server.settings import Settings

if TYPE_CHECKING:
    from linewise_server.explain.explainer import OnStep, Step
    from linewise_server.explain.explanation import Explanation


@click.command()
@click.argument("place", metavar="FILE:LINE:COL")
@model_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Write the picture there: one file that loads nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON.")
@click.option(
    "--requests",
    default=REQUESTS,
    show_default=True,
    type=click.IntRange(min=LEAST_REQUESTS, max=500),
    help="Groups of lines to leave out at most; each costs up to a prompt.",
)
def explain(place: str, model: str, out: Path | None, as_json: bool, requests: int) -> None:
    """Explain the completion at a place in a file: lines it leans on, probabilities, filters.

    Lines are left out of the prompt, a group at a time, to see by how much the completion becomes
    less likely. What that costs is told before it begins; Ctrl+C stops it.

    \b
    linewise explain src/stats.py:12:28
    linewise explain src/stats.py:12:28 --out why.html
    """  # noqa: D301 # click's \b is a character, not two
    from linewise_server.explain.page import page

    at = read_place(place)
    with _progress() as on_step:
        found = asyncio.run(_explain(at, Settings(model=model), requests, on_step))
    if found is None:
        click.echo("Nothing is suggested here, so there is nothing to explain.", err=True)
        return
    if out is not None:
        try:
            out.write_text(page(found), "utf-8")
        except OSError as error:
            raise FailedError(f"{out} cannot be written: {error.strerror}.") from error
        click.echo(f"Written: {out}", err=True)
    if as_json:
        click.echo(json.dumps(_facts(found), indent=2, ensure_ascii=False))
    elif out is None:
        _show(found)


async def _explain(
    at: Place, settings: Settings, requests: int, on_step: OnStep
) -> Explanation | None:
    from linewise_server.app import build_engines
    from linewise_server.completion.ask import Ask
    from linewise_server.completion.completer import Completer
    from linewise_server.explain.explainer import explain as find_out

    client = build_engines().client(settings, lambda share: None)
    completer = Completer(client, lambda uri: settings)
    ask = Ask(at.snapshot, at.line, at.column, invoked=True)
    try:
        return await find_out(ask, completer, requests, on_step)
    finally:
        await completer.close()


@contextmanager
def _progress() -> Iterator[OnStep]:
    """Show on stderr what it will cost, and then how far it is."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = TextColumn("Leaving lines out"), BarColumn(), MofNCompleteColumn()
    left = TextColumn("about {task.fields[seconds]:.0f} s left")
    console = Console(stderr=True)
    bars = Progress(
        *columns, left, console=console, transient=True, disable=not console.is_terminal
    )
    task = bars.add_task("", total=None, seconds=0.0, visible=False)

    def on_step(step: Step) -> None:
        if step.done == 0:
            click.echo(
                f"Up to {step.most} requests, each of up to {step.prompt_tokens} tokens, about "
                f"{step.seconds:.0f} s. Ctrl+C stops.",
                err=True,
            )
        bars.update(task, completed=step.done, total=step.most, seconds=step.seconds, visible=True)

    with bars:
        yield on_step


def _facts(found: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON has it; lines and columns count from 1."""
    from linewise_server.explain import words

    return {
        "text": found.text,
        "raw": found.raw,
        "dropped": found.dropped,
        "line": found.line + 1,
        "column": found.column + 1,
        "model": found.model,
        "mean_logprob": round(found.confidence, 3),
        "least_logprob_unasked": found.least,
        "tokens": [
            {"text": token.text, "logprob": round(token.logprob, 4)} for token in found.tokens
        ],
        "method": words.METHOD,
        "leans": [
            {
                "part": lean.group.part,
                "lines": [line + 1 for line in found.lines_of(lean) or ()] or None,
                "text": lean.group.text,
                "fall": round(lean.fall, 4),
            }
            for lean in found.leans
        ],
        "parts": [dataclasses.asdict(part) for part in found.parts],
        "filters": [dataclasses.asdict(action) for action in found.actions],
        "cost": dataclasses.asdict(found.cost),
    }


def _show(found: Explanation) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from linewise_server.explain import words

    console = Console()
    console.print(Text(words.visible(found.text)))
    tokens = Table("token", "likely")
    for token in found.tokens:
        tokens.add_row(Text(words.quoted(token)), words.percent(token.probability))
    leans = Table("left out", "text", "without it the completion is")
    for lean in found.leans:
        text = Text(words.visible(lean.group.text.rstrip()))
        leans.add_row(words.where(found, lean), text, words.likelihood(lean.fall))
    parts = Table("part", "kept", "tokens")
    for part in found.parts:
        parts.add_row(words.part_name(part), "yes" if part.kept else "no", str(part.tokens))
    for table in (tokens, leans, parts):
        console.print(table)
    for action in found.actions:
        did = (
            "dropped it" if action.after is None else f"left {action.after!r} of {action.before!r}"
        )
        console.print(Text(f"Filter {action.name}: {did}. {action.purpose}"))
    for sentence in (*words.summary(found), words.METHOD, words.cost(found)):
        console.print(Text(sentence))
