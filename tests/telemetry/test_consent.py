"""Consent: the least word wins, nothing unreadable permits anything, and nobody is asked thrice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest

from linewise_telemetry.consent import (
    Circumstances,
    Consent,
    ConsentFile,
    Level,
    choose,
    decide,
    look_around,
    may_ask,
    note_asked,
)
from linewise_telemetry.errors import ConsentError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FREE = Circumstances(editor=True, do_not_track=False, ci=False, policy=Level.EVENTS)


def said(level: Level | None, notice: int = 1) -> Consent:
    return (
        choose(None, level, notice, NOW) if level is not None else Consent(None, None, 0, NOW, ())
    )


def test_least_word_wins() -> None:
    for level, editor, dnt, ci, policy in product(
        Level, (True, False), (True, False), (True, False), Level
    ):
        decision = decide(said(level), Circumstances(editor, dnt, ci, policy))
        ceiling = [level, policy]
        ceiling += [Level.LOCAL] if not editor or dnt else []
        ceiling += [Level.OFF] if ci else []
        assert decision.level == min(ceiling)
        assert decision.chosen == level


def test_default_is_local() -> None:
    decision = decide(said(None), FREE)
    assert decision.level == Level.LOCAL
    assert not decision.allows(Level.COUNTS, 1)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"level": "everything"}', '{"level": 3}', "\x00"]
)
def test_unreadable_file_means_off(tmp_path: Path, text: str) -> None:
    file = ConsentFile(tmp_path / "consent.json")
    file.path.write_text(text)
    assert file.read(NOW) is None
    assert decide(file.read(NOW), FREE).level == Level.OFF


def test_directory_in_place_of_the_file_means_off(tmp_path: Path) -> None:
    (tmp_path / "consent.json").mkdir()
    assert decide(ConsentFile(tmp_path / "consent.json").read(NOW), FREE).level == Level.OFF


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('{"telemetry": "counts"}', Level.COUNTS),
        ('{"telemetry": "off"}', Level.OFF),
        ("{}", Level.OFF),
        ("not json", Level.OFF),
        (None, Level.EVENTS),
    ],
)
def test_policy(tmp_path: Path, text: str | None, level: Level) -> None:
    path = tmp_path / "policy.json"
    if text is not None:
        path.write_text(text)
    assert look_around({}, path, editor=True).policy == level


@pytest.mark.parametrize(
    ("environ", "level"),
    [
        ({}, Level.EVENTS),
        ({"DO_NOT_TRACK": "1"}, Level.LOCAL),
        ({"DO_NOT_TRACK": "true"}, Level.LOCAL),
        ({"DO_NOT_TRACK": "0"}, Level.EVENTS),
        ({"CI": "true"}, Level.OFF),
        ({"CI": ""}, Level.EVENTS),
    ],
)
def test_environment(tmp_path: Path, environ: dict[str, str], level: Level) -> None:
    around = look_around(environ, tmp_path / "none.json", editor=True)
    assert decide(said(Level.EVENTS), around).level == level


def test_newer_notice_needs_a_new_answer() -> None:
    decision = decide(said(Level.EVENTS, notice=1), FREE)
    assert decision.allows(Level.EVENTS, 1)
    assert not decision.allows(Level.EVENTS, 2)
    assert decision.allows(Level.LOCAL, 2)


def test_a_new_consent_starts_anew() -> None:
    first = said(Level.EVENTS)
    again = choose(first, Level.EVENTS, 1, NOW + timedelta(days=1))
    assert again.since == NOW
    off = choose(again, Level.OFF, 1, NOW + timedelta(days=2))
    assert off.since is None
    back = choose(off, Level.EVENTS, 1, NOW + timedelta(days=3))
    assert back.since == NOW + timedelta(days=3)
    newer = choose(back, Level.EVENTS, 2, NOW + timedelta(days=4))
    assert newer.since == NOW + timedelta(days=4)


def test_file_keeps_every_word(tmp_path: Path) -> None:
    file = ConsentFile(tmp_path / "deep" / "consent.json")
    consent = note_asked(said(Level.COUNTS), NOW)
    file.write(consent)
    assert file.read(NOW + timedelta(days=9)) == consent
    assert json.loads(file.path.read_text())["level"] == "counts"


def test_a_choice_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConsentError, match="was not kept"):
        ConsentFile(tmp_path / "file" / "consent.json").write(said(Level.EVENTS))


def test_asked_after_a_week_and_at_most_twice() -> None:
    consent = said(None)
    asked_on = []
    for day in range(400):
        now = NOW + timedelta(days=day)
        if may_ask(consent, FREE, now):
            asked_on.append(day)
            consent = note_asked(consent, now)
    assert asked_on == [7, 37]


@pytest.mark.parametrize(
    ("consent", "around"),
    [
        (said(Level.LOCAL), FREE),
        (said(Level.OFF), FREE),
        (said(Level.EVENTS), FREE),
        (None, FREE),
        (
            said(None),
            Circumstances(editor=False, do_not_track=False, ci=False, policy=Level.EVENTS),
        ),
        (said(None), Circumstances(editor=True, do_not_track=True, ci=False, policy=Level.EVENTS)),
        (said(None), Circumstances(editor=True, do_not_track=False, ci=True, policy=Level.EVENTS)),
        (said(None), Circumstances(editor=True, do_not_track=False, ci=False, policy=Level.LOCAL)),
    ],
)
def test_never_asked_against_a_word(consent: Consent | None, around: Circumstances) -> None:
    later = NOW + timedelta(days=100)
    assert not may_ask(consent, around, later)
