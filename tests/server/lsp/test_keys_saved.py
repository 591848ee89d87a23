"""Keys saved are counted by the local day, over windows and restarts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from linewise_server.lsp.keys_saved import KeysSaved


class Clock:
    """A calendar that a test turns."""

    def __init__(self) -> None:
        self.day = date(2026, 11, 25)

    def __call__(self) -> date:
        return self.day


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys-saved.json"


def window(path: Path, clock: Clock, *, allowed: bool = True) -> KeysSaved:
    keys = KeysSaved(path, lambda: allowed, clock)
    keys.read()
    return keys


def save(keys: KeysSaved, identity: str, characters: int) -> None:
    keys.tell(identity, characters)
    keys.keep()


def test_what_was_saved_outlives_a_restart(path: Path, clock: Clock) -> None:
    save(window(path, clock), "c1", 12)
    again = window(path, clock)
    assert again.today == 12
    save(again, "c1", 3)
    assert window(path, clock).today == 15


def test_windows_add_to_one_count(path: Path, clock: Clock) -> None:
    one, other = window(path, clock), window(path, clock)
    save(one, "c1", 5)
    save(other, "c1", 7)
    one.read()
    assert (one.today, other.today) == (12, 12)


def test_midnight_begins_at_nothing(path: Path, clock: Clock) -> None:
    keys = window(path, clock)
    save(keys, "c1", 12)
    clock.day = date(2026, 11, 26)
    assert keys.today == 0
    keys.read()
    assert (keys.today, window(path, clock).today) == (0, 0)
    save(keys, "c2", 4)
    assert (keys.today, window(path, clock).today) == (4, 4)


def test_a_suggestion_that_is_taken_bit_by_bit_counts_once(path: Path, clock: Clock) -> None:
    keys = window(path, clock)
    for characters in (3, 8, 20):
        save(keys, "c1", characters)
    assert keys.today == 20


def test_where_nothing_may_be_recorded_nothing_is_kept(path: Path, clock: Clock) -> None:
    save(window(path, clock), "c1", 12)
    quiet = window(path, clock, allowed=False)
    save(quiet, "c1", 5)
    assert quiet.today == 5
    assert not path.exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"day": "2026-11-25", "keys": -1}', '{"day": 3, "keys": "x"}']
)
def test_a_damaged_file_counts_as_none(path: Path, clock: Clock, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    keys = window(path, clock)
    assert keys.today == 0
    save(keys, "c1", 2)
    assert window(path, clock).today == 2
