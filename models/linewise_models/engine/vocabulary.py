r"""The texts of a model's tokens, and token healing.

In: the bytes of every token. Out: where a prompt may safely end, and which tokens may follow so
that the text that was taken back is spelt again. Pure; never touches the model.

A prompt rarely ends on a token boundary: "\n    " is one token with what follows it, "len(" might
have gone on as "len(x". Text that ends inside such a token is text the model never saw, so the tail
is taken back and generated again under the constraint that it spells the same.
Token healing was named by Lundberg (guidance, 2023); here white space is healed as a whole.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

WHITE = b" \t\r\n"


class Pieces:
    """The bytes of each token by its id, in one block: as objects they would be ten times that."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        text, ends = bytearray(), array("L", [0])
        for piece in pieces:
            text += piece
            ends.append(len(text))
        self._text, self._ends = bytes(text), ends

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, token: int) -> bytes:
        return self._text[self._ends[token] : self._ends[token + 1]]

    def __iter__(self) -> Iterator[bytes]:
        return map(self.__getitem__, range(len(self)))


class Vocabulary:
    """Pieces of all tokens, sorted so that those that begin with some bytes are one slice."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = Pieces(pieces)
        order = sorted(range(len(self.pieces)), key=self.pieces.__getitem__)
        self._ids = np.array(order, dtype=np.int64)
        self._longest = max(map(len, self.pieces), default=0)

    def __len__(self) -> int:
        return len(self.pieces)

    def spelling(self, rest: bytes) -> NDArray[np.int64]:
        """Return the ids of the tokens that may come next so that the text goes on with `rest`.

        Those are the tokens that begin with `rest`, and those that are themselves its beginning.
        """
        slices = [self._ids[self._span(rest)]]
        for length in range(1, min(len(rest), self._longest + 1)):
            span = self._span(rest[:length], exact=True)
            slices.append(self._ids[span])
        return np.concatenate(slices)

    def spell(self, tokens: Sequence[int]) -> bytes:
        """Return the bytes of the text that tokens are."""
        return b"".join(self.pieces[token] for token in tokens)

    def _span(self, prefix: bytes, exact: bool = False) -> slice:
        start = bisect_left(self._ids, prefix, key=self.pieces.__getitem__)
        after = prefix + b"\x00" if exact else _successor(prefix)
        end = bisect_left(self._ids, after, key=self.pieces.__getitem__) if after else len(self)
        return slice(start, end)


def _successor(prefix: bytes) -> bytes:
    """Return the first byte string after all that begin with `prefix`, empty for none."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else b""


def take_back(tokens: Sequence[int], vocabulary: Vocabulary) -> tuple[int, bytes]:
    """Return how many of `tokens` stand, and the bytes of those after them that are spelt again.

    All trailing tokens of white space alone go; where there are none, the last token goes, which
    may be half a word or a bracket that the next character would have been merged with.
    """
    kept = len(tokens)
    while kept and not vocabulary.pieces[tokens[kept - 1]].strip(WHITE):
        kept -= 1
    if kept == len(tokens) and kept:
        kept -= 1
    return kept, vocabulary.spell(tokens[kept:])


def fork(tokens: Sequence[int], kept: int, whole: Sequence[int]) -> int:
    """Return how many of a prompt's first `kept` tokens stand where the text that follows is known.

    `whole` are the tokens of prompt and text together. Where they split the end of the prompt in
    another way, what they split differently is spelt again.
    """
    pairs = zip(tokens[:kept], whole, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
