"""`linewise eval perplexity`: how well a model foretells code that it has not seen.

In: a prepared dataset, a folder of code or a file, and a model. Out: a table, and a record as JSON.
The model is asked in a process of its own; nothing is generated.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linewise_server.cli.model import model_option
from linewise_server.cli.records import check_output, keep, named, progress, record_options
from linewise_server.errors import UsageError
from linewise_server.settings import Settings

if TYPE_CHECKING:
    from linewise_models.evaluate.perplexity import Told
    from linewise_models.evaluate.record import Record
    from linewise_models.evaluate.telling import Asked, Facts

MIDDLES = {
    True: "middles of held-out examples, behind the marks and boundaries of the dataset; where one "
    "ends by itself its end is foretold as well",
    False: "middles of held-out examples from what stands before them alone, without their ends",
}
CODE = (
    "every token but the first of a text; texts longer than the context in windows that overlap by "
    "a half"
)


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@model_option
@click.option("--limit", type=click.IntRange(1), help="So many examples or files, fairly drawn.")
@click.option(
    "--fim/--left-to-right",
    default=True,
    help="Tell middles by the model's own FIM format where it has one, or from what stands before.",
)
@record_options
def perplexity(
    data: Path, model: str, limit: int | None, fim: bool, output: Path | None, compare: Path | None
) -> None:
    """Measure how well a model foretells code: perplexity, bits a byte, next-token accuracy.

    DATA is what linewise models prepare makes, a folder of code, or a file. Of prepared data the
    held-out packages are told: their middles, as the model is asked in the editor, and the same
    examples as plain code. Of other code every token is told.

    \b
    linewise eval perplexity DATA --json base.json
    linewise eval perplexity DATA --model tuned.gguf --compare base.json
    linewise eval perplexity src --model qwen2.5-coder-0.5b

    A perplexity counts tokens, so it compares models of one vocabulary only; bits a byte compare
    all. Whoever is compared on code in the clear must not have been trained on it.

    Ctrl+C ends the run and shows what there is: examples are told in an order that is drawn once.
    """  # noqa: D301 # click's \b is a character, not two
    from rich.console import Console

    from linewise_models.evaluate import record as records
    from linewise_models.evaluate.surprise import compared, show

    before = records.read_told(compare) if compare else None
    check_output(output)
    record = _run(data, model, limit, fim)
    console = Console()
    if record.results:
        show(record, console)
    keep(record, output)
    if before and record.results:
        compared(before, record, console)
    if not record.complete:
        sys.exit(130)


def _run(data: Path, model: str, limit: int | None, fim: bool) -> Record[Told]:
    """Return the record of a run, also of one that Ctrl+C ended."""
    import datetime

    from linewise_models.engine.scripted import SUFFIX
    from linewise_models.evaluate.record import PERPLEXITY, Record, machine
    from linewise_models.evaluate.telling import Asked
    from linewise_models.evaluate.weights import describe
    from linewise_server.app import build_engines

    served = build_engines().served(Settings(model=model))
    if served.model.name.endswith(SUFFIX):
        raise UsageError(f"{served.model.name} is a script and foretells nothing. Name a model.")
    asked = Asked(served.model, data, limit, fim and served.fim != "none", served.threads)
    results: list[Told] = []
    known: list[Facts] = []
    started, surroundings, clock = (
        datetime.datetime.now(datetime.UTC),
        machine(),
        time.monotonic(),
    )
    complete = False
    try:
        _listen(asked, known, results)
        complete = True
    except KeyboardInterrupt:
        total = f" of {known[0].passages}" if known else ""
        click.echo(f"Stopped after {len(results)}{total} passages.", err=True)
    facts = known[0] if known else None
    prepared = facts is not None and facts.kind == "prepared"
    fills_in = facts is not None and facts.fills_in
    rules: dict[str, Any] = {"code": CODE}
    if facts is not None:
        rules |= {"context_tokens": facts.context, "engine_threads": facts.threads}
    if prepared:
        rules["middles"] = MIDDLES[fills_in]
    return Record(
        suite=PERPLEXITY,
        data=_described(data, facts),
        mode=("filling in" if fills_in else "left to right") if prepared else "code",
        pipeline="likelihood",
        rules=rules,
        model={"name": named(model)} | asdict(describe(served.model)),
        machine=surroundings,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - clock, 1),
        complete=complete,
        results=results,
    )


def _listen(asked: Asked, known: list[Facts], results: list[Told]) -> None:
    """Fill `known` and `results` as they come."""
    from linewise_models.evaluate.telling import foretell

    with foretell(asked) as (facts, every):
        known.append(facts)
        if facts.skipped:
            click.echo(
                f"{len(facts.skipped)} files are not UTF-8 and were left out: {facts.skipped[0]}",
                err=True,
            )
        loss, size = 0.0, 0
        with progress(facts.passages, "passages") as advance:
            for told in every:
                results.append(told)
                loss, size = loss + told.loss, size + told.bytes
                advance(f"{loss / math.log(2) / max(size, 1):.3f} bits a byte")


def _described(data: Path, facts: Facts | None) -> dict[str, Any]:
    import hashlib

    from linewise_models.evaluate.passages import PREPARED

    document = data / PREPARED if (data / PREPARED).is_file() else data
    described: dict[str, Any] = {"file": data.resolve().name}
    if document.is_file():
        # Of a dataset: its description, which holds the hash of each of its arrays.
        described["sha256"] = hashlib.sha256(document.read_bytes()).hexdigest()
    if facts is not None:
        described |= {"kind": facts.kind, "chosen": facts.passages, "skipped": facts.skipped}
    return described
