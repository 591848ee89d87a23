"""`linewise eval`: how good completions are, by the benchmarks of the field.

In: a benchmark's file and a model. Out: a table, and a record as JSON. The engine is asked either
bare or through the whole product, so that the difference is what the product adds.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linewise_server.errors import UsageError
from linewise_server.settings import Settings

if TYPE_CHECKING:
    from linewise_models.engine.contract import EngineClient, Event, Report, Request
    from linewise_models.evaluate.execution import Limits
    from linewise_models.evaluate.problem import Answer, Mode, Problem
    from linewise_models.evaluate.record import Record
    from linewise_models.evaluate.run import Result
    from linewise_server.protocol import Trace

SUITES = ("humaneval-infilling", "safim", "crosscodeeval")
LATENCY_MS = 60_000.0
FAST = 1e6
"""Tokens a second that the product is told, so that no budget makes a prompt or answer shorter."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for on the command line."""

    suite: str
    path: Path
    model: str
    pipeline: str
    mode: Mode
    limit: int | None
    heal: bool
    fim: bool
    cross_file: bool
    execute: bool | None


@click.command("eval")
@click.argument("suite", type=click.Choice(SUITES))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--model", default=Settings().model, show_default=True, help="Index name or GGUF.")
@click.option(
    "--pipeline",
    type=click.Choice(["full", "raw"]),
    default="full",
    show_default=True,
    help="full: all that the product does. raw: a request to the engine.",
)
@click.option(
    "--mode",
    type=click.Choice(["editor", "official"]),
    default="editor",
    show_default=True,
    help="Where the cursor stands in a line that is missing as a whole.",
)
@click.option("--heal/--no-heal", default=True, help="raw: spell the prompt's last token again.")
@click.option("--fim/--left-to-right", default=True, help="raw: use the model's own FIM format.")
@click.option("--cross-file", is_flag=True, help="crosscodeeval: put its cross-file code before.")
@click.option("--limit", type=click.IntRange(1), help="So many problems, spread over the file.")
@click.option(
    "--execute/--no-execute",
    default=None,
    help="Run programs for pass@1; by default where they can be isolated.",
)
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the record there.")
@click.option("--compare", type=click.Path(path_type=Path), help="An earlier record to set beside.")
def evaluate(output: Path | None, compare: Path | None, **asked: Any) -> None:
    r"""Score completions on a benchmark: exact match, edit similarity, pass@1.

    SUITE is how PATH is read, a file of JSON lines as the benchmark's makers publish it.

    \b
    linewise eval humaneval-infilling HumanEval-SingleLineInfilling.jsonl.gz --limit 50
    linewise eval safim safim-python.jsonl.gz --pipeline raw --json before.json
    linewise eval safim safim-python.jsonl.gz --pipeline full --compare before.json

    In mode editor the indentation of a missing line stands before the cursor and its line ending
    after it, as when somebody types; the stripped line is compared. In mode official the prompt
    ends where the benchmark ends it: set only these figures beside published ones.

    Programs for pass@1 are written by a model. Each runs in a process of its own, in an empty
    directory, without network, without leave to write or to start others, with 10 s of processor
    time and 1 GiB of memory. Where the system cannot take these rights away (not Linux), nothing
    runs unless --execute says so.

    Ctrl+C ends the run and shows what there is.
    """
    from rich.console import Console

    from linewise_models.evaluate import record as records
    from linewise_models.evaluate.report import show, show_comparison

    choice = Choice(**asked)
    _check(choice, output)
    # Read before the long work, so that a file that cannot be compared is known at once.
    before = records.read(compare) if compare else None
    record = _run(choice)
    if output:
        records.write(record, output)
        click.echo(f"The record is in {output}.", err=True)
    console = Console()
    if record.results:
        show(record, console)
        if before:
            show_comparison(before, record, console)
    if not record.complete:
        sys.exit(130)


