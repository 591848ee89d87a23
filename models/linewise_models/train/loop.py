"""The training loop.

In: a config, a dataset and the directory of the run. Out: the weights with the best held-out loss
in RUN/best.safetensors, checkpoints to go on from, and a board. Reads from top to bottom.

Any number of processes give one result: the micro-batches of a step are shared among them, each
divides its loss by the learnt tokens of the whole step, and their gradients are added.
"""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn
from torch.optim import AdamW, Optimizer

from linewise_models.errors import DatasetError, TrainError
from linewise_models.train.base import build
from linewise_models.train.batches import Sampler, cut
from linewise_models.train.board import Board
from linewise_models.train.checkpoint import (
    State,
    find_checkpoints,
    read_checkpoint,
    write_best,
    write_checkpoint,
)
from linewise_models.train.dataset import Dataset
from linewise_models.train.middle import Told, collate, learnt, middle_loss, tell
from linewise_models.train.precision import arithmetic, choose_precision
from linewise_models.train.run import write_run
from linewise_models.train.tokenizer import Tokenizer
from linewise_models.train.whereabouts import digest

if TYPE_CHECKING:
    from pathlib import Path

    from linewise_models.train.base import Learner
    from linewise_models.train.batches import MicroBatch
    from linewise_models.train.config import Config, Schedule

