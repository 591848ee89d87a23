"""The uploader: takes batches from the spool to their collectors, as long as consent stands.

In: the spool, the gate, a way to send. Out: one upload at a time, verdicts per event, and pauses
that no collector can stretch beyond an hour. It asks the gate right before every request, and never
sends what the gate does not allow at that moment.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import time
from typing import TYPE_CHECKING

from linewise_telemetry.client.otlp import encode
from linewise_telemetry.client.transport import Send, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from linewise_telemetry.client.records import Batch
    from linewise_telemetry.client.spool import Spool

BATCH_EVENTS = 100
BATCH_SIZE = 256 * 1024
HOLD = 60.0
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0
FAILURES_BEFORE_REST = 3
REST = 3600.0
UPLOADS_A_MINUTE = 15


class Uploader:
    """Sends what waits; `run_once` is called by one thread at a time."""

    def __init__(
        self,
        spool: Spool,
        *,
        schema: int,
        allowed: Callable[[], bool],
        known: Callable[[str], bool],
        note: Callable[[str, str], None],
        send: Send,
        monotonic: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self._spool = spool
        self._schema = schema
        self._allowed = allowed
        self._known = known
        self._note = note
        self._send = send
        self._monotonic = monotonic
        self._chance = chance or random.Random()  # noqa: S311 (jitter, not a secret)
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._recent: list[float] = []

    def wait(self, target: str) -> float:
        """Return the seconds until the next upload to `target` may start."""
        return max(0.0, self._not_before.get(target, 0.0) - self._monotonic())

    def run_once(self) -> bool:
        """Send one batch; return whether more may be sent at once."""
        if not self._allowed() or not self._within_rate():
            return False
        batch = self._spool.claim(BATCH_EVENTS, BATCH_SIZE, HOLD, skip=self._paused())
        if batch is None:
            return False
        self._recent.append(self._monotonic())
        origin, _, project = batch.target.partition("#")
        if not self._known(batch.target):
            # The user no longer subscribes to this collector's catalogue.
            self._spool.finish(batch, {event.id: "unsubscribed" for event in batch.events}, ())
            return True
        body = gzip.compress(encode(batch, self._schema), mtime=0)
        headers = {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "Linewise-Project": project,
            "Linewise-Install": batch.key,
            "User-Agent": "linewise",
        }
        # Consent may have gone while the batch was put together.
        if not self._allowed():
            self._spool.release(batch)
            return False
        try:
            # First: what was sent under a key that nobody knows any more could not be taken back.
            self._note(batch.target, batch.key)
            answer = self._send("POST", origin + "/v1/logs", body, headers)
        except (TransportError, OSError):
            self._spool.release(batch)
            self._pause(batch.target, None)
            return True
        self._settle(batch, answer.status, answer.retry_after, answer.body)
        return True

    def _paused(self) -> list[str]:
        # One collector that does not answer must not keep the others from theirs.
        return [target for target in self._not_before if self.wait(target) > 0]

    def _settle(self, batch: Batch, status: int, retry_after: str | None, body: bytes) -> None:
        if status == 200:
            verdicts = _verdicts(body)
            dropped = {id_: why for id_, why in verdicts.items() if why != "retry"}
            again = [id_ for id_, why in verdicts.items() if why == "retry"]
            self._spool.finish(batch, dropped, again)
            self._failures.pop(batch.target, None)
            if again:
                self._pause(batch.target, retry_after)
            return
        if 400 <= status < 500 and status not in (408, 429):
            self._spool.finish(batch, {event.id: str(status) for event in batch.events}, ())
        else:
            self._spool.release(batch)
        self._pause(batch.target, retry_after)

    def _pause(self, target: str, retry_after: str | None) -> None:
        failures = self._failures[target] = self._failures.get(target, 0) + 1
        pause = min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE)
        if failures >= FAILURES_BEFORE_REST:
            pause = REST
        pause *= self._chance.uniform(0.8, 1.2)
        if retry_after is not None:
            pause = max(pause, _clamp(retry_after))
        self._not_before[target] = self._monotonic() + min(pause, REST * 1.2)

    def _within_rate(self) -> bool:
        now = self._monotonic()
        self._recent = [moment for moment in self._recent if now - moment < 60]
        return len(self._recent) < UPLOADS_A_MINUTE


def _clamp(retry_after: str) -> float:
    """Return the seconds that the header asks for, between 1 and 3600; a date counts as 60."""
    try:
        seconds = float(retry_after)
    except ValueError:
        return 60.0
    return 60.0 if math.isnan(seconds) else min(max(seconds, 1.0), REST)


def _verdicts(body: bytes) -> dict[str, str]:
    """Return event id -> `retry` or the reason of a refusal; what is not named was taken."""
    try:
        verdicts = json.loads(body)["verdicts"]
        return {str(id_): str(why) for id_, why in verdicts.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
