"""Who got something is known for as long as there is something to take back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linewise_telemetry.client.recipients import MOST_KEYS, Recipients

if TYPE_CHECKING:
    from pathlib import Path

ONE, OTHER = "https://a.example#k", "https://b.example#"


def key(i: int) -> str:
    return f"{i:032x}"


def test_windows_share_what_they_noted(tmp_path: Path) -> None:
    first, second = Recipients(tmp_path / "deep"), Recipients(tmp_path / "deep")
    assert first.noted() == []
    for i in (1, 2, 1):
        first.note(ONE, key(i))
        second.note(ONE, key(1))
        second.note(OTHER, key(i))
    notes = [(ONE, key(1)), (ONE, key(2)), (OTHER, key(1)), (OTHER, key(2))]
    assert sorted(first.noted()) == sorted(second.noted()) == notes


@pytest.mark.parametrize("rest", [ONE, f"{ONE} 0000", "\x00", f"\n\n{ONE} {key(1)} x"])
def test_line_that_was_cut_off_costs_only_itself(tmp_path: Path, rest: str) -> None:
    Recipients(tmp_path).note(ONE, key(1))
    (path,) = tmp_path.iterdir()
    with path.open("a") as stream:
        stream.write(rest)
    Recipients(tmp_path).note(ONE, key(2))
    assert Recipients(tmp_path).noted() == [(ONE, key(1)), (ONE, key(2))]


def test_newest_keys_are_kept(tmp_path: Path) -> None:
    noting = Recipients(tmp_path)
    for i in range(MOST_KEYS + 5):
        noting.note(ONE, key(i))
    assert noting.noted() == [(ONE, key(i)) for i in range(5, MOST_KEYS + 5)]


def test_what_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Recipients(tmp_path / "file").note(ONE, key(1))


def test_file_is_private(tmp_path: Path) -> None:
    Recipients(tmp_path).note(ONE, key(1))
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o077 == 0