SAMPLE_TOKENS = 32
Reason = Literal["done", "early stop", "time limit", "interrupted"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run, or a stretch of it, ended."""

    reason: Reason
    step: int
    tokens: int
    held_out_loss: float
    """The best so far, in nats a token; infinite before the first look."""


def train(
    config: Config, data: Path, run: Path, *, resume: bool = False, minutes: float = math.inf
) -> Outcome:
    """Train until the schedule is over, the held-out loss stays up, or the time is up.

    Going on after any end, a killed process included, gives the same losses as never having
    stopped. Raises TrainError and its kinds; the last checkpoint stays whole.
    """
    machine = Accelerator(cpu=not torch.cuda.is_available())
    dataset, held_out = Dataset.open(data, "train", verify=True), Dataset.open(data, "held_out")
    precision = choose_precision(config.precision, machine.device)
    learner = build(config, dataset.facts, precision)
    learner.module.to(machine.device)
    learning = learner.learning()
    optimiser = _optimiser(config, learning)
    sampler = _sampler(config, dataset)
    identity = {**config.same_run(), "data": digest(data / "dataset.json")}
    state = _begin(run, learning, optimiser, identity, resume=resume)
    if machine.is_main_process:
        write_run(run, config, dataset.facts)
    looks = _looks(held_out, config)[machine.process_index :: machine.num_processes]
    # Beside an adapter all is in that precision already; what learns in full is cast as it is used.
    context = arithmetic(
        torch.float32 if config.tune.method == "lora" else precision, machine.device
    )
    reason: Reason = "done"
    started = looked = kept = time.monotonic()
    spent = state.seconds

    tokenizer = Tokenizer(learner.tokenizer)
    with _board(machine, run, state, sampler.total) as board, _signals() as asked:
        if board:
            board.say(_introduction(config, sampler, learning, precision, state))
        for step, place in sampler.steps(state.place):
            # 1. The gradient of the mean loss over all tokens that this step learns.
            count = sum(learnt(dataset, batch, config.loss) for batch in step)
            loss = 0.0
            for numbers in step[machine.process_index :: machine.num_processes]:
                batch = collate(dataset, numbers, config.loss, machine.device)
                with context():
                    part = middle_loss(learner, batch) / count
                part.backward()  # type: ignore[no-untyped-call] # torch leaves it so
                loss += float(part.detach())
            late = time.monotonic() - started > minutes * 60
            loss, stop = _add_up(machine, learning, loss, stop=late or asked())
            if not math.isfinite(loss):
                raise TrainError(
                    f"The loss of step {state.step + 1} is {loss}. Begin anew with a lower "
                    "schedule.learning_rate; the checkpoints until here are whole."
                )

            # 2. The step.
            rate = learning_rate(config.schedule, state.place.tokens / sampler.total)
            for group in optimiser.param_groups:
                group["lr"] = rate
            norm = float(nn.utils.clip_grad_norm_(learning.values(), config.optimiser.clip))
            optimiser.step()
            optimiser.zero_grad()

            # 3. What is seen of it.
            now = time.monotonic()
            speed = (place.tokens - state.place.tokens) / (now - looked)
            state.step, state.place, state.seconds = state.step + 1, place, spent + now - started
            if board:
                board.step(state, loss=loss, learning_rate=rate, gradient=norm, speed=speed)

            # 4. A look at what it has not learnt from; the best weights are kept.
            last = place.tokens >= sampler.total
            if last or state.step % config.watch.evaluate_steps == 0:
                told = _tell_together(machine, tell(learner, held_out, looks, context))
                mean = told.loss / told.tokens
                better, state.best = mean < state.best, min(mean, state.best)
                state.stale = 0 if better else state.stale + 1
                if board:
                    if better:
                        write_best(run, learning, {"step": str(state.step), "loss": f"{mean:.4f}"})
                    board.look(state.step, told)
                    for number in range(min(config.watch.samples, len(held_out))):
                        with context():
                            texts = _sample(learner, tokenizer, held_out, number)
                        board.sample(state.step, number, *texts)
            if config.watch.patience and state.stale >= config.watch.patience:
                reason = "early stop"
            elif stop and not last:
                reason = "time limit" if late else "interrupted"

            # 5. What is needed to go on.
            looked = time.monotonic()
            if board and (last or reason != "done" or _due(config, state.step, looked - kept)):
                write_checkpoint(run, state, learning, optimiser, identity, config.watch.keep)
                kept = looked
            if reason != "done":
                break
    machine.wait_for_everyone()
    return Outcome(reason, state.step, state.place.tokens, state.best)


def learning_rate(schedule: Schedule, done: float) -> float:
    """Return the learning rate after a share of the run: up in a line, then down a cosine.

    (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts.)
    """
    if done < schedule.warmup:
        # Not from nothing: the first step shall count.
        return schedule.learning_rate * max(done / schedule.warmup, 0.01)
    share = (done - schedule.warmup) / (1 - schedule.warmup)
    height = (1 + math.cos(math.pi * min(share, 1.0))) / 2
    return schedule.learning_rate * (schedule.final + (1 - schedule.final) * height)


def _optimiser(config: Config, learning: dict[str, nn.Parameter]) -> Optimizer:
    """Return AdamW; matrices decay where that is asked for, vectors do not."""
    told = config.optimiser
    matrices = [p for p in learning.values() if p.ndim > 1]
    vectors = [p for p in learning.values() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": told.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return AdamW(
        [group for group in groups if group["params"]],
        lr=config.schedule.learning_rate,
        betas=(told.beta1, told.beta2),
        fused=True,
    )


def _sampler(config: Config, dataset: Dataset) -> Sampler:
    sampler = Sampler(
        dataset.lengths,
        budget=config.batch.tokens,
        accumulate=config.batch.accumulate,
        longest=config.batch.longest,
        epochs=config.schedule.epochs,
        seed=config.seed,
    )
    if not sampler.total:
        raise DatasetError(
            f"{dataset.path} has no example of at most {config.batch.longest} tokens to learn from."
        )
    return sampler


def _begin(
    run: Path,
    learning: dict[str, nn.Parameter],
    optimiser: Optimizer,
    identity: dict[str, Any],
    *,
    resume: bool,
) -> State:
    there = find_checkpoints(run)
    if resume:
        return read_checkpoint(there[-1], learning, optimiser, identity) if there else State()
    if there or (run / "log.jsonl").exists():
        raise TrainError(f"{run} holds a run already. Go on with it: --resume. Or name another.")
    return State()


def _looks(held_out: Dataset, config: Config) -> list[MicroBatch]:
    """Return the held-out examples that are looked at, in batches; the same each time."""
    fitting = np.flatnonzero(held_out.lengths <= config.batch.longest)
    if not len(fitting):
        raise DatasetError(f"{held_out.path} has no held-out example that is short enough.")
    chosen = np.random.default_rng(config.seed).permutation(fitting)[: config.watch.held_out]
    order = chosen[np.argsort(held_out.lengths[chosen], kind="stable")]
    return cut(order, held_out.lengths, config.batch.tokens)


def _add_up(
    machine: Accelerator, learning: dict[str, nn.Parameter], loss: float, *, stop: bool
) -> tuple[float, bool]:
    """Add gradients and losses over the processes; one that is to stop stops all."""
    if machine.num_processes == 1:
        return loss, stop
    for parameter in learning.values():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = [p.grad for p in learning.values() if p.grad is not None]
    figures = torch.tensor([loss, float(stop)], device=machine.device)
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), figures])
    flat = machine.reduce(flat, "sum")
    for gradient, part in zip(
        gradients, flat.split([g.numel() for g in gradients] + [2]), strict=False
    ):
        gradient.copy_(part.view_as(gradient))
    return float(flat[-2]), bool(flat[-1] > 0)


def _tell_together(machine: Accelerator, told: Told) -> Told:
    if machine.num_processes == 1:
        return told
    sums = torch.tensor(astuple(told), dtype=torch.float64, device=machine.device)
    loss, *counts = machine.reduce(sums, "sum").tolist()
    return Told(loss, *(int(count) for count in counts))


def _sample(
    learner: Learner, tokenizer: Tokenizer, held_out: Dataset, number: int
) -> tuple[str, str, str]:
    """Return a held-out example's text before the middle, what is said there, and its middle."""
    example = held_out[number]
    before, right = (part.tolist() for part in np.split(example.tokens, [max(example.middle, 1)]))
    said = learner.complete(before, held_out.facts.end.id, SAMPLE_TOKENS)
    return tokenizer.text(before), tokenizer.text(said), tokenizer.text(right)


def _due(config: Config, step: int, seconds: float) -> bool:
    watch = config.watch
    by_step = bool(watch.checkpoint_steps) and step % watch.checkpoint_steps == 0
    return by_step or 0 < watch.checkpoint_minutes * 60 <= seconds


def _introduction(
    config: Config,
    sampler: Sampler,
    learning: dict[str, nn.Parameter],
    precision: torch.dtype,
    state: State,
) -> str:
    left_out = len(sampler.lengths) - len(sampler.kept)
    return (
        f"{sum(p.numel() for p in learning.values()):,} weights learn, in "
        f"{str(precision).removeprefix('torch.')}, from {len(sampler.kept):,} examples "
        f"({left_out:,} longer than {config.batch.longest} tokens are left out), "
        f"{sampler.total:,} tokens in all, "
        + (f"going on after step {state.step}." if state.step else "from the beginning.")
    )


@contextlib.contextmanager
def _board(machine: Accelerator, run: Path, state: State, total: int) -> Iterator[Board | None]:
    """Yield the board in the first process, None in the others."""
    if not machine.is_main_process:
        yield None
        return
    with Board(run, state.step, total) as board:
        yield board


@contextlib.contextmanager
def _signals() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether the run was asked to stop, by Ctrl-C or by the system."""
    asked = False

    def note(*_: object) -> None:
        nonlocal asked
        asked = True

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, note) for number in numbers]
    try:
        yield lambda: asked
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
