"""From a request's parts to the tokens that the engine evaluates.

In: a request, and the model's vocabulary and marks. Out: a `Prompt`. Only text is split into tokens
here; nothing is evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from linewise_models.engine.contract import Mark, Part, Request
from linewise_models.engine.vocabulary import Vocabulary, fork, take_back
from linewise_models.errors import EngineError


class Tokeniser(Protocol):
    """What a model's file says of how its texts are split."""

    def tokenise(self, text: str, special: bool = False) -> list[int]:
        """Return the ids of `text`; marks inside it are plain text unless `special`."""
        ...

    def start_token(self) -> int | None:
        """Return the id that must begin every prompt, where the model asks for one."""
        ...

    def empty_token(self) -> int:
        """Return the id to evaluate for an empty prompt."""
        ...


class Prompt(NamedTuple):
    """What is evaluated, what is spelt again after it, and what is known to follow."""

    tokens: list[int]
    healed: bytes
    known: list[int]
    """Of `healed` and the forced continuation; empty where none is forced."""


def compose(
    request: Request, model: Tokeniser, vocabulary: Vocabulary, marks: Mapping[Mark, int]
) -> Prompt:
    """Return the prompt of a request. Raises EngineError for a mark that the model lacks."""
    start = model.start_token()
    tokens = [] if start is None else [start]
    run = ""
    for part in request.prompt:
        if part.mark is None and not part.special:
            run += part.text
            continue
        tokens += model.tokenise(run) + _special(part, model, marks)
        run = ""
    if start is not None and tokens[1:2] == [start]:
        # Some templates write the token that begins a prompt, others leave it to the engine.
        del tokens[0]
    last = model.tokenise(run)
    kept, healed = take_back(last, vocabulary) if request.heal else (len(last), b"")
    known: list[int] = []
    if request.forced and request.heal:
        whole = model.tokenise(run + request.forced)
        kept = fork(last, kept, whole)
        known, healed = whole[kept:], vocabulary.spell(last[kept:])
    elif request.forced:
        known = model.tokenise(request.forced)
    tokens += last[:kept]
    return Prompt(tokens or [model.empty_token()], healed, known)


def _special(part: Part, model: Tokeniser, marks: Mapping[Mark, int]) -> list[int]:
    if part.mark is None:
        return model.tokenise(part.text, special=True)
    if part.mark not in marks:
        raise EngineError(f"This model has no {part.mark} mark; it cannot fill in.")
    return [marks[part.mark]]