def _check(choice: Choice, output: Path | None) -> None:
    if choice.pipeline == "full" and not (choice.heal and choice.fim):
        raise click.UsageError("--no-heal and --left-to-right are for --pipeline raw.")
    if choice.pipeline == "full" and choice.mode == "official":
        raise click.UsageError(
            "--mode official puts the cursor where no editor has it; use it with --pipeline raw."
        )
    if choice.cross_file and choice.suite != "crosscodeeval":
        raise click.UsageError("--cross-file is for crosscodeeval; others have no such code.")
    if output and not output.absolute().parent.is_dir():
        raise UsageError(f"There is no directory {output.absolute().parent} for the record.")


def _run(choice: Choice) -> Record:
    """Return the record of a run, also of one that Ctrl+C ended."""
    import datetime
    import hashlib

    from linewise_models.evaluate.extent import RULES
    from linewise_models.evaluate.record import Record, machine
    from linewise_models.evaluate.suites import read_suite
    from linewise_models.evaluate.weights import describe
    from linewise_server.app import build_engines

    engines, settings = build_engines(), Settings(model=choice.model, latency_invoked=LATENCY_MS)
    served = engines.served(settings)
    problems = read_suite(choice.suite, choice.path, choice.mode, choice.limit)
    if not choice.cross_file:
        problems = [replace(problem, context="") for problem in problems]
    results: list[Result] = []
    rules: dict[str, Any] = {
        "decoding": "greedy",
        "ends": {extent: RULES[extent] for extent in {p.extent for p in problems}},
        "cross_file": choice.cross_file,
    }
    started, surroundings = datetime.datetime.now(datetime.UTC), machine()
    complete = False
    clock = time.monotonic()
    try:
        asyncio.run(
            _evaluate(choice, engines.client(settings, _silent), settings, problems, results, rules)
        )
        complete = True
    except KeyboardInterrupt:
        click.echo(f"Stopped after {len(results)} of {len(problems)} problems.", err=True)
    return Record(
        suite=choice.suite,
        data={
            "file": choice.path.name,
            "sha256": hashlib.sha256(choice.path.read_bytes()).hexdigest(),
            "chosen": len(problems),
        },
        mode=choice.mode,
        pipeline=choice.pipeline if choice.heal else "raw without healing",
        rules=rules,
        model={"name": choice.model} | asdict(describe(served.model)),
        machine=surroundings,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - clock, 1),
        complete=complete,
        results=results,
    )


async def _evaluate(
    choice: Choice,
    client: EngineClient,
    settings: Settings,
    problems: list[Problem],
    results: list[Result],
    rules: dict[str, Any],
) -> None:
    """Fill `results` as they come, and `rules` with what the engine says of itself."""
    from linewise_models.evaluate.raw import MOST_TOKENS, Raw
    from linewise_models.evaluate.run import evaluate as results_of

    product = Product(client, settings)
    try:
        report = await client.report()
        raw = choice.pipeline == "raw"
        fim = report.fim if choice.fim else "none"
        rules |= {
            "fim": fim,
            "healing": choice.heal,
            "context_tokens": report.context,
            "backend": report.backend,
            "engine_threads": report.threads,
        }
        if raw:
            rules |= {
                "prompt": "the whole prefix, cut at line starts to what the context holds",
                "most_tokens": {p.extent: MOST_TOKENS[p.extent] for p in problems},
                "end_token_barred_at_first": fim == "none",
            }
        else:
            rules |= {
                "prompt": "as the product makes it for a request by hand, on a machine as fast as "
                "it could wish",
                "latency_ms": LATENCY_MS,
                "end_token_barred_at_first": True,
            }
        limits = await _limits(choice.execute)
        rules["limits"] = asdict(limits) if limits else None
        complete = Raw(client, choice.heal, choice.fim) if raw else product
        with _progress(len(problems)) as advance:
            async with aclosing(results_of(problems, complete, limits)) as stream:
                async for result in stream:
                    results.append(result)
                    advance(result)
    finally:
        await product.close()


