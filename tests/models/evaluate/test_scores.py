"""Scores against values worked out by hand or taken from tables."""

from __future__ import annotations

import pytest

from linewise_models.evaluate.problem import Extent, Problem
from linewise_models.evaluate.scores import (
    inserted,
    interval,
    is_exact,
    is_same_call,
    mcnemar,
    mean_interval,
    names,
    similarity,
)


def problem(gold: str, extent: Extent = "line", suffix: str = "") -> Problem:
    return Problem("p", "g", "", suffix, gold, extent)


@pytest.mark.parametrize(
    ("gold", "text", "extent", "same"),
    [
        ("return x", "  return x \n", "line", True),
        ("return x", "return  x", "line", False),
        ("return x", "", "line", False),
        ("a\r\n    b", "a  \n    b", "lines", True),
        ("a\n    b", "a\n  b", "lines", False),
        ("run(x)  # why", "run(x)", "statement", True),
        ("run('# x')", "run('')", "statement", False),
        ("f(\n  a,\n\n  b)", "f(\n    a,  # first\n    b)", "statement", True),
    ],
)
def test_exact(gold: str, text: str, extent: Extent, same: bool) -> None:
    assert is_exact(problem(gold, extent), text) is same


def test_similarity_is_one_less_the_share_of_edits() -> None:
    assert similarity(problem("abcd"), "abcd") == 1.0
    # One of 4 and one of 4 characters go, of 8: 1 - 2 / 8.
    assert similarity(problem("abcd"), "abxd") == pytest.approx(0.75)
    assert similarity(problem("abcd"), "") == 0.0


@pytest.mark.parametrize(
    ("text", "gold", "same"),
    [
        ("np.sum(x, axis=0)", "np.sum( x,axis = 0 )", True),
        ("f(b=1, a='x')", 'f(a="x", b=1)', True),
        ("np.mean(x, axis=0)", "np.sum(x, axis=0)", False),
        ("f(1, 2)", "f(2, 1)", False),
        ("f(x, **k)", "f(x, **j)", False),
        ("f(x).g()", "f(x).g()", True),
        ("f(x", "f(x)", False),
        ("f", "g", False),
        ("", "f(x)", False),
    ],
)
def test_same_call(text: str, gold: str, same: bool) -> None:
    assert is_same_call(text, gold) is same


def test_an_answer_that_takes_over_the_closing_bracket_is_the_one_without() -> None:
    assert inserted(problem("x", suffix="):\n"), "x):", 2) == ("x", 0)
    assert inserted(problem("x", suffix="):\n"), "x), y", 1) == ("x), y", 1)
    assert inserted(problem("x", suffix="):\n"), "x", 0) == ("x", 0)


def test_interval() -> None:
    # Newcombe 1998, table I, method 3: 81/263 gives 0.2553 to 0.3662, 0/20 gives 0 to 0.1611.
    assert interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert interval(0, 0) == (0.0, 1.0)


def test_mcnemar() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(0, 5) == mcnemar(5, 0) == pytest.approx(2 / 32)
    # 2 · (1 + 10 + 45) / 1024
    assert mcnemar(2, 8) == pytest.approx(0.109375)
    assert mcnemar(5, 5) == 1.0


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.5] * 9, 0.5, 0.5),
        # A standard deviation of 0.5 over four: 0.5 * 1.96 / 2 = 0.49 either way.
        ([0.0, 0.5, 0.5, 1.0], 0.1, 0.9),
        ([0.3], 0.0, 1.0),
        ([], 0.0, 1.0),
        ([1.0, 1.0, 1.0, 0.0], 0.26, 1.0),
    ],
)
def test_the_interval_of_a_mean(values: list[float], low: float, high: float) -> None:
    assert mean_interval(values) == pytest.approx((low, high), abs=5e-3)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("client.send(a_1)  # fetch", {"client", "send", "a_1"}),
        ("x = 'send' + \"fetch # no\" + über", {"x", "über"}),
        ("f('it\\'s send'), 2e5, '", {"f"}),
        ("", set()),
    ],
)
def test_names_of_code(text: str, found: set[str]) -> None:
    assert names(text) == found
