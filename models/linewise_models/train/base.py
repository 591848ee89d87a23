"""What learns: a base model with its adapter, a base tuned in full, or a model from scratch.

In: a config and the facts of a dataset. Out: a `Learner`, which turns tokens into hidden states
and hidden states into scores, and names the weights that learn. Never touches examples, and never
writes a file.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from linewise_models.adapter import BASE_SHA256, read_adapter
from linewise_models.errors import AdapterError, ConfigError, DatasetError, TrainError
from linewise_models.train.llama import Llama, Shape, attend
from linewise_models.train.lora import LoraLinear, Rows, add_lora
from linewise_models.train.names import Names
from linewise_models.train.whereabouts import digest, locate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linewise_models.train.config import Config, Model, Tune
    from linewise_models.train.dataset import Facts


@dataclass(frozen=True, slots=True)
class Learner:
    """A model in training."""

    module: Any
    """A causal language model whose weights bear the names that Hugging Face gives them."""
    rows: Rows | None
    """The embeddings of marks that learn beside an adapter."""
    tokenizer: Path
    """The GGUF file whose vocabulary the model speaks; of a base, the base itself."""

    def hidden(self, tokens: Tensor) -> Tensor:
        """Return the hidden states [B, T, width] after tokens [B, T].

        Padding follows each row's tokens, where a causal model cannot see it: no mask is needed.
        """
        body = self.module.model
        if isinstance(self.module, Llama):
            states: Tensor = body(tokens)
        else:
            states = body(input_ids=tokens, use_cache=False).last_hidden_state
        return states

    def scores(self, hidden: Tensor) -> Tensor:
        """Return the scores [N, vocabulary] of the next token after hidden states [N, width]."""
        scores: Tensor = self.module.lm_head(hidden)
        if self.rows is None or not self.tied:
            return scores
        # The head has the embedding's weights, so what learns there counts here.
        ids = torch.tensor(self.rows.ids, device=scores.device)
        return scores.index_copy(1, ids, hidden @ self.rows.values.to(hidden.dtype).T)

    def learning(self) -> dict[str, nn.Parameter]:
        """Return the weights that learn, by name, in a fixed order."""
        named = {n: p for n, p in self.module.named_parameters() if p.requires_grad}
        return named if self.rows is None else {**named, "rows": self.rows.values}

    @property
    def tied(self) -> bool:
        """Whether the head shares the embedding's weights."""
        return self.module.lm_head.weight is self.module.model.embed_tokens.weight

    @torch.no_grad()
    def complete(self, prompt: Sequence[int], end: int, limit: int) -> list[int]:
        """Return what the model goes on with, the likeliest token each time, up to `end`."""
        device = self.module.lm_head.weight.device
        tokens = list(prompt)
        for _ in range(limit):
            hidden = self.hidden(torch.tensor([tokens], device=device))[0, -1:]
            token = int(self.scores(hidden).argmax())
            if token == end:
                break
            tokens.append(token)
        return tokens[len(prompt) :]


def build(config: Config, facts: Facts, precision: torch.dtype) -> Learner:
    """Return the learner that a config asks for.

    Weights that stay are kept in `precision`, those that learn in 32 bits: a small step would be
    rounded away in 16. Raises ConfigError, DatasetError where the data is in another vocabulary,
    and TrainError.
    """
    torch.manual_seed(config.seed)
    model, tune = config.model, config.tune
    path = locate(model.base) if model.base else Path(model.tokenizer)
    tokenizer = _tokenizer(path, model, facts)
    if model.layers:
        return Learner(Llama(shape(model, facts.vocabulary)), None, tokenizer)
    lora = tune.method == "lora"
    module = _load(path, precision if lora else torch.float32)
    rows = None
    if lora:
        module.requires_grad_(False)
        add_lora(module, tune.rank, tune.alpha, without=module.lm_head)
        if tune.marks:
            ids = sorted(mark.id for mark in facts.marks.values())
            rows = Rows(module.get_input_embeddings(), ids)
        if tune.start:
            _go_on_from(Path(tune.start).expanduser(), tune, module, rows, tokenizer)
    return Learner(module, rows, tokenizer)


