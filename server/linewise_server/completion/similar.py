"""Passages of other files that resemble the code at hand, for who writes the like once more.

In: the code before the cursor and the texts of other files. Out: passages, the most similar first.
Pure. How alike two pieces of code are is the share of their names that they have in common, as in
GitHub Copilot's "neighbouring tabs" and in RepoCoder (Zhang and others, 2023, arXiv 2303.12570),
whose window of 20 lines is taken as well. It never reads files; whose text may be quoted is decided
by who calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from linewise_models.quotation import Definition
from linewise_server.completion.neighbours import Neighbour

MOST_PASSAGES = 3
LEAST_LINES = 10
"""Lines with text of a passage, where its file has as many."""
MOST_LINES = 20
"""Lines of a passage, and of the code before the cursor that it is set beside."""
MOST_FILES = 20
"""Files that are looked into, as many as Copilot does."""
MOST_FILE_LINES = 1024
"""First lines of a file that are looked at, as wide as llama.vscode's ring."""
LEAST_SIMILARITY = 0.2
"""Share of names in common. Of 10,000 pairs of passages of the standard library 4 reach it where
they are of two modules, 876 where they are of one (CPython 3.11, 382 modules, 300,000 pairs each).
"""
LEAST_NAMES = 8
"""Names that either side has at least; of fewer, what is in common is chance."""
_NAME = re.compile(r"[^\W\d]\w{2,}")


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines of one file that belong together, without blank ones, and the names in them."""

    path: str
    text: str
    names: frozenset[str]


class Similar:
    """Finds similar passages; keeps those of a file for as long as its text stays the same."""

    def __init__(self) -> None:
        self._cut: dict[str, tuple[str, tuple[Passage, ...]]] = {}

    def find(
        self, near: str, own: str, files: Iterable[Neighbour], shown: str = ""
    ) -> list[Definition]:
        """Return the passages most similar to the end of `near`, in the order to quote them.

        `own` is the whole document, which need not be told what it says itself. What is quoted in
        `shown` stays first while it is similar at all: another passage that is a little better now
        is not worth a prompt that is in no cache.
        """
        self._refresh(files)
        wanted = names("\n".join(_written(near)[-MOST_LINES:]))
        there = set(_written(own))
        found = [
            (alike(wanted, passage.names), passage)
            for _, passages in self._cut.values()
            for passage in passages
            if not there.issuperset(passage.text.split("\n"))
        ]
        close = [(score, passage) for score, passage in found if score >= LEAST_SIMILARITY]
        best = sorted(close, key=lambda each: (-each[0], each[1].path, each[1].text))
        best.sort(key=lambda each: _commented(each[1]) not in shown)
        return [Definition(p.path, p.text, lines=MOST_LINES) for _, p in best[:MOST_PASSAGES]]

    def _refresh(self, files: Iterable[Neighbour]) -> None:
        """Cut what changed, and forget what is not there any more."""
        kept: dict[str, tuple[str, tuple[Passage, ...]]] = {}
        for file in files:
            # Who is open comes first, and is newer than what was read of it.
            if file.path in kept or len(kept) == MOST_FILES:
                continue
            known = self._cut.get(file.path)
            if known is None or known[0] != file.text:
                known = file.text, tuple(passages(file.path, file.text))
            kept[file.path] = known
        self._cut = kept


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of names that two sets have in common, 0.0 to 1.0 (Jaccard, 1901)."""
    if min(len(one), len(other)) < LEAST_NAMES:
        return 0.0
    common = len(one & other)
    return common / (len(one) + len(other) - common)


def names(text: str) -> frozenset[str]:
    """Return the names, keywords included, of three letters and more."""
    return frozenset(_NAME.findall(text))


def passages(path: str, text: str) -> Iterator[Passage]:
    """Yield the passages of a file, which do not overlap and leave out only blank lines.

    One ends where the next line stands farthest left, after a blank line rather than not, and late
    rather than early; so a function that fits is not cut, and a long one between its blocks.
    """
    lines = text.splitlines()[:MOST_FILE_LINES]
    kept = [number for number, line in enumerate(lines) if line.strip()]
    while kept:
        end = _end(lines, kept)
        chosen = "\n".join(lines[number].rstrip() for number in kept[:end])
        yield Passage(path, chosen, names(chosen))
        kept = kept[end:]


def _end(lines: Sequence[str], kept: Sequence[int]) -> int:
    """Return how many of the lines left, by their numbers, belong to the first passage."""
    if len(kept) <= MOST_LINES:
        return len(kept)

    def sense(end: int) -> tuple[int, bool, int]:
        following = lines[kept[end]]
        indent = len(following) - len(following.lstrip())
        return -indent, kept[end] - kept[end - 1] > 1, end

    return max(range(LEAST_LINES, MOST_LINES + 1), key=sense)


def _written(text: str) -> list[str]:
    """Return the lines that are not blank, without the blanks at their ends."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _commented(passage: Passage) -> str:
    return "".join(f"# {line}\n" for line in passage.text.split("\n"))
