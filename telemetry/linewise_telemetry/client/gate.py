"""The gate as a running server holds it: the decision of this moment, and who changes it.

In: the consent file, the environment, the policy and the editor's switch. Out: the decision, cheap
enough for every event, and read anew from the files before anything is sent. It only ever asks
`linewise_telemetry.consent.decide`.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from linewise_telemetry import consent
from linewise_telemetry.consent import Consent, ConsentFile, Decision, Level
from linewise_telemetry.errors import ConsentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_PATIENCE = 5.0
"""Seconds for which another process may hold the file; it needs a millisecond."""


@dataclass(frozen=True, slots=True)
class State:
    """What the user sees: their word, what is in force, why, and whether to ask them now."""

    chosen: Level
    level: Level
    reason: str
    may_ask: bool


class Gate:
    """The decision; `changed` is called with (before, after) whenever it is another one."""

    def __init__(
        self,
        file: ConsentFile,
        *,
        notice: int,
        environ: Mapping[str, str],
        policy: Path,
        editor: bool,
        clock: Callable[[], float],
    ) -> None:
        self._file = file
        self._notice = notice
        self._environ = environ
        self._policy = policy
        self._editor = editor
        self._clock = clock
        self._lock = threading.Lock()
        self.changed: Callable[[Decision, Decision], None] = lambda _before, _after: None
        self.decision = self._decide()

    def refresh(self) -> Decision:
        """Read every word anew and return the decision."""
        with self._lock:
            before, self.decision = self.decision, self._decide()
            after = self.decision
        if before != after:
            self.changed(before, after)
        return after

    def start_using(self) -> None:
        """Note the first use, from which the week before the first question counts."""
        if self._file.path.exists():
            return
        with self._alone():
            if not self._file.path.exists():
                self._file.write(Consent(None, None, 0, self._now(), ()))

    def choose(self, level: Level) -> Decision:
        """Keep the user's word and return the decision. Raises ConsentError if it cannot."""
        with self._alone():
            now = self._now()
            self._file.write(consent.choose(self._file.read(now), level, self._notice, now))
        return self.refresh()

    def switch(self, *, editor: bool) -> Decision:
        """Take the editor's own telemetry switch as it is now."""
        self._editor = editor
        return self.refresh()

    def note_asked(self) -> None:
        """Note that the user was asked once more."""
        with self._alone():
            now = self._now()
            words = self._file.read(now)
            if words is not None:
                self._file.write(consent.note_asked(words, now))

    def state(self) -> State:
        """Return what the user sees."""
        decision = self.refresh()
        now = self._now()
        asking = consent.may_ask(self._file.read(now), self._around(), now)
        return State(decision.chosen, decision.level, decision.reason, asking)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other windows, and this one's start, from writing over what is said meanwhile."""
        path = self._file.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path.with_suffix(".lock"), timeout=_PATIENCE).acquire()
        except (OSError, Timeout) as error:
            raise ConsentError(f"cannot write beside {path}; nothing was changed") from error
        with lock:
            yield

    def _decide(self) -> Decision:
        return consent.decide(self._file.read(self._now()), self._around())

    def _around(self) -> consent.Circumstances:
        return consent.look_around(self._environ, self._policy, editor=self._editor)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
