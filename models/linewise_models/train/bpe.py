"""A vocabulary of one's own: byte-pair encoding learnt from code.

In: texts and a size. Out: a GGUF file that holds the vocabulary alone, which prepares data, names
the tokenizer of a model from scratch, and is copied into what that exports. One tokenizer in all
places: llama.cpp's, on this file.

Byte-level BPE with GPT-2's splitting into words (Sennrich et al. 2016, arXiv:1508.07909; Radford
et al. 2019), which llama.cpp knows as `gpt-2`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gguf import GGUFWriter, TokenType
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from linewise_models.errors import ConfigError
from linewise_models.train.code import GRAMMARS

if TYPE_CHECKING:
    from pathlib import Path

END = "<|endoftext|>"
SPECIAL = (END, "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_BYTES = 256


def read_texts(folder: Path) -> Iterator[str]:
    """Yield the code in a folder, file by file; what is not UTF-8 is left out."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in GRAMMARS and path.is_file():
            with contextlib.suppress(UnicodeDecodeError):
                yield path.read_text(encoding="utf-8")


def learn_vocabulary(texts: Iterable[str], size: int, target: Path) -> None:
    """Learn `size` tokens from texts, the special ones among them, and write them to `target`.

    Raises ConfigError where the size has no room for the bytes, or the texts none for the size.
    """
    if size < _BYTES + len(SPECIAL):
        raise ConfigError(f"A vocabulary has at least {_BYTES + len(SPECIAL)} tokens.")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    learnt = json.loads(tokenizer.to_str())["model"]
    if len(learnt["vocab"]) < size:
        raise ConfigError(
            f"The texts give {len(learnt['vocab'])} tokens. Ask for fewer, or give more."
        )
    tokens = sorted(learnt["vocab"], key=learnt["vocab"].__getitem__)
    writer = GGUFWriter(target, "llama")
    writer.add_type("vocab")
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [TokenType.CONTROL if token in SPECIAL else TokenType.NORMAL for token in tokens]
    )
    writer.add_token_merges([" ".join(merge) for merge in learnt["merges"]])
    for add in (writer.add_bos_token_id, writer.add_eos_token_id, writer.add_pad_token_id):
        add(tokens.index(END))
    writer.add_add_bos_token(False)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
