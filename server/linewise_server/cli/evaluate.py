"""`linewise eval`: how good completions and generated code are, by the benchmarks of the field.

In: a benchmark's file and a model. Out: a table, and a record as JSON. The engine is asked either
bare or through the whole product, so that the difference is what the product adds. `perplexity` and
`plot` are commands of the same group.
"""

from __future__ import annotations

import asyncio
import copy
import sys
import time
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from linewise_server.cli.model import model_option
from linewise_server.cli.perplexity import perplexity
from linewise_server.cli.plot import plot
from linewise_server.cli.records import check_output, keep, named, progress, record_options
from linewise_server.errors import UsageError
from linewise_server.settings import Settings

if TYPE_CHECKING:
    from linewise_models.engine.contract import EngineClient
    from linewise_models.evaluate.execution import Limits
    from linewise_models.evaluate.problem import Mode, Problem
    from linewise_models.evaluate.record import Record
    from linewise_models.evaluate.run import Result

SUITES = {
    "humaneval-infilling": "HumanEval-Infilling: a line, lines or a span of a function.",
    "safim": "SAFIM: a block, the head of a branch or loop, or a call of an API.",
    "crosscodeeval": "CrossCodeEval: a statement that uses another file of its project.",
    "humaneval": "HumanEval: a whole function from its head and docstring.",
    "mbpp": "MBPP: a program from a sentence and a test.",
    "catalogue": "Names of your own API, from `linewise catalogue suggest --prompts`.",
}
GENERATION = ("humaneval", "mbpp")
LATENCY_MS = 60_000.0
CrossFile = Literal["product", "benchmark"]
CROSS_FILE: dict[CrossFile | None, str] = {
    None: "none",
    "product": "of the fragments that the benchmark gives of other files, what the product quotes "
    "of files that are open",
    "benchmark": "all fragments that the benchmark gives, before the prefix, in its own words",
}
CURSOR = {
    "editor": "behind the indentation of a missing line, with its line ending behind it",
    "official": "where the benchmark ends its prompt",
}


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
    cross_file: CrossFile | None
    execute: bool | None


@click.group("eval")
def evaluate() -> None:
    """Score completions and generated code: exact match, edit similarity, pass@1, perplexity.

    A suite's PATH is a file of JSON lines as the benchmark's makers publish it.

    \b
    linewise eval humaneval-infilling HumanEval-SingleLineInfilling.jsonl.gz --limit 50
    linewise eval safim safim-python.jsonl.gz --pipeline raw --json before.json
    linewise eval safim safim-python.jsonl.gz --pipeline full --compare before.json
    linewise eval perplexity DATA --json surprise.json
    linewise eval plot before.json after.json --out scores.svg

    Programs for pass@1 are written by a model. Each runs in a process of its own, in an empty
    directory, without network, without leave to write or to start others, with 10 s of processor
    time and 1 GiB of memory. Where the system cannot take these rights away (not Linux), nothing
    runs unless --execute says so.

    Ctrl+C ends a run and shows what there is.
    """  # noqa: D301 # click's \b is a character, not two


evaluate.add_command(perplexity)
evaluate.add_command(plot)


