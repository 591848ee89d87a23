"""What a run says: a bar with the time left, TensorBoard, and a plain log.

In: figures of steps and evaluations. Out: RUN/log.jsonl, one JSON object a line; RUN/board/ for
TensorBoard; a bar on a terminal, or a line every half a minute where there is none. Decides
nothing.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter

from linewise_models.errors import TrainError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from linewise_models.train.checkpoint import State
    from linewise_models.train.middle import Told

LINE_SECONDS = 30.0
NAMES = {
    "loss": "loss/train",
    "held_out_loss": "loss/held out",
    "held_out_accuracy": "held out/next token right",
    "held_out_exact": "held out/whole middle right",
    "learning_rate": "run/learning rate",
    "tokens_per_second": "run/tokens per second",
}
"""Figure -> its name in TensorBoard."""


class Board:
    """The board of one run; a context, so that everything is flushed at the end."""

    def __init__(self, run: Path, step: int, total: int) -> None:
        """Go on after `step`: what an earlier stretch wrote beyond its last checkpoint goes."""
        run.mkdir(parents=True, exist_ok=True)
        self._log = run / "log.jsonl"
        _cut(self._log, step)
        self._writer = SummaryWriter(str(run / "board"), purge_step=step + 1)
        self._total = total
        self._shown = time.monotonic()
        self._speed: float | None = None
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("starting", total=total, completed=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self._writer.close()

    def step(
        self, state: State, *, loss: float, learning_rate: float, gradient: float, speed: float
    ) -> None:
        """Write what a step came to; `speed` is in tokens a second."""
        figures = {
            "loss": loss,
            "learning_rate": learning_rate,
            "gradient": gradient,
            "tokens_per_second": speed,
            "tokens": state.place.tokens,
            "seconds": state.seconds,
        }
        self._note(state.step, figures)
        self._speed = speed if self._speed is None else 0.95 * self._speed + 0.05 * speed
        self._show(state, loss, self._speed)

    def look(self, step: int, told: Told) -> None:
        """Write how well held-out middles are told."""
        loss = told.loss / told.tokens
        accuracy, exact = told.right / told.tokens, told.exact / told.examples
        figures = {"held_out_loss": loss, "held_out_accuracy": accuracy, "held_out_exact": exact}
        self._note(step, figures)
        self.say(
            f"step {step}: held-out loss {loss:.4f}, next token right {accuracy:.1%}, "
            f"whole middle right {exact:.1%} of {told.examples}"
        )

    def sample(self, step: int, number: int, before: str, said: str, right: str) -> None:
        """Show what the model says at a held-out hole."""
        text = f"```\n{before[-200:]}\n```\nsays\n```\n{said}\n```\nwritten was\n```\n{right}\n```"
        self._writer.add_text(f"samples/{number}", text, step)
        self._append({"step": step, "sample": number, "said": said, "right": right})

    def say(self, text: str) -> None:
        """Tell the user a line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _show(self, state: State, loss: float, speed: float) -> None:
        tokens = state.place.tokens
        text = f"step {state.step}  loss {loss:.3f}  {speed:.0f} tokens/s"
        self._bar.update(self._task, completed=tokens, description=text)
        now = time.monotonic()
        if self._bar.disable and now - self._shown >= LINE_SECONDS:
            self._shown = now
            left = (self._total - tokens) / max(speed, 1e-9) / 60
            self.say(f"{text}  {tokens / self._total:.1%}  {left:.0f} min left")

    def _note(self, step: int, figures: Mapping[str, float]) -> None:
        self._append({"step": step, **figures})
        for name, value in figures.items():
            if name in NAMES:
                self._writer.add_scalar(NAMES[name], value, step)

    def _append(self, record: Mapping[str, Any]) -> None:
        try:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise TrainError(
                f"{self._log} could not be written: {error.strerror}. The checkpoints are whole: "
                "make room and go on with --resume."
            ) from error


def _cut(log: Path, step: int) -> None:
    """Drop the records after a step, and a last line that was not written to its end."""
    if not log.is_file():
        return
    kept = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if record["step"] <= step:
            kept.append(line + "\n")
    half = log.with_suffix(".half")
    half.write_text("".join(kept), encoding="utf-8")
    half.replace(log)
