"""How models of each family are told what to fill in.

In: a model's name. Out: its family: the texts of its marks and their order. Marks are written into
the prompt as text, which servers read as marks; the same text in a user's file is read so, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from linewise_models.engine.contract import FimOrder, Mark


@dataclass(frozen=True, slots=True)
class Family:
    """Models that were trained with the same marks."""

    name: str
    models: re.Pattern[str]
    """Found in the lower-case names of its members."""
    order: FimOrder
    marks: Mapping[Mark, str]
    ends: tuple[str, ...]
    """Marks that end an answer though they are not the model's end token, which servers know."""


FAMILIES = (
    # Qwen2.5-Coder Technical Report, arXiv 2409.12186, section 3.1.
    Family(
        "qwen",
        re.compile(r"qwen[\d.]*-?coder"),
        "psm",
        {
            Mark.PREFIX: "<|fim_prefix|>",
            Mark.SUFFIX: "<|fim_suffix|>",
            Mark.MIDDLE: "<|fim_middle|>",
            Mark.REPOSITORY: "<|repo_name|>",
            Mark.FILE: "<|file_sep|>",
        },
        ("<|endoftext|>", "<|fim_pad|>", "<|im_end|>"),
    ),
    # Code Llama, arXiv 2308.12950, section 3.2: 7B and 13B fill in, 34B and Python do not.
    Family(
        "codellama",
        re.compile(r"code-?llama(?!.*(python|34b))"),
        "psm",
        {Mark.PREFIX: "<PRE> ", Mark.SUFFIX: " <SUF>", Mark.MIDDLE: " <MID>"},
        ("<EOT>",),
    ),
    # StarCoder, arXiv 2305.06161; StarCoder 2, Stable Code, Granite Code and CodeQwen1.5 took over
    # its marks.
    Family(
        "starcoder",
        re.compile(r"starcoder|stable-code|granite-.*code|codeqwen"),
        "psm",
        {
            Mark.PREFIX: "<fim_prefix>",
            Mark.SUFFIX: "<fim_suffix>",
            Mark.MIDDLE: "<fim_middle>",
        },
        ("<|endoftext|>", "<file_sep>", "<fim_pad>"),
    ),
    # DeepSeek-Coder, arXiv 2401.14196, section 3.1.2.
    Family(
        "deepseek",
        re.compile(r"deepseek-coder"),
        "psm",
        {
            Mark.PREFIX: "<｜fim▁begin｜>",  # noqa: RUF001 # wide bars, as trained
            Mark.SUFFIX: "<｜fim▁hole｜>",  # noqa: RUF001 # wide bars, as trained
            Mark.MIDDLE: "<｜fim▁end｜>",  # noqa: RUF001 # wide bars, as trained
        },
        ("<|EOT|>",),
    ),
    # CodeGemma, arXiv 2406.11409, section 2.
    Family(
        "codegemma",
        re.compile(r"codegemma"),
        "psm",
        {
            Mark.PREFIX: "<|fim_prefix|>",
            Mark.SUFFIX: "<|fim_suffix|>",
            Mark.MIDDLE: "<|fim_middle|>",
        },
        ("<|file_separator|>", "<eos>", "<end_of_turn>"),
    ),
    # mistral-common, tokenizer v3 `encode_fim`: the suffix first, and nothing before the middle.
    Family(
        "codestral",
        re.compile(r"codestral(?!.*mamba)"),
        "spm",
        {Mark.PREFIX: "[PREFIX]", Mark.SUFFIX: "[SUFFIX]"},
        (),
    ),
)

FORMATS = ("auto", "none", "suffix", "infill", *(family.name for family in FAMILIES))
"""What the setting may be: found out, left to right only, the server's own ways, or a family."""


def family_named(name: str) -> Family | None:
    """Return the family of that name."""
    return next((family for family in FAMILIES if family.name == name), None)


def family_of(model: str) -> Family | None:
    """Return the family of a model, by its name alone; None where that does not tell."""
    return next((family for family in FAMILIES if family.models.search(model.lower())), None)
