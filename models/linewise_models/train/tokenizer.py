"""The tokenizer of a base model: the vocabulary inside its GGUF, read by llama.cpp.

In: a GGUF file and text. Out: token ids, the same as the engine's, since the same code makes them.
Reads the vocabulary alone, never the weights.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from linewise_models.engine.native import _bindings
from linewise_models.engine.vocabulary import Vocabulary
from linewise_models.errors import ConfigError, LoadError
from linewise_models.train.dataset import Special


class Tokenizer:
    """Turns text into the tokens of one base model."""

    def __init__(self, base: Path) -> None:
        """Load the vocabulary of `base`. Raises LoadError."""
        self._api, _ = _bindings()
        api = self._api
        self.base = base
        if not base.is_file():
            raise LoadError(f"There is no model file at {base}. Pull it again.")

        @api.llama_log_callback  # type: ignore[untyped-decorator]
        def silent(*_: object) -> None:
            """Keep llama.cpp off the terminal."""

        self._silent = silent
        api.llama_log_set(silent, ctypes.c_void_p(0))
        parameters = api.llama_model_default_params()
        parameters.vocab_only = True
        self._model = api.llama_model_load_from_file(os.fsencode(base), parameters)
        if not self._model:
            raise LoadError(f"{base} is not a GGUF model that this llama.cpp can read.")
        self._vocabulary = api.llama_model_get_vocab(self._model)
        self.size = int(api.llama_vocab_n_tokens(self._vocabulary))
        self.vocabulary = Vocabulary(
            [self._piece(token, special=False) for token in range(self.size)]
        )
        begins = api.llama_vocab_get_add_bos(self._vocabulary)
        self.start = [int(api.llama_vocab_bos(self._vocabulary))] if begins else []
        """What must begin every text: the start token, or nothing."""

    def tokenise(self, text: str) -> list[int]:
        """Return the ids of `text`; special tokens inside it are plain text."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 1
        ids = (self._api.llama_token * room)()
        count = self._api.llama_tokenize(self._vocabulary, data, len(data), ids, room, False, False)
        return list(ids[:count])

    def text(self, tokens: list[int]) -> str:
        """Return what tokens spell, special tokens by their names: for people to look at."""
        pieces = [self._piece(token, special=True) for token in tokens]
        return b"".join(pieces).decode("utf-8", "replace")

    def special(self, text: str) -> Special:
        """Return the special token of that name. Raises ConfigError where there is none."""
        data = text.encode()
        ids = (self._api.llama_token * (len(data) + 1))()
        count = self._api.llama_tokenize(
            self._vocabulary, data, len(data), ids, len(data) + 1, False, True
        )
        if count != 1 or self.vocabulary.pieces[ids[0]]:
            raise ConfigError(f"The vocabulary of {self.base.name} has no special token {text!r}.")
        return Special(text, int(ids[0]))

    def marks(self, names: Mapping[str, str], end: str) -> tuple[dict[str, Special], Special]:
        """Return the tokens of the marks and of the end, which must all differ.

        Raises ConfigError, also where a mark ends texts or is part of the chat template: such a
        token means something to the base already.
        """
        marks = {mark: self.special(name) for mark, name in names.items()}
        ending = self.special(end)
        if len({special.id for special in (*marks.values(), ending)}) != len(marks) + 1:
            raise ConfigError("Two marks, or a mark and the end, are the same token.")
        template = self._api.llama_model_chat_template(self._model, None) or b""
        for mark, special in marks.items():
            ends = self._api.llama_vocab_is_eog(self._vocabulary, special.id)
            if ends or special.text.encode() in template:
                raise ConfigError(
                    f"{special.text} cannot be the {mark} mark: the base uses it already."
                )
        if not self._api.llama_vocab_is_eog(self._vocabulary, ending.id):
            raise ConfigError(f"{ending.text} does not end a text in the eyes of llama.cpp.")
        return marks, ending

    def sha256(self) -> str:
        """Return the SHA-256 of the base's file."""
        with self.base.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def close(self) -> None:
        """Free the vocabulary; the object is of no use afterwards."""
        self._api.llama_model_free(self._model)

    def _piece(self, token: int, *, special: bool) -> bytes:
        buffer = ctypes.create_string_buffer(512)
        size = self._api.llama_token_to_piece(self._vocabulary, token, buffer, 512, 0, special)
        return bytes(buffer.raw[:size]) if size > 0 else b""
