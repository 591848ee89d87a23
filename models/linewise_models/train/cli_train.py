"""`linewise models train` on the command line.

In: arguments. Out: progress on stderr, what was made on stdout, exit code 0, 1 (it failed) or 2 (it
was asked wrongly). PyTorch and all that is heavy is imported where it is used: the command is
part of `linewise --help`, also where the extra `train` is not installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linewise_models.cli.access import told
from linewise_models.errors import ModelError, TrainError

if TYPE_CHECKING:
    from collections.abc import Iterator

DATASET = click.Path(exists=True, file_okay=False, path_type=Path)


class _Config(click.Path):
    """A config file, of the user or, by its bare name, of Linewise; its path."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        config = Path(value)
        ours = Path(__file__).parent / "configs" / f"{config.name.removesuffix('.toml')}.toml"
        named = not config.exists() and len(config.parts) == 1 and ours.is_file()
        return super().convert(ours if named else value, param, ctx)


CONFIG = _Config(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("config", type=CONFIG)
@click.option("--data", type=DATASET, help="The prepared dataset.")
@click.option("--out", type=click.Path(path_type=Path), help="The directory of the run.")
@click.option("--resume", is_flag=True, help="Go on after the last checkpoint, if there is one.")
@click.option("--max-minutes", type=click.FloatRange(min=0), help="Stop then, to be resumed.")
@click.option("--processes", type=click.IntRange(min=1), help="Share the work on this machine.")
def train(
    config: Path,
    data: Path | None,
    out: Path | None,
    *,
    resume: bool,
    max_minutes: float | None,
    processes: int | None,
) -> None:
    """Train a model, or an adapter for one, as a config says.

    \b
    linewise models train CONFIG --data DATA --out RUN
    linewise models train CONFIG --data DATA --out RUN --resume     go on, also after a crash
    tensorboard --logdir RUN/board                                  watch it

    CONFIG is a TOML file, or the bare name of one that comes with Linewise, such as fim-smollm2;
    those explain every key. Ctrl-C ends a run after its step, with a checkpoint.

    \b
    On several machines, the same on each, with a RANK of its own:
    torchrun --nnodes 2 --node-rank RANK --nproc-per-node 2 \\
      --rdzv-backend c10d --rdzv-endpoint FIRST_MACHINE:29500 \\
      -m linewise_models.train CONFIG --data DATA --out RUN
    """  # noqa: D301 # click's \b is a character, not two
    with failures_told():
        need("torch", "transformers", "accelerate", "tensorboard")
        if processes is not None:
            raise SystemExit(_together(processes, config, data, out, resume, max_minutes))
        from linewise_models.train.config import read_config
        from linewise_models.train.loop import train as run_training

        told = read_config(config)
        if not (data or told.data) or not (out or told.out):
            raise click.UsageError("Name the data and the run: in the config, or --data and --out.")
        run = out or Path(told.out)
        minutes = math.inf if max_minutes is None else max_minutes
        outcome = run_training(told, data or Path(told.data), run, resume=resume, minutes=minutes)
    if int(os.environ.get("RANK", "0")) == 0:
        click.echo(
            f"{outcome.reason.capitalize()} after step {outcome.step} and {outcome.tokens:,} "
            f"tokens. Best held-out loss {outcome.held_out_loss:.4f}: {run / 'best.safetensors'}"
        )


def need(*packages: str) -> None:
    """Raise TrainError, saying what to install, where one of these packages is missing."""
    if missing := [name for name in packages if importlib.util.find_spec(name) is None]:
        raise TrainError(
            f"This needs {', '.join(missing)}. Install it: {sys.executable} -m pip install "
            "'linewise[train]'"
        )


@contextlib.contextmanager
def failures_told() -> Iterator[None]:
    """Tell what is wrong in a line instead of a traceback."""
    try:
        yield
    except ModelError as error:
        raise told(error) from error


def _together(
    processes: int,
    config: Path,
    data: Path | None,
    out: Path | None,
    resume: bool,
    max_minutes: float | None,
) -> int:
    """Run the same command in so many processes that find each other; return how it ended."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(processes), "-m", "linewise_models.train", str(config)]
    command += ["--data", str(data)] * (data is not None) + ["--out", str(out)] * (out is not None)
    command += ["--resume"] * resume
    command += [] if max_minutes is None else ["--max-minutes", str(max_minutes)]
    # Threads that wait for each other on a crowded machine cost more than they bring.
    threads = max(1, (os.cpu_count() or 1) // processes)
    child = subprocess.Popen(command, env={"OMP_NUM_THREADS": str(threads), **os.environ})
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue  # the children hear it too, and end with a checkpoint
