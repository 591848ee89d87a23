"""The recorder: one call an event, which returns at once whatever happens to the event.

In: an event's name and raw values. Out: records for the spool, written by a thread of its own. The
call encodes by the registry, so that nothing else can pass, and puts the result into a bounded
queue. It never blocks, never raises, and never touches a file or a socket. What takes a look at the
subscriptions is the thread's: these may have to be read from the disk first.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Protocol

from linewise_telemetry.client.records import HOUR, Record
from linewise_telemetry.consent import Decision, Level
from linewise_telemetry.errors import FieldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from linewise_telemetry.client.spool import Spool
    from linewise_telemetry.events import Event, Registry, Wire

LONGEST_QUEUE = 4_000
MOST_AT_ONCE = 500

_log = logging.getLogger(__name__)


class Routes(Protocol):
    """Who gets an event, as the subscriptions of this moment say."""

    def targets(self, event: Event, catalogue: str | None) -> Iterable[str]:
        """Return the targets (collector and project) that get `event`."""
        ...

    def lists(self, catalogue: str, symbol: str) -> bool:
        """Return whether the user subscribes to `catalogue` and it is public and lists `symbol`."""
        ...


class Recorder:
    """Takes events; `start` begins to write them, `stop` writes the rest."""

    def __init__(
        self,
        registry: Registry,
        spool: Spool,
        routes: Routes,
        *,
        decision: Callable[[], Decision],
        key: Callable[[str, int], str | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._spool = spool
        self._routes = routes
        self._decision = decision
        self._key = key
        self._clock = clock
        self._queue: queue.SimpleQueue[
            tuple[Event, dict[str, Wire], int, Decision] | threading.Event | None
        ]
        self._queue = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._warned = False

    def start(self) -> None:
        """Begin to write; what was recorded before waits in memory."""
        self._thread = threading.Thread(target=self._run, name="telemetry-recorder", daemon=True)
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Write what is in memory and end, within `timeout` seconds."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout)

    def record(self, name: str, **values: object) -> None:
        """Record one event; what the registry does not allow is counted and dropped."""
        decision = self._decision()
        if decision.level == Level.OFF:
            return
        try:
            event = self._registry.events[name]
            attributes = event.encode(values)
        except (KeyError, FieldError) as error:
            self._lose("invalid", error)
            return
        if self._queue.qsize() >= LONGEST_QUEUE:
            self._lose("memory", None)
            return
        self._queue.put((event, attributes, int(self._clock()) // HOUR, decision))

    def flush(self, timeout: float) -> bool:
        """Wait until everything recorded so far is in the spool; return whether it is."""
        written = threading.Event()
        self._queue.put(written)
        return written.wait(timeout)

    def _lose(self, reason: str, error: Exception | None) -> None:
        self._spool.drop(reason)
        if not self._warned:
            self._warned = True
            _log.debug("a telemetry event was dropped (%s): %s", reason, error)

    def _run(self) -> None:
        while True:
            batch, waiters, ended = self._take()
            if batch:
                try:
                    self._spool.add([record for item in batch if (record := self._record(*item))])
                except Exception:  # the edge of this thread: telemetry must not end the server
                    _log.debug("telemetry could not be written", exc_info=True)
            for waiter in waiters:
                waiter.set()
            if ended:
                return

    def _take(
        self,
    ) -> tuple[list[tuple[Event, dict[str, Wire], int, Decision]], list[threading.Event], bool]:
        batch: list[tuple[Event, dict[str, Wire], int, Decision]] = []
        waiters: list[threading.Event] = []
        item = self._queue.get()
        while True:
            if item is None:
                return batch, waiters, True
            if isinstance(item, threading.Event):
                waiters.append(item)
            else:
                batch.append(item)
            if len(batch) >= MOST_AT_ONCE:
                return batch, waiters, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, waiters, False

    def _record(
        self, event: Event, attributes: dict[str, Wire], hour: int, decided: Decision
    ) -> Record | None:
        # Both moments must allow it: consent may have been given or withdrawn while it was queued.
        now = self._decision()
        level = min(decided.level, now.level)
        if level == Level.OFF:
            return None
        if not (decided.allows(level, event.notice) and now.allows(level, event.notice)):
            level = Level.LOCAL
        if decided.since != now.since:
            level = Level.LOCAL
        catalogue = attributes.get("catalogue")
        named = None if catalogue is None else str(catalogue)
        if named is not None and not self._routes.lists(named, str(attributes["symbol"])):
            why = "no public catalogue that is subscribed to lists it"
            self._lose("invalid", FieldError(event.name, "symbol", why))
            return None
        targets: list[tuple[str, str]] = []
        if level >= Level.COUNTS:
            for target in self._routes.targets(event, named):
                key = self._key(target, hour)
                if key is not None:
                    targets.append((target, key))
        kept = self._registry.counter_fields[event.name]
        return Record(
            name=event.name,
            attributes=attributes,
            counted={name: attributes[name] for name in kept},
            n=self._registry.count_of(event.name, attributes),
            hour=hour,
            level=level,
            targets=tuple(targets),
        )
