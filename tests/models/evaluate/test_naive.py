"""What of a chat's answer belongs into the hole: prefix, what the model said, what is taken."""

from __future__ import annotations

import pytest

from linewise_models.evaluate.naive import taken
from linewise_models.evaluate.problem import Problem

PREFIX = 'def double(x):\n    """Return twice x."""\n    '


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            '```python\ndef double(x):\n    """Twice."""\n    return 2 * x\n```\nSo.',
            "return 2 * x\n",
        ),
        ("Here:\n\n```\ndef double(x):\n    return 2 * x\n```", "return 2 * x\n"),
        (
            "```python\nimport math\n\ndef double(x):\n    return x\n```",
            "import math\n    return x\n",
        ),
        ("```\n    return 2 * x\n```", "return 2 * x\n"),
        ("return 2 * x", "return 2 * x"),
        ("```python\ndef double(x):\n    return 2 *", "return 2 *"),
    ],
)
def test_a_body_is_taken_out_of_the_function_that_is_said_again(said: str, text: str) -> None:
    assert taken(Problem("p", "g", PREFIX, "\n", "", "body"), said) == text


def test_a_program_is_taken_whole() -> None:
    problem = Problem("p", "g", '"""Do."""\n', "", "", "program")
    assert taken(problem, "```python\nx = 1\n```") == "x = 1\n"