@click.command()
@click.pass_context
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@model_option
@click.option(
    "--pipeline",
    type=click.Choice(["full", "raw", "naive"]),
    default="full",
    show_default=True,
    help="full: all that the product does. raw: a request to the engine. naive: a chat through "
    "llama-cpp-python, for humaneval and mbpp.",
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
@click.option(
    "--cross-file",
    type=click.Choice(["product", "benchmark"]),
    help="crosscodeeval: show what other files say, as the product quotes it, or as the benchmark "
    "has it; nothing by default.",
)
@click.option("--limit", type=click.IntRange(1), help="So many problems, spread over the file.")
@click.option(
    "--execute/--no-execute",
    default=None,
    help="Run programs for pass@1; by default where they can be isolated.",
)
@record_options
def _score(
    context: click.Context, /, output: Path | None, compare: Path | None, **asked: Any
) -> None:
    """Score the answers to the problems in PATH, as the benchmark's makers publish it.

    humaneval and mbpp ask for whole functions, by the way of “Implement This Function” and
    “Generate from Comment”; the others ask for completions.

    In mode editor the indentation of a missing line stands before the cursor and its line ending
    after it, as when somebody types; the stripped line is compared. In mode official the prompt
    ends where the benchmark ends it: set only these figures beside published ones.

    Programs are run without network and without leave to write; see linewise eval --help.
    """
    from rich.console import Console

    from linewise_models.evaluate import record as records
    from linewise_models.evaluate.report import show, show_comparison

    choice = Choice(suite=context.info_name or "", **asked)
    # All that can be wrong with the files is said before the long work.
    before = records.read(compare) if compare else None
    _check(choice, before)
    check_output(output)
    record = _run(choice)
    console = Console()
    if record.results:
        show(record, console)
    keep(record, output)
    if before and record.results:
        show_comparison(before, record, console)
    if not record.complete:
        sys.exit(130)


for _suite, _summary in SUITES.items():
    _command = copy.copy(_score)
    _command.name, _command.short_help = _suite, _summary
    evaluate.add_command(_command)


def _check(choice: Choice, before: Record[Result] | None) -> None:
    if choice.pipeline == "full" and not (choice.heal and choice.fim):
        raise click.UsageError("--no-heal and --left-to-right are for --pipeline raw.")
    if choice.pipeline == "full" and choice.mode == "official":
        raise click.UsageError(
            "--mode official puts the cursor where no editor has it; use it with --pipeline raw."
        )
    if choice.pipeline == "naive" and choice.suite not in GENERATION:
        raise click.UsageError(f"--pipeline naive is for {' and '.join(GENERATION)}.")
    if choice.cross_file and choice.suite != "crosscodeeval":
        raise click.UsageError("--cross-file is for crosscodeeval; others have no such code.")
    if choice.cross_file == "product" and choice.pipeline != "full":
        raise click.UsageError("--cross-file product is for --pipeline full.")
    if before and (before.suite, before.mode) != (choice.suite, choice.mode):
        raise UsageError(
            f"The earlier record is of {before.suite} in mode {before.mode}; only like can be "
            "compared with like."
        )


def _run(choice: Choice) -> Record[Result]:
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
    if choice.cross_file != "benchmark":
        problems = [replace(problem, context="") for problem in problems]
    if choice.cross_file != "product":
        problems = [replace(problem, others=()) for problem in problems]
    results: list[Result] = []
    rules: dict[str, Any] = {
        "decoding": "greedy",
        "cursor": CURSOR[choice.mode],
        "ends": {extent: RULES[extent] for extent in sorted({p.extent for p in problems})},
        "cross_file": choice.cross_file,
        "cross_file_code": CROSS_FILE[choice.cross_file],
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
        model={"name": named(choice.model)} | asdict(describe(served.model)),
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
    from linewise_models.evaluate.naive import PROMPT, Naive
    from linewise_models.evaluate.raw import MOST_TOKENS, Raw
    from linewise_models.evaluate.run import evaluate as results_of
    from linewise_server.app import build_engines
    from linewise_server.cli.product import GeneratingProduct, Product

    raw = Raw(client, choice.heal, choice.fim)
    product: Product | GeneratingProduct | Naive | None = None
    if choice.pipeline == "naive":
        product = Naive(build_engines().served(settings).model, settings.threads)
    elif choice.pipeline == "full":
        kind = GeneratingProduct if choice.suite in GENERATION else Product
        product = kind(client, settings)
    try:
        report = await client.report()
        fim = report.fim if choice.fim else "none"
        rules |= {
            "fim": fim,
            "healing": choice.heal,
            "context_tokens": report.context,
            "backend": report.backend,
            "engine_threads": report.threads,
        }
        if product is None:
            rules |= {
                "prompt": "the whole prefix, cut at line starts to what the context holds",
                "most_tokens": {p.extent: MOST_TOKENS[p.extent] for p in problems},
                "end_token_barred_at_first": fim == "none",
            }
        elif isinstance(product, Naive):
            rules |= {"prompt": PROMPT, "most_tokens": MOST_TOKENS["body"], "fim": "none"}
        else:
            rules |= {
                "prompt": "as the product makes it for a request by hand, on a machine as fast as "
                "it could wish",
                "stops": "once what was said fills the line or the block, as the product stops it",
                "latency_ms": LATENCY_MS,
                "end_token_barred_at_first": True,
            }
        limits = await _limits(choice.execute)
        rules["limits"] = asdict(limits) if limits else None
        with progress(len(problems), "problems") as advance:
            async with aclosing(results_of(problems, product or raw, limits)) as stream:
                async for result in stream:
                    results.append(result)
                    advance(f"{sum(result.exact for result in results)} exact")
    finally:
        await (product or client).close()


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


def _silent(share: float) -> None:
    """Loading takes a second; the bar of problems says enough."""
