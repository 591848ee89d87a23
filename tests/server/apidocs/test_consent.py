"""Nothing is fetched that the user did not agree to."""

from __future__ import annotations

from pathlib import Path

import pytest

from linewise_server.apidocs.consent import Answers, Fetch, Permission, Policy, permission
from linewise_server.apidocs.packages import Package

CASES: list[tuple[Fetch, str, bool | None, Permission]] = [
    ("always", "", None, "granted"),
    ("always", "", False, "granted"),
    ("never", "", True, "refused"),
    ("ask", "", None, "ask"),
    ("ask", "", True, "granted"),
    ("ask", "", False, "refused"),
    ("always", "acme-*", True, "private"),
    ("ask", "Acme_*", True, "private"),
    ("always", "acme_inner", True, "private"),
    ("always", "acme", None, "granted"),
]


@pytest.mark.parametrize(("fetch", "private", "answer", "expected"), CASES)
def test_permission(
    tmp_path: Path, fetch: Fetch, private: str, answer: bool | None, expected: Permission
) -> None:
    answers = Answers(tmp_path / "docs" / "answers.json")
    if answer is not None:
        answers.keep("acme-tools", yes=answer)
    package = Package("acme-tools", "1.0", ("acme_inner",))
    policy = Policy(fetch, (private,) if private else ())
    assert permission(policy, answers, package) == expected


@pytest.mark.parametrize("text", ["{", "[]", '{"acme-tools": "yes"}'])
def test_an_unreadable_answer_is_no_answer(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers.json"
    path.write_text(text)
    package = Package("acme-tools", "1.0", ())
    assert permission(Policy("ask", ()), Answers(path), package) == "ask"
