"""`linewise models vocabulary`, `export` and `quantize` on the command line: from files to files.

In: arguments. Out: what was made, on stdout; progress and errors on stderr; exit code 0, 1 (it
failed) or 2 (it was asked wrongly). What is heavy to import is imported where it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from linewise_models.train.cli_train import DATASET, failures_told, need

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linewise_models.train.quantise import Row


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--size", type=click.IntRange(min=1), default=4096, show_default=True)
def vocabulary(folder: Path, target: Path, *, size: int) -> None:
    """Learn a vocabulary of SIZE tokens from the code in FOLDER, for a model from scratch.

    TARGET is a GGUF file with the vocabulary alone: what `prepare --base` and a config's
    model.tokenizer name.
    """
    with failures_told():
        need("tokenizers")
        from linewise_models.train.bpe import learn_vocabulary, read_texts

        learn_vocabulary(read_texts(folder), size, target)
    click.echo(f"{target}: {size} tokens")


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--type", "kind", type=click.Choice(["F32", "F16", "Q8_0"]), default="F16", show_default=True
)
@click.option(
    "--order",
    type=click.Choice(["spm", "psm", "none"]),
    default="spm",
    show_default=True,
    help="In which order the model is asked to fill in.",
)
@click.option("--merge", is_flag=True, help="Of an adapter: write it and its base as one model.")
@click.option("--name", help="What the file calls itself.")
def export(
    run: Path, target: Path, *, kind: str, order: str, merge: bool, name: str | None
) -> None:
    """Write the best weights of a RUN to the GGUF file TARGET.

    LoRA gives an adapter for its base, or with --merge a model of its own; other runs give a
    model. Any llama.cpp program can use it: the marks for filling in are in its metadata.
    """
    with failures_told():
        need("torch", "transformers")
        from linewise_models.train.export import export as write
        from linewise_models.train.run import read_run

        config, facts = read_run(run)
        name = name or target.stem
        write(config, facts, run, target, order=order, kind=kind, name=name, merged=merge)
    click.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


@click.command()
@click.argument("model")
@click.option("--data", type=DATASET, required=True, help="A prepared dataset.")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="Where files go.")
@click.option(
    "--types",
    default="F16,Q8_0,Q6_K,Q5_K_M,Q4_K_M,Q4_0",
    show_default=True,
    help="What to try, in this order.",
)
@click.option("--examples", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--keep-all", is_flag=True, help="Keep every file, not the one that is picked.")
def quantize(
    model: str, data: Path, out: Path, *, types: str, examples: int, keep_all: bool
) -> None:
    """Write MODEL at several sizes, measure them, and keep the fastest that is as good as the best.

    MODEL is a GGUF file, best one in F16, or a name of the index. As good is a perplexity on
    held-out middles within 1 % of the lowest. The file that is kept can be named wherever a
    model is asked for.

    The K types need rows of a multiple of 256 weights. Where a model's are others, llama.cpp gives
    them another type of about that size: the table says what a file really holds.
    """
    with failures_told():
        from linewise_models.train.quantise import FILE_TYPES, pick, quantise
        from linewise_models.train.whereabouts import locate

        kinds = [kind.strip() for kind in types.split(",")]
        if unknown := [kind for kind in kinds if kind not in FILE_TYPES]:
            raise click.UsageError(f"No type {unknown[0]}. There are: {', '.join(FILE_TYPES)}")
        rows = list(quantise(locate(model), out, kinds, data, examples, _tell))
        best = pick(rows)
        _show(rows, best)
        for row in rows:
            if row is not best and not keep_all:
                row.path.unlink()
    click.echo(str(best.path))


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _show(rows: Sequence[Row], best: Row) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("", "MB", "prompt\ntok/s", "gen.\ntok/s", "perplexity", "exact", "request"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("holds")
    for row in rows:
        table.add_row(
            ("* " if row is best else "") + row.type,
            f"{row.size / 1e6:.1f}",
            f"{row.prompt_speed:.0f}",
            f"{row.generation_speed:.0f}",
            f"{row.perplexity:.3f}",
            f"{row.exact:.1%}",
            f"{row.seconds * 1000:.0f} ms",
            ", ".join(f"{name} {part:.0%}" for name, part in row.holds.items() if part > 0.005),
        )
    console = Console(stderr=True)
    console.print(table)
    console.print(
        f"On {best.examples} held-out examples; a request is 40 tokens evaluated and 20 generated."
    )
