"""Consent: the one gate that decides what may be recorded and what may leave this machine.

In: the consent file, the editor's switch, the environment and the organisation's policy file.
Out: a `Decision`. Everything that records or sends asks `decide` and nothing else; there is no
second way. It never talks to a network and never changes the file unless the user said something.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from linewise_telemetry import atomic
from linewise_telemetry.errors import ConsentError

if TYPE_CHECKING:
    from collections.abc import Mapping

ASK_AFTER = timedelta(days=7)
ASK_AGAIN_AFTER = timedelta(days=30)
ASK_AT_MOST = 2


class Level(IntEnum):
    """How much may be recorded and sent; a higher level includes the lower ones."""

    OFF = 0
    LOCAL = 1
    COUNTS = 2
    EVENTS = 3

    @property
    def word(self) -> str:
        """The level as users write it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Level:
        """Return the level that `word` names.

        Raises ConsentError listing the words there are.
        """
        for level in cls:
            if level.word == word:
                return level
        words = ", ".join(level.word for level in cls)
        raise ConsentError(f"{word!r} is not a telemetry level; choose one of {words}")


@dataclass(frozen=True, slots=True)
class Consent:
    """What the user said. `level` is None until they chose; `asked` holds when they were asked."""

    level: Level | None
    since: datetime | None
    notice: int
    first_used: datetime
    asked: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else limits telemetry: the editor's switch, the environment and the policy's ceiling."""

    editor: bool
    do_not_track: bool
    ci: bool
    policy: Level


@dataclass(frozen=True, slots=True)
class Decision:
    """What is in force and why. Records made before `since` may not leave."""

    level: Level
    chosen: Level
    reason: str
    since: datetime | None
    notice: int

    def allows(self, level: Level, notice: int) -> bool:
        """Return whether something of this level that was announced in `notice` may be done."""
        if level >= Level.COUNTS and (self.since is None or notice > self.notice):
            return False
        return self.level >= level


def decide(consent: Consent | None, circumstances: Circumstances) -> Decision:
    """Return the least of all words; `consent` is None where the file cannot be read."""
    if consent is None:
        reason = "the consent file cannot be read, so nothing is recorded"
        return Decision(Level.OFF, Level.OFF, reason, None, 0)
    chosen = Level.LOCAL if consent.level is None else consent.level
    own = (chosen, "you chose it" if consent.level is not None else "it is the default")
    level, reason = min(own, *_ceilings(circumstances), key=lambda word: word[0])
    return Decision(level, chosen, reason, consent.since, consent.notice)


def look_around(environ: Mapping[str, str], policy: Path, *, editor: bool) -> Circumstances:
    """Return what `environ` and the policy file say; an unreadable policy forbids everything."""
    return Circumstances(
        editor=editor,
        do_not_track=environ.get("DO_NOT_TRACK", "").lower() not in ("", "0", "false"),
        ci=environ.get("CI", "").lower() not in ("", "0", "false"),
        policy=_read_policy(policy),
    )


def policy_path() -> Path:
    """Return where an organisation puts its policy, e.g. `{"telemetry": "local"}`."""
    return Path(platformdirs.site_config_dir("linewise", appauthor=False)) / "policy.json"


def may_ask(consent: Consent | None, circumstances: Circumstances, now: datetime) -> bool:
    """Return whether the user may be asked now.

    Only who never chose is asked, after a week of use, at most twice, and only where a yes would
    change anything.
    """
    if consent is None or consent.level is not None or len(consent.asked) >= ASK_AT_MOST:
        return False
    if any(level < Level.EVENTS for level, _ in _ceilings(circumstances)):
        return False
    waited = now - consent.first_used >= ASK_AFTER
    return waited and all(now - asked >= ASK_AGAIN_AFTER for asked in consent.asked)


@dataclass(frozen=True, slots=True)
class ConsentFile:
    """The file that keeps what the user said."""

    path: Path

    def read(self, now: datetime) -> Consent | None:
        """Return what the user said; None where the file is there but cannot be understood."""
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            level = None if data["level"] is None else Level.of(data["level"])
            since = None if data["since"] is None else _moment(data["since"])
            asked = tuple(_moment(text) for text in data["asked"])
            return Consent(level, since, int(data["notice"]), _moment(data["first_used"]), asked)
        except FileNotFoundError:
            return Consent(None, None, 0, now, ())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ConsentError):
            return None

    def write(self, consent: Consent) -> None:
        """Keep what the user said, whole or not at all.

        Raises ConsentError saying which file cannot be written.
        """
        data = asdict(consent) | {
            "level": None if consent.level is None else consent.level.word,
            "since": None if consent.since is None else consent.since.isoformat(),
            "first_used": consent.first_used.isoformat(),
            "asked": [asked.isoformat() for asked in consent.asked],
        }
        try:
            atomic.write(self.path, json.dumps(data, indent=2) + "\n")
        except OSError as error:
            raise ConsentError(
                f"cannot write {self.path} ({error.strerror}); your telemetry choice was not kept"
            ) from error


def choose(consent: Consent | None, level: Level, notice: int, now: datetime) -> Consent:
    """Return what the user says from `now` on; what leaves starts anew with every rise."""
    before = consent or Consent(None, None, 0, now, ())
    leaves = level >= Level.COUNTS
    same = leaves and before.level == level and before.notice == notice and before.since is not None
    since = before.since if same else (now if leaves else None)
    return replace(before, level=level, since=since, notice=notice if leaves else before.notice)


def note_asked(consent: Consent, now: datetime) -> Consent:
    """Return `consent` with one more time that the user was asked."""
    return replace(consent, asked=(*consent.asked, now))


def _ceilings(circumstances: Circumstances) -> list[tuple[Level, str]]:
    free = Level.EVENTS
    return [
        (circumstances.policy, "your organisation's policy limits it"),
        (free if circumstances.editor else Level.LOCAL, "the editor's telemetry is switched off"),
        (Level.LOCAL if circumstances.do_not_track else free, "DO_NOT_TRACK is set"),
        (Level.OFF if circumstances.ci else free, "this is a CI machine"),
    ]


def _read_policy(path: Path) -> Level:
    try:
        return Level.of(json.loads(path.read_text(encoding="utf-8"))["telemetry"])
    except FileNotFoundError:
        return Level.EVENTS
    except (OSError, ValueError, KeyError, TypeError, ConsentError):
        return Level.OFF


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
