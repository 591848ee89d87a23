"""The sender: one thread that delivers what may leave, when it is due.

In: the outbox and the deletions, which are acts of the user and which every level permits, and the
spool, from which something leaves only while the gate allows it. Out: requests. It starts no thread
where nothing may be sent, and decides nothing about what is sent.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from linewise_telemetry.client.records import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

    from linewise_telemetry.client.deletion import Deletions
    from linewise_telemetry.client.feedback import Outbox
    from linewise_telemetry.client.spool import Spool
    from linewise_telemetry.client.uploader import Uploader

FLUSH_AFTER = 300.0
FLUSH_AT = 100
LOOK_EVERY = 30.0

_log = logging.getLogger(__name__)


class Sender:
    """Delivers; `attach` says from which spool, `start` begins, `stop` ends.

    `allowed` reads every word of consent anew; `record` takes the events about lost events.
    """

    def __init__(
        self,
        outbox: Outbox,
        deletions: Deletions,
        *,
        allowed: Callable[[], bool],
        record: Callable[..., None],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._deletions = deletions
        self._allowed = allowed
        self._record = record
        self._clock = clock
        self._monotonic = monotonic
        self._source: tuple[Spool, Uploader] | None = None
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._uploading = threading.Lock()
        self._reporting = threading.Lock()
        self._reports = True

    def attach(self, spool: Spool, uploader: Uploader) -> None:
        """Send what this spool holds from now on."""
        self._source = (spool, uploader)

    def start(self, *, rested: bool = True) -> None:
        """Begin, unless it runs; not `rested`, it waits before its first try."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._run, args=(rested,), name="telemetry-sender", daemon=True
            )
            self._thread.start()

    def owes(self) -> bool:
        """Return whether something waits that the user asked for."""
        items = self._outbox.items()
        waits = any(item.status == "waiting" and item.recipient.origin for item in items)
        return waits or any(not request.receipt for request in self._deletions.requests())

    def send_now(self) -> None:
        """Send what waits without waiting for more of it."""
        self._outbox.deliver()
        self._deletions.deliver()
        if self._source is not None:
            spool, uploader = self._source
            with self._uploading:
                spool.queue_reports(int(self._clock()) // HOUR)
                while uploader.run_once():
                    pass

    def report_health(self) -> None:
        """Record what became of recorded events, once there is enough to tell."""
        # What is taken from the spool must still be recorded, so not once the recorder may be gone.
        with self._reporting:
            if not self._reports or self._source is None:
                return
            spool, _ = self._source
            if sum(spool.drops().values()) >= FLUSH_AT:
                for reason, n in spool.take_drops().items():
                    self._record("telemetry.health", reason=reason, count=n)

    def end_reports(self) -> None:
        """Record nothing any more; call before the recorder ends."""
        with self._reporting:
            self._reports = False

    def stop(self, timeout: float) -> None:
        """Send what is due and end, within `timeout` seconds.

        A request that still hangs dies with the process; its batch is claimed again next time.
        """
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)
        self._source = None

    def _run(self, rested: bool) -> None:
        """Send until the process ends."""
        last = self._monotonic()
        if not rested:
            self._wake.wait(LOOK_EVERY)
        while True:
            ending = self._stopping.is_set()
            try:
                if not ending:
                    self._outbox.deliver()
                    self._deletions.deliver()
                if self._allowed():
                    last = self._upload(last, ending=ending)
            except Exception:  # the edge of this thread: telemetry must not end the server
                _log.debug("telemetry could not be sent", exc_info=True)
            if ending:
                return
            self._wake.wait(LOOK_EVERY)
            self._wake.clear()

    def _upload(self, last: float, *, ending: bool) -> float:
        source = self._source
        now = self._monotonic()
        if source is None:
            return last
        spool, uploader = source
        spool.queue_reports(int(self._clock()) // HOUR)
        if not ending:
            self.report_health()
        due = ending or now - last >= FLUSH_AFTER or spool.size()[0] >= FLUSH_AT
        if not due:
            return last
        with self._uploading:
            while uploader.run_once() and not ending:
                pass
        return now
