"""What a training run is told: a TOML file, checked to the last key.

In: a config file. Out: a frozen `Config`. Holds no default that a reader of the file would have to
look up to understand a result: what matters is written in the configs, which are documentation.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from linewise_models.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    config: Config = _build(Config, table, "")
    _check(config)
    return config


def _build(kind: type[Any], table: Mapping[str, Any], where: str) -> Any:
    known = {member.name: member for member in fields(kind)}
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            advice = f" Did you mean {near[0]}?" if near else f" Known are: {', '.join(known)}."
            raise ConfigError(f"there is no key {where}{key}.{advice}")
    hints = get_type_hints(kind)
    values = {key: _value(hints[key], value, where + key) for key, value in table.items()}
    for name, member in known.items():
        if name not in values and member.default is MISSING and member.default_factory is MISSING:
            raise ConfigError(f"{where}{name} is missing.")
    return kind(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    if hasattr(hint, "__dataclass_fields__"):
        if not isinstance(value, dict):
            raise ConfigError(f"{where} must be a table.")
        return _build(hint, value, f"{where}.")
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ConfigError(f"{where} must be one of: {', '.join(get_args(hint))}.")
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise ConfigError(f"{where} must be of the type {hint.__name__}, and is {value!r}.")
    return value


def _check(config: Config) -> None:
    model, tune, batch, schedule = config.model, config.tune, config.batch, config.schedule
    scratch = bool(model.layers)
    rules = {
        "model must name a base, or the layers of a model from scratch": bool(model.base)
        != scratch,
        "model.width, heads, key_heads, hidden and context must be positive": not scratch
        or min(model.width, model.heads, model.key_heads, model.hidden, model.context) > 0,
        "model.tokenizer must name a GGUF file": not scratch or bool(model.tokenizer),
        "model.heads must divide width into an even length, and key_heads must divide heads": (
            not scratch
            or min(model.heads, model.key_heads) <= 0
            or (model.width % (2 * model.heads) == 0 and model.heads % model.key_heads == 0)
        ),
        "tune.method lora needs a base, a rank and an alpha": tune.method != "lora"
        or (not scratch and tune.rank > 0 and tune.alpha > 0),
        "tune.marks is for lora; full tuning moves all embeddings": not tune.marks
        or tune.method == "lora",
        "batch.tokens must hold batch.longest": 0 < batch.longest <= batch.tokens,
        "batch.accumulate must be positive": batch.accumulate > 0,
        "schedule.epochs and learning_rate must be positive": min(
            schedule.epochs, schedule.learning_rate
        )
        > 0,
        "schedule.warmup and final must be shares from 0 to 1": 0 <= schedule.warmup < 1
        and 0 <= schedule.final <= 1,
        "watch.evaluate_steps, held_out and keep must be positive": min(
            config.watch.evaluate_steps, config.watch.held_out, config.watch.keep
        )
        > 0,
        "watch needs checkpoint_steps or checkpoint_minutes": max(
            config.watch.checkpoint_steps, config.watch.checkpoint_minutes
        )
        > 0,
    }
    for rule, kept in rules.items():
        if not kept:
            raise ConfigError(f"{rule}.")
