"""`linewise demo`: the language server at work in a real file, key by key, in a terminal."""

from __future__ import annotations

import asyncio
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linewise_server.cli.model import model_option

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from linewise_server.lsp.editor import Answer, Editor

OPENING = '''

def spread(data):
    """Return the difference between the largest and the smallest value in data."""
    return max(data) - m'''
"""Typed at the end of the file; its last line is typed key by key."""
CALL = """

def median_of_three(a, b, c):
    """
SHOWN_LINES = 4


@click.command()
@model_option
def demo(model: str) -> None:
    """Show completions from a real model, as an editor would get them.

    Opens the standard library's statistics.py in a language server on stdio, types a function into
    it, accepts a suggestion and cancels a request. Nothing is written to disk.
    """
    from rich.console import Console

    from linewise_server.app import build_engines
    from linewise_server.settings import Settings

    build_engines().served(Settings(model=model))  # what is missing is said before all else
    console = Console(highlight=False)
    asyncio.run(_demo(console, model))


async def _demo(console: Console, model: str) -> None:
    from linewise_server.errors import LinewiseError
    from linewise_server.lsp.editor import Editor

    path = Path(statistics.__file__)
    text = await asyncio.to_thread(path.read_text, "utf-8")
    command = [sys.executable, "-m", "linewise_server", "serve"]
    async with Editor(command, {"model": model}) as editor:
        head, _, last = OPENING.rpartition("\n")
        # Under a name of its own: a Python may lie in a directory that git is told to ignore.
        await editor.open(f"untitled:{path.name}", "python", text.rstrip() + head + "\n")
        with console.status("Starting the engine and loading the model …"):
            status = await editor.ready()
        if status.state not in ("ready", "tooSlow"):
            raise LinewiseError(status.message)
        console.rule(f"[bold]{path.name}[/] with {status.message}")
        _show_file(console, editor, path)
        console.print("\n[bold]Typing[/], with a pause after each key:")
        table = _key_table()
        answers = [await _type(editor, table, key) for key in last]
        console.print(table)
        await _accept(console, editor, answers)
        await _cancel(console, editor)
        _say_what_it_meant(console, answers)


def _show_file(console: Console, editor: Editor, path: Path) -> None:
    from rich.syntax import Syntax

    lines = editor.buffer.lines
    first = len(lines) - SHOWN_LINES
    code = "".join(lines[first:])
    console.print(f"{path}, {len(lines)} lines; the end of it:")
    console.print(Syntax(code, "python", line_numbers=True, start_line=first + 1))


def _key_table() -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("key", justify="center")
    table.add_column("the line, and the [dim italic]ghost text[/]", ratio=1, no_wrap=True)
    for name in ("ms", "evaluated", "kept"):
        table.add_column(name, justify="right")
    table.add_column("from")
    return table


async def _type(editor: Editor, table: Table, key: str) -> Answer:
    from rich.markup import escape

    editor.insert(key)
    answer = await editor.ask()
    line = editor.buffer.lines[editor.buffer.line].rstrip("\n")
    ghost = answer.ghosts[0].text.split("\n")[0] if answer.ghosts else ""
    trace = answer.trace
    table.add_row(
        escape(repr(key)[1:-1]) if key != " " else "␣",
        f"{escape(line)}[dim italic]{escape(ghost)}[/]",
        f"{answer.milliseconds:.0f}",
        str(trace.evaluatedTokens) if trace else "",
        str(trace.reusedTokens) if trace else "",
        _origin(trace.origin) if trace else "nothing asked",
    )
    # A person pauses between keys; the server uses the pause to think ahead.
    await asyncio.sleep(0.15)
    return answer


async def _accept(console: Console, editor: Editor, answers: list[Answer]) -> None:
    from rich.markup import escape

    ghosts = answers[-1].ghosts
    if not ghosts:
        console.print("\nNo suggestion stands at the end, so there is nothing to accept.")
        return
    await editor.accept(ghosts[0])
    line = editor.buffer.lines[editor.buffer.line].rstrip("\n")
    console.print(f"\n[bold]Tab[/] accepts it. The line is now:\n  {escape(line.strip())}")


async def _cancel(console: Console, editor: Editor) -> None:
    editor.insert("\n" + CALL)
    answer = await editor.ask(invoked=True, cancel_after=0.05)
    if answer.cancelled:
        console.print(
            f"\n[bold]A new function[/], a block asked for and cancelled after 50 ms: the server "
            f"answered the cancellation after {answer.milliseconds:.0f} ms, and what was evaluated "
            "is kept."
        )
    again = await editor.ask(invoked=True)
    if again.trace and again.ghosts:
        from rich.syntax import Syntax

        console.print(
            f"Asked again: {again.trace.evaluatedTokens} tokens evaluated, "
            f"{again.trace.reusedTokens} kept, {again.milliseconds:.0f} ms:"
        )
        line = editor.buffer.lines[editor.buffer.line]
        text = CALL.lstrip("\n").removesuffix(line) + line + again.ghosts[0].text
        console.print(Syntax(text, "python"))


def _say_what_it_meant(console: Console, answers: list[Answer]) -> None:
    asked = [a.trace.evaluatedTokens for a in answers if a.trace and a.trace.origin == "model"]
    rest = sorted(asked[1:]) or [0]
    console.rule()
    console.print(
        f"{len(answers)} keys, {len(asked)} requests to the model. The first evaluated "
        f"{asked[0] if asked else 0} tokens of the file, the others {rest[len(rest) // 2]} each "
        "(median): a key costs what was typed, not the window.\n\n"
        "[bold]In an editor[/]: start [bold]linewise serve[/] as the language server of any client "
        "that knows LSP 3.18 inline completion (README, “In your editor”). "
        "[bold]linewise doctor[/] shows what runs on this machine, [bold]linewise models list[/] "
        "which models there are."
    )


def _origin(origin: str) -> str:
    names = {
        "model": "model",
        "typedThrough": "reused",
        "cache": "memory",
        "joined": "joined",
        "speculation": "ahead",
        "prefetch": "ahead",
        "none": "",
    }
    return names[origin]
