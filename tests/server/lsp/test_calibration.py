"""What is learned is kept on disk, one calibration a model, and only where something may be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from linewise_models.home import Home
from linewise_server.completion.ask import Suggestion
from linewise_server.completion.calibration import ENOUGH, STEP, USUAL
from linewise_server.engines import Engines
from linewise_server.lsp.calibration import Calibrations, connect
from linewise_server.lsp.session import Session

READ, UNREAD = 750.0, 749.0


class User:
    """A session whose user reads suggestions; `level` says whether anything may be kept."""

    def __init__(self, home: Path) -> None:
        self.path = home / "calibration.json"
        self.allowed = True
        self.session = Session(Engines(Home(home), {}), ignore, ignore, ignore, ignore)
        connect(self.session, Calibrations(self.path, lambda: self.allowed))

    def reject(self, n: int, reason: str = "rejected", shown_ms: float = READ) -> None:
        for _ in range(n):
            self.session.shown["c"] = ("file:///a.py", self.suggestion())
            self.session.dismissed("c", reason, shown_ms)

    def accept(self, n: int, text: str = "x") -> None:
        for _ in range(n):
            self.session.shown["c"] = ("file:///a.py", self.suggestion(text))
            self.session.accepted("c")

    def suggestion(self, text: str = "x") -> Suggestion:
        return Suggestion("c", text, 0, 0, "model", USUAL + 0.1)


def ignore(_: object) -> None:
    """Show nothing."""


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def test_rejected_often_more_is_asked_of_the_model_the_next_time_too(user: User) -> None:
    user.reject(16)
    assert user.session.least() == pytest.approx(USUAL + STEP)
    again = User(user.path.parent)
    assert again.session.least() == user.session.least()


def test_taken_often_less_is_asked(user: User) -> None:
    user.accept(ENOUGH)
    assert user.session.least() == pytest.approx(USUAL - STEP)


@pytest.mark.parametrize(
    ("reason", "shown_ms"), [("superseded", READ), ("expired", READ), ("rejected", UNREAD)]
)
def test_what_was_not_read_or_gave_way_says_nothing(
    user: User, reason: str, shown_ms: float
) -> None:
    user.reject(50, reason, shown_ms)
    assert not user.path.exists()


def test_the_next_line_has_a_limit_of_its_own(user: User) -> None:
    user.accept(50, text="\n    x")
    assert not user.path.exists()


def test_each_model_has_its_own(user: User) -> None:
    user.reject(16)
    user.session.settings = type(user.session.settings)(model="another")
    assert user.session.least() == USUAL


def test_off_uses_and_keeps_nothing(user: User) -> None:
    user.reject(16)
    user.allowed = False
    assert user.session.least() == USUAL
    user.reject(1)
    assert not user.path.exists()
    user.allowed = True
    assert user.session.least() == USUAL


def test_only_numbers_are_kept(user: User) -> None:
    user.reject(3)
    (row,) = json.loads(user.path.read_text()).values()
    assert row == {"least": USUAL, "taken": 0, "read": 3}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"m": 3}'])
def test_a_damaged_file_is_a_new_beginning(user: User, text: str) -> None:
    user.path.write_text(text)
    assert user.session.least() == USUAL
    user.reject(16)
    assert user.session.least() == pytest.approx(USUAL + STEP)
