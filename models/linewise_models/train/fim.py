"""Holes as tokens, in exactly the shape in which the product asks.

In: a file, a hole in it, and how many tokens to show. Out: an `Example`. The parts of a prompt are
joined, tokenised and taken back to a safe boundary as the engine does it (`engine.llama`,
`engine.vocabulary`), so what straddles the cursor belongs to the middle:

    spm   <suffix> what follows <prefix> lines above, typed | middle <end>
    psm   <prefix> lines above <suffix> what follows <middle> typed | middle <end>

Never chooses what to take out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np

from linewise_models.engine.vocabulary import take_back
from linewise_models.train.code import Span
from linewise_models.train.dataset import Example, Special
from linewise_models.train.holes import Hole, Rows
from linewise_models.train.recipe import KINDS, Examples
from linewise_models.train.tokenizer import Tokenizer

Order = Literal["spm", "psm"]

CHARACTERS_PER_TOKEN = 3.2
"""Of code, to begin with; what does not fit is cut again."""
LEAST_AROUND = 72
"""Tokens of prefix and suffix that every example shows, if the file has them."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one example."""

    before: str
    """Lines above the cursor's, quotations of other files before them."""
    typed: str
    """The cursor's line up to the cursor."""
    middle: str
    after: str
    ends: bool
    """Whether the middle ends by itself, so that the end token follows."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Turns texts into examples for one base."""

    tokenizer: Tokenizer
    marks: Mapping[str, Special]
    end: Special

    def encode(self, texts: Texts, order: Order, kind: int) -> Example:
        """Return the example of some texts."""
        tokenise, vocabulary = self.tokenizer.tokenise, self.tokenizer.vocabulary
        head = list(self.tokenizer.start)
        suffix = [self.marks["suffix"].id, *tokenise(texts.after)]
        if order == "spm":
            head += [*suffix, self.marks["prefix"].id]
            last = texts.before + texts.typed
        else:
            head += [self.marks["prefix"].id, *tokenise(texts.before), *suffix]
            head.append(self.marks["middle"].id)
            last = texts.typed
        asked = tokenise(last)
        kept, healed = take_back(asked, vocabulary)
        whole = tokenise(last + texts.middle)
        middle = whole[kept:]
        if whole[:kept] != asked[:kept]:
            # What was typed would have been tokenised otherwise with what follows; the engine
            # cannot know that, and goes on from what it has.
            middle = tokenise(healed.decode("utf-8", "replace") + texts.middle)
        if texts.ends:
            middle.append(self.end.id)
        tokens = [*head, *asked[:kept], *middle]
        return Example(np.array(tokens, np.uint32), len(head) + kept, kind)


@dataclass(frozen=True, slots=True)
class Window:
    """Decides how much of a file an example shows."""

    encoder: Encoder
    examples: Examples

    def example(
        self, rows: Rows, hole: Hole, alone: tuple[Span, str] | None, quoted: str, random: Random
    ) -> tuple[Example, Order] | None:
        """Return an example of a hole, or None where its middle is too long.

        `alone` is the function to show alone and the imports before it; `quoted` is text of other
        files to show before all.
        """
        settings = self.examples
        order: Order = "psm" if random.random() < settings.psm else "spm"
        low, high = math.log(settings.fewest_tokens), math.log(settings.most_tokens)
        room = int(math.exp(random.uniform(low, high)))
        suffix_share = random.betavariate(2, 4)
        below = random.random() < settings.below
        kind = KINDS.index(hole.kind)
        middle, ends = self._middle(rows, hole, min(settings.most_middle, room // 2), random)
        if middle is None:
            return None
        size = len(self.encoder.tokenizer.tokenise(quoted + middle))
        around = max(LEAST_AROUND, room - size)
        for _ in range(4):
            texts = self._texts(rows, hole, middle, ends, alone, around, suffix_share, below)
            texts = Texts(quoted + texts.before, texts.typed, texts.middle, texts.after, ends)
            example = self.encoder.encode(texts, order, kind)
            excess = len(example.tokens) - settings.most_tokens
            if excess <= 0:
                return example, order
            around -= excess + 8
            if around < LEAST_AROUND // 2:
                return None
        return None

    def _middle(self, rows: Rows, hole: Hole, most: int, random: Random) -> tuple[str | None, bool]:
        """Return the middle and whether it ends by itself; None where it is too long."""
        text = rows.text[hole.start : hole.end]
        if not hole.onward:
            size = len(self.encoder.tokenizer.tokenise(text))
            return (text if size <= self.examples.most_middle else None), True
        tokens = self.encoder.tokenizer.tokenise(text[: most * 8])
        if len(tokens) <= most and len(text) <= most * 8:
            return text + "\n", True
        pieces = self.encoder.tokenizer.vocabulary.pieces
        cut = b"".join(pieces[token] for token in tokens[:most]).decode("utf-8", "ignore")
        return cut, False

    def _texts(
        self,
        rows: Rows,
        hole: Hole,
        middle: str,
        ends: bool,
        alone: tuple[Span, str] | None,
        around: int,
        suffix_share: float,
        below: bool,
    ) -> Texts:
        text, row = rows.text, rows.of(hole.start)
        line = rows.span(row).start
        typed = text[line : hole.start]
        room = int(around * CHARACTERS_PER_TOKEN)
        first, final = 0, len(text)
        imports = ""
        if alone is not None:
            first, final, imports = alone[0].start, min(alone[0].end + 1, len(text)), alone[1]
            if len(imports) + hole.start - first + final - hole.end > room:
                imports = ""
        after_start = hole.end
        if below and not hole.onward and text[hole.end : hole.end + 1] == "\n":
            after_start, middle = hole.end + 1, middle + "\n"
        after = "" if hole.onward else text[after_start : max(after_start, final)]
        for_suffix = min(len(after), int(room * suffix_share))
        # What one side does not need is the other's.
        for_prefix = room - for_suffix - len(typed)
        needed = line - first + len(imports)
        if needed < for_prefix:
            for_suffix, for_prefix = room - len(typed) - needed, needed
        if len(after) > for_suffix:
            cut = after[: max(for_suffix, 0)]
            after = cut[: cut.rfind("\n") + 1] or cut
        start = row
        while rows.starts[start] > first and line - rows.starts[start - 1] <= for_prefix:
            start -= 1
        before = imports if rows.starts[start] == first else ""
        return Texts(before + text[rows.starts[start] : line], typed, middle, after, ends)
