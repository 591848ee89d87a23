"""What llama.cpp calls a weight, and in which order it keeps its rows.

In: names and arrays as Hugging Face has them. Out: the same as GGUF has them, and back.

Hugging Face's Llama pairs the halves of a head for rotation (i with i + D/2), llama.cpp its
neighbours (2i with 2i + 1): the rows of q and k change places, of a weight as of LoRA's B
(convert_hf_to_gguf.py, LlamaModel.permute).
"""

from __future__ import annotations

from typing import Any

from gguf import MODEL_ARCH_NAMES, get_tensor_name_map
from numpy.typing import NDArray

from linewise_models.errors import TrainError

PERMUTED = ("llama",)
"""Architectures whose q and k llama.cpp keeps in its own order."""


class Names:
    """The names and orders of one architecture; `config` is its model's, as transformers has it."""

    def __init__(self, architecture: str, config: Any) -> None:
        number = next(arch for arch, name in MODEL_ARCH_NAMES.items() if name == architecture)
        self._map = get_tensor_name_map(number, config.num_hidden_layers)
        self._heads: dict[str, int] = {}
        if architecture in PERMUTED:
            self._heads = {
                "attn_q": config.num_attention_heads,
                "attn_k": config.num_key_value_heads,
            }

    def of(self, place: str) -> str:
        """Return the name in GGUF of the weight at `place`. Raises TrainError where it has none."""
        stored = self._map.get_name(place, try_suffixes=(".weight", ".bias"))
        if stored is None:
            raise TrainError(f"llama.cpp has no name for the weight {place} of this model.")
        return str(stored)

    def ordered(self, stored: str, values: NDArray[Any]) -> NDArray[Any]:
        """Return rows [heads · D, ...], of q and k in llama.cpp's order."""
        return self._turned(stored, values, (2, -1))

    def paired(self, stored: str, values: NDArray[Any]) -> NDArray[Any]:
        """Return rows [heads · D, ...] that are in llama.cpp's order in Hugging Face's."""
        return self._turned(stored, values, (-1, 2))

    def _turned(self, stored: str, values: NDArray[Any], sides: tuple[int, int]) -> NDArray[Any]:
        heads = self._heads.get(stored.split(".")[-2])
        if heads is None:
            return values
        split = values.reshape(heads, *sides, *values.shape[1:])
        return split.swapaxes(1, 2).reshape(values.shape)
