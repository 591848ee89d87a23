"""What a training run is told: a TOML file, checked to the last key.

In: a config file. Out: a frozen `Config`. Holds no default that a reader of the file would have to
look up to understand a result: what matters is written in the configs, which are documentation.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from linewise_models.errors import ConfigError
from linewise_models.train.tables import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Model:
    """What is tuned, or the shape of what is made from scratch; `base` or `layers` is given."""

    base: str = ""
    """A name of the model index, the path of a GGUF file, or a Hugging Face folder."""
    layers: int = 0
    width: int = 0
    """Length of a token's vector."""
    heads: int = 0
    key_heads: int = 0
    """Heads of keys and values, each shared by heads / key_heads heads of queries."""
    hidden: int = 0
    """Width inside a feed-forward block."""
    context: int = 2048
    """Tokens that the model is made for; of a base, its own count."""
    tokenizer: str = ""
    """A GGUF file whose vocabulary the data was made with; a base that is one has its own."""


@dataclass(frozen=True, slots=True)
class Tune:
    """Which weights learn."""

    method: Literal["lora", "full"] = "full"
    rank: int = 0
    """Of LoRA's A and B, on every linear layer."""
    alpha: float = 0.0
    """LoRA's scale is alpha / rank."""
    marks: bool = False
    """Whether the embeddings of the fill-in-the-middle marks learn too."""
    start: str = ""
    """An adapter, as `export` writes it, that learning goes on from; by default from nothing."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What is learnt beside the middles."""

    around: float = 0.0
    """Share of the tokens before a middle that are learnt too, as plain code, evenly spread."""
    weight: float = 1.0
    """What each of these counts; a token of a middle counts 1."""


@dataclass(frozen=True, slots=True)
class Batch:
    """How much is computed at once. Counts are tokens, padding included."""

    tokens: int
    """Of one micro-batch: what memory and caches like."""
    accumulate: int
    """Micro-batches in one step, shared among the processes."""
    longest: int
    """Examples with more tokens are left out, and counted."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The learning rate over the tokens of the run: up in a line, then down a cosine."""

    epochs: float
    learning_rate: float
    warmup: float
    """Share of the run."""
    final: float
    """Share of `learning_rate` that is left at the end."""


@dataclass(frozen=True, slots=True)
class Optimiser:
    """AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101)."""

    beta1: float = 0.9
    beta2: float = 0.95
    weight_decay: float = 0.0
    clip: float = 1.0
    """Gradients are scaled down to this norm."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is looked at on the way, and what is kept."""

    evaluate_steps: int
    held_out: int
    """Held-out examples that are looked at each time, the same ones."""
    samples: int
    """Held-out middles that are written out as text."""
    checkpoint_steps: int = 0
    checkpoint_minutes: float = 0.0
    keep: int = 2
    """Checkpoints that stay, beside the best."""
    patience: int = 0
    """Evaluations without a better held-out loss after which the run ends; 0 never ends it."""


@dataclass(frozen=True, slots=True)
class Config:
    """One run."""

    model: Model
    tune: Tune
    batch: Batch
    schedule: Schedule
    watch: Watch
    loss: Loss = Loss()
    optimiser: Optimiser = field(default_factory=Optimiser)
    data: str = ""
    """A prepared dataset, relative to the working directory."""
    out: str = ""
    """The directory of the run."""
    seed: int = 1
    precision: Literal["bf16", "fp32", "auto"] = "auto"
    """What matrices are multiplied in; `auto` measures which is faster here."""

    def same_run(self) -> dict[str, Any]:
        """Return what must be equal for a run to be resumed; looking on may change."""
        facts = asdict(self)
        for key in ("watch", "data", "out"):
            del facts[key]
        return facts


def read_config(path: Path) -> Config:
    """Return the config in a file. Raises ConfigError, naming the key and what would do."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from error
    try:
        config = parse_config(table)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return config


def parse_config(table: Mapping[str, Any]) -> Config:
    """Return the config that a TOML table says. Raises ConfigError."""
    config = build(Config, table)
    _check(config)
    return config


def _check(config: Config) -> None:
    for kept, rule in _rules(config):
        if not kept:
            raise ConfigError(f"{rule}.")


def _rules(config: Config) -> Iterator[tuple[bool, str]]:
    """Yield whether each rule is kept, and the rule; a later one may rest on those before it."""
    model, tune, batch = config.model, config.tune, config.batch
    schedule, watch = config.schedule, config.watch
    yield (
        bool(model.base) != bool(model.layers),
        "model must name either a base or the layers of a model from scratch",
    )
    if model.layers:
        sizes = (model.layers, model.width, model.heads, model.key_heads, model.hidden)
        yield min(*sizes, model.context) > 0, "the sizes of model must be positive"
        yield model.width % (2 * model.heads) == 0, "model.heads must split width evenly in two"
        yield model.heads % model.key_heads == 0, "model.key_heads must divide heads"
        yield bool(model.tokenizer), "model.tokenizer must name a GGUF file"
    if tune.method == "lora":
        yield bool(model.base), "tune.method lora needs a model.base"
        yield tune.rank > 0 and tune.alpha > 0, "tune.rank and alpha must be positive"
    else:
        yield not tune.marks, "tune.marks is for lora; full tuning moves all embeddings"
        yield not tune.start, "tune.start is for lora; full tuning begins with its base"
    yield 0 <= config.loss.around <= 1, "loss.around must be a share from 0 to 1"
    yield config.loss.weight >= 0, "loss.weight must not be negative"
    yield 0 < batch.longest <= batch.tokens, "batch.longest must be from 1 to batch.tokens"
    yield batch.accumulate > 0, "batch.accumulate must be positive"
    positive = schedule.epochs > 0 and schedule.learning_rate > 0
    yield positive, "schedule.epochs and learning_rate must be positive"
    shares = 0 <= schedule.warmup < 1 and 0 <= schedule.final <= 1
    yield shares, "schedule.warmup and final must be shares from 0 to 1"
    counts = min(watch.evaluate_steps, watch.held_out, watch.keep)
    yield counts > 0, "watch.evaluate_steps, held_out and keep must be positive"
    due = max(watch.checkpoint_steps, watch.checkpoint_minutes)
    yield due > 0, "watch needs checkpoint_steps or checkpoint_minutes"
