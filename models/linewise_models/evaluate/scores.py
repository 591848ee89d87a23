"""Scores of one answer, and what many of them say together.

In: texts, counts. Out: numbers. Pure, and deterministic.
"""

from __future__ import annotations

import ast
import io
import math
import re
import statistics
import tokenize
from collections.abc import Sequence

from rapidfuzz import fuzz

from linewise_models.evaluate.problem import Problem


def inserted(problem: Problem, text: str, replace: int) -> tuple[str, int]:
    """Return an answer as a plain insertion, where it ends in the text that it stands in for."""
    taken = problem.suffix[:replace]
    return (text.removesuffix(taken), 0) if text.endswith(taken) else (text, replace)


def is_exact(problem: Problem, text: str) -> bool:
    """Say whether the hole is filled with what was there, white space at either end aside.

    For statements also comments and blank lines aside, as CrossCodeEval's own scorer has it.
    """
    return normal(problem, text) == normal(problem, problem.gold)


def similarity(problem: Problem, text: str) -> float:
    """Return the edit similarity to what was there, 0 to 1: rapidfuzz's ratio, normalised indel."""
    return float(fuzz.ratio(normal(problem, text), normal(problem, problem.gold))) / 100


def normal(problem: Problem, text: str) -> str:
    """Return a text in the form in which two of them are compared."""
    text = text.replace("\r\n", "\n")
    if problem.extent == "statement":
        lines = [line.strip() for line in _without_comments(text).split("\n")]
        return "\n".join(line for line in lines if line)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def _without_comments(text: str) -> str:
    lines = text.split("\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column]
    except (tokenize.TokenError, SyntaxError):
        pass  # what came before the broken part is done
    return "\n".join(lines)


def is_same_call(text: str, gold: str) -> bool:
    """Say whether two texts are the same call, spacing, quotes and order of keywords aside.

    SAFIM's own matcher compares arguments alone, so that it takes np.mean(x) for np.sum(x); this
    one compares the function as well.
    """
    if "".join(text.split()) == "".join(gold.split()):
        return True
    return (call := _call(text)) is not None and call == _call(gold)


def _call(text: str) -> tuple[str, list[str], list[str]] | None:
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(node, ast.Call):
        return None
    keywords = sorted(f"{word.arg}={ast.dump(word.value)}" for word in node.keywords)
    return ast.dump(node.func), [ast.dump(value) for value in node.args], keywords


def names(text: str) -> set[str]:
    """Return the names in a piece of code, comments and quoted texts aside."""
    return set(re.findall(r"\b[^\W\d]\w*", _QUOTED.sub(" ", text)))


_QUOTED = re.compile(r"""#[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*\"""")


def interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927, score interval without correction)."""
    if not total:
        return 0.0, 1.0
    z = 1.959964
    share, square = count / total, z * z / total
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of scores from 0 to 1 (normal approximation)."""
    if len(values) < 2:
        return 0.0, 1.0
    mean = statistics.fmean(values)
    half = 1.959964 * statistics.stdev(values, mean) / math.sqrt(len(values))
    return max(0.0, mean - half), min(1.0, mean + half)


def mcnemar(lost: int, won: int) -> float:
    """Return the p-value of `lost` and `won` among pairs that differ, if both were as likely.

    The exact test of McNemar 1947: two-sided binomial, so that small counts need no correction.
    """
    total, few = lost + won, min(lost, won)
    tail = float(sum(math.comb(total, count) for count in range(few + 1)) / 2**total)
    return min(1.0, 2 * tail)
