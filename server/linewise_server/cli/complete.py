"""`linewise complete FILE:LINE:COL`: one completion on the command line, with its figures."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linewise_models.engine.contract import EngineClient, Part
from linewise_models.errors import EngineError
from linewise_server.cli.model import model_option
from linewise_server.errors import UsageError
from linewise_server.settings import Settings
from linewise_server.snapshot import Snapshot

if TYPE_CHECKING:
    from linewise_server.engines import Engines

LANGUAGES = {
    ".py": "python",
    ".pyi": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascriptreact",
    ".ts": "typescript",
    ".tsx": "typescriptreact",
    ".go": "go",
    ".rs": "rust",
    ".java": "java",
    ".c": "c",
    ".h": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".hpp": "cpp",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file on disk, counted from 0 in code points."""

    snapshot: Snapshot
    line: int
    column: int


@click.command()
@click.argument("place", metavar="FILE:LINE:COL")
@model_option
@click.option("--remote", default="", metavar="URL", help="Ask the server there; code goes to it.")
@click.option("--remote-model", default="", metavar="NAME", help="The model that it should serve.")
@click.option("--json", "as_json", is_flag=True, help="Text, range, tokens and times as JSON.")
@click.option("--explain", is_flag=True, help="Show the prompt, part by part, and ask nothing.")
@click.option("--typing", is_flag=True, help="Ask as typing does: 300 ms, and silent when unsure.")
def complete(
    place: str,
    model: str,
    remote: str,
    remote_model: str,
    as_json: bool,
    explain: bool,
    typing: bool,
) -> None:
    """Complete at a place in a file; lines and columns count from 1.

    \b
    linewise complete src/stats.py:12:28
    linewise complete src/stats.py:12:28 --json
    """  # noqa: D301 # click's \b is a character, not two
    at = read_place(place)
    settings = Settings(model=model, remote_url=remote, remote_model=remote_model)
    answer = asyncio.run(_complete(at, settings, not typing, explain))
    if explain:
        _show_plan(answer)
    elif as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif answer["text"]:
        click.echo(answer["text"])
    else:
        click.echo("Nothing to suggest here.", err=True)


def read_place(text: str) -> Place:
    """Return the place that FILE:LINE:COL names. Raises UsageError."""
    match = re.fullmatch(r"(.+):(\d{1,9}):(\d{1,9})", text)
    if match is None:
        raise click.BadParameter(
            f"{text!r} is not FILE:LINE:COL, such as a.py:12:5", param_hint="place"
        )
    path = Path(match[1])
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    language = LANGUAGES.get(path.suffix, "plaintext")
    # An editor would show the same replacement marks for bytes that are not UTF-8.
    content = data.decode("utf-8", "replace")
    snapshot = Snapshot.of(content, path.absolute().as_uri(), language)
    line, column = int(match[2]) - 1, int(match[3]) - 1
    if not 0 <= line < len(snapshot.lines):
        raise UsageError(f"{path} has {len(snapshot.lines)} lines; there is no line {line + 1}.")
    length = len(snapshot.lines[line].rstrip("\r\n"))
    if not 0 <= column <= length:
        raise UsageError(f"Line {line + 1} of {path} ends at column {length + 1}.")
    return Place(snapshot, line, column)


async def _complete(at: Place, settings: Settings, invoked: bool, explain: bool) -> dict[str, Any]:
    from linewise_server.app import build_engines
    from linewise_server.completion.adapted import AdaptedClient, Adapters
    from linewise_server.completion.ask import Ask
    from linewise_server.completion.completer import Completer
    from linewise_server.protocol import Trace

    traces: list[Trace] = []
    engines = build_engines()
    # A server may be shown the prompt also to count its tokens for --explain.
    if (warning := engines.warning(settings)) is not None:
        click.echo(f"{warning} Leave out --remote to keep it on this machine.", err=True)
    adapters = Adapters(lambda message: click.echo(message, err=True))
    adapters.choose(at.snapshot.uri, await asyncio.to_thread(_adapter, engines, settings, at))
    client = AdaptedClient(engines.client(settings, lambda share: None), adapters)
    completer = Completer(client, lambda uri: settings, traces.append)
    ask = Ask(at.snapshot, at.line, at.column, invoked)
    try:
        if explain:
            plan, budget, shape = await completer.plan(ask)
            counts = [await _count(client, part) for part in plan.parts]
            return {"plan": plan, "budget": budget, "shape": shape, "counts": counts}
        found = await completer.complete(ask)
        await completer.settled()
    finally:
        await completer.close()
    first = found[0] if found else None
    trace = traces[0] if traces else None
    return {
        "text": first.text if first else "",
        "range": {
            "start": [at.line + 1, (first.start if first else at.column) + 1],
            "end": [at.line + 1, (first.end if first else at.column) + 1],
        },
        "finish_reason": trace.finish if trace else "none",
        "origin": trace.origin if trace else "none",
        "filters": trace.filters if trace else [],
        "prompt_tokens": trace.prompt_tokens if trace else 0,
        "evaluated_tokens": trace.evaluated_tokens if trace else 0,
        "reused_tokens": trace.reused_tokens if trace else 0,
        "generated_tokens": trace.generated_tokens if trace else 0,
        "ttft_ms": round(trace.ttft_ms, 1) if trace else None,
        "total_ms": round(trace.total_ms, 1) if trace else None,
        "mean_logprob": round(first.confidence, 3) if first else None,
    }


def _adapter(engines: Engines, settings: Settings, at: Place) -> str | None:
    """Return the catalogue's adapter with which an editor would complete here; fetches none."""
    from linewise_server.apidocs.carriers import carried, carriers
    from linewise_server.apidocs.environment import find_environment
    from linewise_server.apidocs.packages import Packages
    from linewise_server.apidocs.source import Source
    from linewise_telemetry.catalogue.shelf import Shelf

    shelf = Shelf(engines.home.root / "catalogues")
    agreed = {held.id for held in shelf.subscriptions() if held.adapter}
    catalogues = [each for each in shelf.catalogues() if each.id in agreed] if agreed else []
    packages = Packages(find_environment(Path.cwd(), None, engines.environ))
    source = Source(at.snapshot.text(), at.snapshot.language)
    able = carriers(catalogues, packages, source)
    base = engines.checksum(settings) if able else None
    found = carried(able, base)[:1] if base is not None else []
    files = [shelf.adapters(each.catalogue.id).find(each.adapter) for each in found]
    return str(files[0]) if files and files[0] is not None else None


async def _count(client: EngineClient, part: Part) -> str:
    """Return a part's tokens as shown; a server need not tell them."""
    try:
        return str(len(await client.tokenise(part.text)) or 1)
    except EngineError:
        return "?"


def _show_plan(answer: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    plan, budget = answer["plan"], answer["budget"]
    table = Table("part", "kept", "tokens", "text")
    for part, count in zip(plan.parts, answer["counts"], strict=True):
        text = part.text if len(part.text) < 400 else part.text[:180] + "\n…\n" + part.text[-180:]
        shown = f"<{part.mark}>" if part.mark else text
        table.add_row(part.name, "yes" if part.stable else "no", count, escape(shown))
    console.print(table)
    console.print(
        f"Asks for a {answer['shape']}: {budget.output} tokens at most, within "
        f"{budget.deadline_ms:.0f} ms. Kept parts stay the same from key to key."
    )