def shape(model: Model, vocabulary: int) -> Shape:
    """Return the shape of a model from scratch."""
    return Shape(
        vocabulary=vocabulary,
        context=model.context,
        layers=model.layers,
        width=model.width,
        heads=model.heads,
        key_heads=model.key_heads,
        hidden=model.hidden,
    )


@torch.no_grad()
def _go_on_from(path: Path, tune: Tune, module: Any, rows: Rows | None, base: Path) -> None:
    """Put an adapter's weights in the places of those that learn."""
    if not path.is_file():
        raise ConfigError(f"tune.start: there is no adapter at {path}.")
    try:
        adapter = read_adapter(path)
    except AdapterError as error:
        raise ConfigError(f"tune.start: {error}") from error
    if adapter.alpha != tune.alpha:
        raise ConfigError(f"tune.alpha must be that of {path.name}, {adapter.alpha:g}.")
    if adapter.metadata.get(BASE_SHA256, ("",))[0] != digest(base):
        raise ConfigError(f"{path.name} was trained beside another base than {base.name}.")
    names = Names(module.config.model_type, module.config)
    layers = {
        names.of(f"{place}.weight"): layer
        for place, layer in module.named_modules()
        if isinstance(layer, LoraLinear)
    }
    if layers.keys() != adapter.pairs.keys():
        raise ConfigError(f"{path.name} adapts other weights than this base has.")
    for name, (a, b) in adapter.pairs.items():
        if len(a) != tune.rank:
            raise ConfigError(f"tune.rank must be that of {path.name}, {len(a)}.")
        layers[name].lora_a.copy_(torch.tensor(a))
        layers[name].lora_b.copy_(torch.tensor(names.paired(name, b)))
    if rows is not None:
        for row, token in enumerate(rows.ids):
            if token in adapter.rows:
                rows.values[row].copy_(torch.tensor(adapter.rows[token]))


def _tokenizer(path: Path, model: Model, facts: Facts) -> Path:
    file = path if path.is_file() else Path(model.tokenizer).expanduser()
    if not file.is_file():
        raise ConfigError(f"model.tokenizer must name a GGUF file, and there is none at {file}.")
    if digest(file) != facts.base_sha256:
        raise DatasetError(
            f"The data was prepared with {facts.base}, and the config names {file.name}, another "
            "file. Prepare it again with this one: linewise models prepare."
        )
    return file


def _attend(
    layer: Any, q: Tensor, k: Tensor, v: Tensor, mask: None, **_: Any
) -> tuple[Tensor, None]:
    """Attend as transformers asks a layer to: [B, H, T, D] and [B, K, T, D] -> [B, T, H, D]."""
    k, v = (x.repeat_interleave(layer.num_key_value_groups, dim=1) for x in (k, v))
    return attend(q, k, v).transpose(1, 2), None


def _load(path: Path, precision: torch.dtype) -> Any:
    """Return the base as transformers' model, its weights dequantised."""
    from transformers import AttentionInterface, AutoModelForCausalLM, GgufConfig

    arguments: dict[str, Any] = {"dtype": precision, "local_files_only": True}
    if not torch.cuda.is_available():
        # Forwards and backwards a third to three quarters faster than torch's own on a processor.
        AttentionInterface.register("linewise", _attend)
        arguments["attn_implementation"] = "linewise"
    if path.is_file():
        dense = GgufConfig(dequantize=True)
        arguments |= {"gguf_file": path.name, "quantization_config": dense}
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):  # its progress bars take seconds and tell nothing
            return AutoModelForCausalLM.from_pretrained(
                path if path.is_dir() else path.parent, **arguments
            )
    except (OSError, ValueError, KeyError) as error:
        raise TrainError(f"transformers cannot load {path}: {error}") from error