async def _limits(execute: bool | None) -> Limits | None:
    """Return within what programs run; None where they do not."""
    from linewise_models.evaluate.execution import Limits, can_isolate

    if execute is False:
        return None
    if await can_isolate():
        return Limits()
    if execute:
        click.echo("Programs run without isolation on this system: limits of time only.", err=True)
        return Limits(strict=False)
    click.echo(
        "No pass@1: programs cannot be isolated on this system. --execute runs them all the same.",
        err=True,
    )
    return None


class Product:
    """The product's own path of a keystroke as one who completes; asked by hand, as users can."""

    def __init__(self, client: EngineClient, settings: Settings) -> None:
        from linewise_server.completion.completer import Completer

        self._client = Unhurried(client)
        self._traces: list[Trace] = []
        # Nothing waits for a rhythm, and nothing is generated ahead of a user who is not there.
        self._completer = Completer(
            self._client, lambda: settings, self._traces.append, sleep=_for_ever
        )

    async def __call__(self, problem: Problem) -> Answer:
        """Return what would be suggested in the hole. Raises ModelError."""
        from linewise_models.evaluate.problem import Answer
        from linewise_server.completion.completer import Ask
        from linewise_server.snapshot import Snapshot

        before = problem.context + problem.prefix
        uri = f"evaluation:{problem.id}"
        snapshot = Snapshot.of(before + problem.suffix, uri, "python")
        line, column = snapshot.place(len(before))
        self._traces.clear()
        self._client.asked = None
        started = time.monotonic()
        found = await self._completer.complete(Ask(snapshot, line, column, invoked=True))
        elapsed = (time.monotonic() - started) * 1000
        await self._completer.settled()
        self._completer.forget(uri)
        trace = self._traces[-1] if self._traces else None
        asked = self._client.asked
        return Answer(
            text=found[0].text if found else "",
            said=trace.text if trace else "",
            prompt_bytes=sum(len(part.text.encode()) for part in asked.prompt) if asked else 0,
            replace=found[0].end - column if found else 0,
            filters=tuple(trace.filters) if trace else (),
            finish=trace.finish if trace else "none",
            prompt_tokens=trace.prompt_tokens if trace else 0,
            generated_tokens=trace.generated_tokens if trace else 0,
            total_ms=elapsed,
        )

    async def close(self) -> None:
        """Let go of the engine."""
        await self._completer.close()


class Unhurried:
    """An engine whose speed is no reason to say less, and that keeps what it was asked last.

    The product makes windows smaller on a slow or busy machine. Scores must not depend on that.
    """

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self.asked: Request | None = None

    async def report(self) -> Report:
        """Return what the engine is, with the speeds of a fast machine."""
        return replace(await self._client.report(), prompt_speed=FAST, generation_speed=FAST)

    async def tokenise(self, text: str) -> list[int]:
        """Return the token ids of `text`."""
        return await self._client.tokenise(text)

    async def generate(
        self, request: Request, stopped: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[Event, None]:
        """Yield what the engine does."""
        self.asked = request
        async with aclosing(self._client.generate(request, stopped)) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        """Let go of the engine."""
        await self._client.close()


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[Result], None]]:
    """Show on stderr how far it is: a bar with the time left, or now and then a line."""
    done = exact = 0
    if not sys.stderr.isatty():

        def tell(result: Result) -> None:
            nonlocal done, exact
            done, exact = done + 1, exact + result.exact
            if done == total or done % max(1, total // 10) == 0:
                click.echo(f"{done} of {total} problems, {exact} exact", err=True)

        yield tell
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[exact]} exact"),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("problems", total=total, exact=0)

        def draw(result: Result) -> None:
            nonlocal exact
            exact += result.exact
            bars.update(task, advance=1, exact=exact)

        yield draw


async def _for_ever(seconds: float) -> None:
    await asyncio.Event().wait()


def _silent(share: float) -> None:
    """Loading takes a second; the bar of problems says enough."""
