"""What a model is to foretell: the held-out examples of a dataset, or code as it stands in files.

In: a path, and the vocabulary of the model that is asked. Out: passages, in an order that is drawn
once for all models, so that a run that is stopped has seen a fair part. Never evaluates anything.

Of a prepared dataset each example gives two passages: its middle, asked as the model is served
(filling in, or left to right from what stands before it), and the whole of its text as plain code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

from linewise_models.errors import DatasetError
from linewise_models.evaluate.errors import EvaluationError
from linewise_models.evaluate.perplexity import Passage, Task
from linewise_models.train.dataset import Dataset, Example, Facts

PREPARED = "dataset.json"


class Speller(Protocol):
    """What of `engine.native.Native` is needed."""

    vocabulary_size: int

    def tokenise(self, text: str, special: bool = False) -> list[int]:
        """Return the ids of a text."""

    def pieces(self) -> Iterable[bytes]:
        """Give the bytes of every token; control tokens have none."""

    def start_token(self) -> int | None:
        """Return the id that must begin every prompt, where the model asks for one."""


@dataclass(slots=True)
class Chosen:
    """What is asked, and what could not be."""

    passages: list[Passage] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """Files that are not UTF-8."""
    kind: str = "code"
    """`prepared` or `code`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The tokens of an example by what they are, without marks, start and end."""

    start: list[int]
    before: list[int]
    middle: list[int]
    after: list[int]


def choose(path: Path, model: Speller, fills_in: bool, limit: int | None = None) -> Chosen:
    """Return the passages of a dataset, a folder of code or a file; of `limit` examples or files.

    Raises EvaluationError and DatasetError.
    """
    if (path / PREPARED).is_file():
        dataset = Dataset.open(path, "held_out")
        numbers = drawn(len(dataset), limit)
        return Chosen(of_dataset(dataset, numbers, model, fills_in), kind="prepared")
    return _of_files(path, model, limit)


def drawn(count: int, limit: int | None) -> list[int]:
    """Return so many of `count` numbers in an order that looks like none, and is always the same.

    A smaller limit is the beginning of a larger one.
    """
    numbers = list(range(count))
    Random(0).shuffle(numbers)  # noqa: S311 # a fair order, no secret
    return numbers[:limit]


def _check_vocabulary(facts: Facts, model: Speller) -> None:
    """Raise DatasetError where a dataset's tokens mean something else to a model."""
    special = [*facts.marks.values(), facts.end]
    same = all(model.tokenise(one.text, special=True) == [one.id] for one in special)
    if facts.vocabulary != model.vocabulary_size or not same:
        raise DatasetError(
            f"The dataset was prepared with the vocabulary of {facts.base}, and this model has "
            "another. Prepare it again with --base, or name a folder of code instead: bits a byte "
            "compare across vocabularies."
        )


def of_dataset(
    dataset: Dataset, numbers: Sequence[int], model: Speller, fills_in: bool, plain: bool = True
) -> list[Passage]:
    """Return the middles of these examples and, if `plain`, each example's text as plain code.

    Where the model does not fill in, middles are told from what stands before them, and no end is
    asked for: a model that goes on from left to right has no reason to end there. Raises
    DatasetError for a dataset of another vocabulary.
    """
    _check_vocabulary(dataset.facts, model)
    pieces, found = list(model.pieces()), []
    for number in numbers:
        example, facts = dataset[number], dataset.facts
        kind, name = facts.kinds[example.kind], f"example {number}"
        parts = take_apart(example, facts)
        if fills_in:
            tokens, first = [int(token) for token in example.tokens], example.middle
        else:
            head = parts.start + parts.before
            tokens, first = head + parts.middle, len(head)
        found.append(_passage(name, "middle", kind, tokens, first, pieces))
        if plain:
            text = b"".join(pieces[t] for t in (*parts.before, *parts.middle, *parts.after))
            found.append(_code(name, "all kinds", text.decode("utf-8", "replace"), model, pieces))
    return [passage for passage in found if passage.first < len(passage.tokens)]


def take_apart(example: Example, facts: Facts) -> Parts:
    """Return what the tokens of an example are, of either order (`train.fim`)."""
    tokens = [int(token) for token in example.tokens]
    head, middle = tokens[: example.middle], tokens[example.middle :]
    if middle and middle[-1] == facts.end.id:
        middle.pop()
    ids = {mark.id: name for name, mark in facts.marks.items()}
    parts: dict[str, list[int]] = {"start": [], "prefix": [], "suffix": [], "middle": []}
    into = "start"
    for token in head:
        if token in ids:
            into = ids[token]
        else:
            parts[into].append(token)
    # Behind the mark of the middle stands what was typed of its line.
    return Parts(parts["start"], parts["prefix"] + parts["middle"], middle, parts["suffix"])


def _of_files(path: Path, model: Speller, limit: int | None) -> Chosen:
    from linewise_models.train.code import language_of
    from linewise_models.train.sources import files_below

    if path.is_file():
        files = [(path.name, path)]
    elif path.is_dir():
        files = list(files_below(path, lambda inside: language_of(inside) is not None))
    else:
        raise EvaluationError(f"There is no dataset, folder or file {path}.")
    chosen, pieces = Chosen(), list(model.pieces())
    for number in drawn(len(files), None):
        name, file = files[number]
        try:
            text = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            chosen.skipped.append(name)
            continue
        except OSError as error:
            raise EvaluationError(f"{file} cannot be read: {error.strerror}.") from error
        passage = _code(name, language_of(name) or "other", text, model, pieces)
        if passage.first < len(passage.tokens):
            chosen.passages.append(passage)
        if len(chosen.passages) == limit:
            break
    if not chosen.passages:
        raise EvaluationError(
            f"{path} has no code in it that could be foretold, and is not what "
            "linewise models prepare makes."
        )
    return chosen


def _code(name: str, group: str, text: str, model: Speller, pieces: Sequence[bytes]) -> Passage:
    start = model.start_token()
    tokens = [*([] if start is None else [start]), *model.tokenise(text)]
    return _passage(name, "code", group, tokens, 1, pieces)


def _passage(
    name: str, task: Task, group: str, tokens: list[int], first: int, pieces: Sequence[bytes]
) -> Passage:
    first = max(first, 1)
    return Passage(name, task, group, tokens, first, sum(len(pieces[t]) for t in tokens[first:]))
