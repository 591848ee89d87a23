"""How well a model foretells text that is there already: one arithmetic for all who ask.

In: a loaded model and passages of tokens. Out: sums over the tokens that were to be foretold, and
what they come to: perplexity a token, bits a byte, next tokens that were right. `linewise eval
perplexity` and `linewise models quantize` measure by it. Never generates, and reads no file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from linewise_models.engine.native import LoadOptions

Task = Literal["middle", "code"]


class Evaluator(Protocol):
    """What of `engine.native.Native` is needed."""

    context: int

    @property
    def options(self) -> LoadOptions:
        """How the model was loaded."""

    def decode(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[int],
        outputs: Sequence[bool],
    ) -> None:
        """Evaluate tokens, each at its position, keeping scores where asked."""

    def logits(self, index: int) -> NDArray[np.float32]:
        """Return the scores [vocabulary] after token `index` of the last batch."""

    def forget(self, sequence: int, start: int) -> bool:
        """Drop a sequence's cache from position `start` on."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Some text as tokens, of which those from `first` on are to be foretold."""

    id: str
    task: Task
    group: str
    """The kind of the hole, or the language."""
    tokens: Sequence[int]
    first: int
    """At least 1: nothing foretells the first token."""
    bytes: int
    """UTF-8 bytes that tokens[first:] spell."""


@dataclass(frozen=True, slots=True)
class Told:
    """How well one passage was foretold."""

    id: str
    task: Task
    group: str
    loss: float
    """Natural logarithms of the probabilities of its tokens, summed and negated."""
    tokens: int
    right: int
    """Tokens that were the likeliest."""
    bytes: int

    @property
    def exact(self) -> bool:
        """Whether every token was the likeliest: greedy decoding would have written just this."""
        return self.right == self.tokens

    @classmethod
    def read(cls, data: dict[str, Any]) -> Told:
        """Return what a record's JSON holds. Raises TypeError."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Total:
    """What several passages say together."""

    passages: int
    tokens: int
    right: int
    loss: float
    bytes: int
    exact: int
    """Passages of which every token was right."""

    @classmethod
    def of(cls, told: Iterable[Told]) -> Total:
        """Return the sums over passages."""
        every = list(told)
        return cls(
            passages=len(every),
            tokens=sum(one.tokens for one in every),
            right=sum(one.right for one in every),
            loss=math.fsum(one.loss for one in every),
            bytes=sum(one.bytes for one in every),
            exact=sum(one.exact for one in every),
        )

    @property
    def perplexity(self) -> float:
        """The number of equally likely tokens between which the model seems to guess."""
        return math.exp(min(self.loss / self.tokens, 700.0)) if self.tokens else math.inf

    @property
    def bits_per_byte(self) -> float:
        """What a byte would cost if the model compressed the text; of any vocabulary alike."""
        return self.loss / math.log(2) / self.bytes if self.bytes else math.inf


def tell(model: Evaluator, passage: Passage) -> Told:
    """Return how well a model foretells a passage. Raises EngineError.

    A passage longer than the model's context is told in windows that overlap by a half, so that
    no token behind the first window has less than half a context before it.
    """
    ids, loss, right, tokens = passage.tokens, 0.0, 0, 0
    for begin, end, first in windows(len(ids), passage.first, model.context):
        model.forget(0, 0)
        # The last token of a window foretells none of it.
        for start in range(begin, end - 1, model.options.batch):
            part = ids[start : min(start + model.options.batch, end - 1)]
            asked = [start + index + 1 >= first for index in range(len(part))]
            positions = range(start - begin, start - begin + len(part))
            model.decode(part, positions, [0] * len(part), asked)
            for index in range(len(part)):
                if asked[index]:
                    follows = ids[start + index + 1]
                    scores = model.logits(index)
                    best = float(scores.max())
                    rest = float(np.exp(scores - best).sum(dtype=np.float64))
                    loss += best - float(scores[follows]) + math.log(rest)
                    right += int(scores.argmax()) == follows
                    tokens += 1
    return Told(passage.id, passage.task, passage.group, loss, tokens, right, passage.bytes)


def windows(count: int, first: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield (begin, end, first told) of windows of at most `size` over `count` tokens."""
    begin, end = 0, min(count, size)
    while True:
        if first < end:
            yield begin, end, first
            first = end
        if end >= count:
            return
        begin = end - size // 2
        end = min(count, begin + size)
