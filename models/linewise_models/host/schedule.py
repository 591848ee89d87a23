"""Which request the engine works on next, fair between windows.

In: jobs as they arrive. Out: one at a time. Invoked before automatic before idle; of each window
only the newest automatic request counts; windows take turns. Knows nothing of engines or sockets.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from linewise_models.engine.contract import Engine, Request, Urgency

Question = Callable[[Engine], dict[str, Any]]
"""Asked of the engine between two generations; its answer is quick."""

_ORDER = {Urgency.INVOKED: 0, Urgency.AUTOMATIC: 1, Urgency.IDLE: 2}


@dataclass(slots=True, eq=False)
class Job:
    """What one window asked, and whether anyone still wants it."""

    window: int
    id: int
    task: Request | Question
    arrived: float = 0.0
    cancelled: bool = False
    superseded: bool = False
    turn: int = 0

    @property
    def urgency(self) -> Urgency:
        """Return who waits for the answer; a question is always somebody's."""
        return self.task.urgency if isinstance(self.task, Request) else Urgency.INVOKED


class Schedule:
    """Jobs that wait and the one that runs; safe between threads."""

    def __init__(self, on_drop: Callable[[Job], None]) -> None:
        """`on_drop` hears of waiting jobs that will never run, outside the lock."""
        self._on_drop = on_drop
        self._changed = threading.Condition()
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._turns: dict[int, int] = {}
        self._count = itertools.count(1)
        self._retired = False

    def add(self, job: Job) -> None:
        """Queue a job; it supersedes what its window asked before and nobody waits for now.

        Once retired, a schedule drops it without a word: its window is told that the engine leaves.
        """
        with self._changed:
            if self._retired:
                return
            job.turn = next(self._count)
            dropped = [old for old in self._waiting if _supersedes(job, old)]
            self._waiting = [old for old in self._waiting if old not in dropped]
            running = self._running
            if running and (_supersedes(job, running) or _outranks(job, running)):
                running.cancelled = running.superseded = True
            self._waiting.append(job)
            self._changed.notify()
        for old in dropped:
            old.cancelled = old.superseded = True
            self._on_drop(old)

    def cancel(self, window: int, id: int | None = None) -> None:  # noqa: A002
        """Cancel one job of a window, or all of them."""
        with self._changed:
            jobs = [*self._waiting, *([self._running] if self._running else [])]
            matching = [j for j in jobs if j.window == window and id in (None, j.id)]
            for job in matching:
                job.cancelled = True
            dropped = [job for job in matching if job is not self._running]
            self._waiting = [job for job in self._waiting if job not in dropped]
        for job in dropped:
            self._on_drop(job)

    def next(self, timeout: float) -> Job | None:
        """Return the job to run now, waiting `timeout` seconds at most; the last one is done."""
        with self._changed:
            self._running = None
            self._changed.wait_for(lambda: self._waiting, timeout)
            if not self._waiting:
                return None
            job = min(self._waiting, key=self._rank)
            self._waiting.remove(job)
            self._running = job
            self._turns[job.window] = next(self._count)
            return job

    def retire(self) -> bool:
        """Take nothing more in, unless something waits; return whether that is so from now on."""
        with self._changed:
            self._retired = not self._waiting
            return self._retired

    def _rank(self, job: Job) -> tuple[int, int, int]:
        return _ORDER[job.urgency], self._turns.get(job.window, 0), job.turn


def _supersedes(new: Job, old: Job) -> bool:
    """Say whether a window that asks for `new` has given up on `old`."""
    if new.window != old.window or not isinstance(new.task, Request):
        return False
    return old.urgency is not Urgency.INVOKED and _ORDER[new.urgency] <= _ORDER[old.urgency]


def _outranks(new: Job, running: Job) -> bool:
    """Say whether `running` is nobody's wait and someone waits now."""
    if not isinstance(new.task, Request):
        return False
    return running.urgency is Urgency.IDLE and new.urgency is not Urgency.IDLE
