"""Telemetry and feedback as the server and the command line use them: one object a process.

In: what happened, what the user said, open documents when something is due. Out: nothing that the
gate does not allow. Where nothing is recorded no file is opened, and where nothing may leave there
is no thread that could send. Every method returns at once and none raises, except where the user
asked for something that cannot be done. It is long because it is one list of what both may ask;
the work is done in the modules beside it.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from linewise_telemetry.client import identity
from linewise_telemetry.client.completions import Completions
from linewise_telemetry.client.deletion import Deletions, Request
from linewise_telemetry.client.feedback import Draft, Feedback, Item, Outbox, Recipient, draft
from linewise_telemetry.client.gate import Gate, State
from linewise_telemetry.client.otlp import encode as encode_batch
from linewise_telemetry.client.recipients import Recipients
from linewise_telemetry.client.recorder import Recorder
from linewise_telemetry.client.records import HOUR, Batch, Queued, week_of
from linewise_telemetry.client.sender import Sender
from linewise_telemetry.client.spool import Bounds, Spool
from linewise_telemetry.client.transport import Send, is_acceptable
from linewise_telemetry.client.transport import send as send_by_http
from linewise_telemetry.client.uploader import Uploader
from linewise_telemetry.consent import ConsentFile, Decision, Level
from linewise_telemetry.figures import totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from linewise_telemetry.client.subscriptions import Collector, Subscriptions
    from linewise_telemetry.events import Event, Registry, Wire

EXIT_BUDGET = 1.0
PRODUCT = "Linewise"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Places:
    """What telemetry is given by its process: where it keeps files, and whom it may talk to."""

    home: Path
    policy: Path
    environ: Mapping[str, str]
    product: Collector | None
    subscriptions: Subscriptions


class Telemetry:
    """One process's telemetry; `start` before the first record, `stop` at exit."""

    def __init__(
        self,
        registry: Registry,
        places: Places,
        *,
        editor: bool = True,
        send: Send = send_by_http,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        bounds: Bounds | None = None,
    ) -> None:
        self.registry = registry
        self._places = places
        self._send = send
        self._clock = clock
        self._monotonic = monotonic
        self._bounds = bounds or Bounds()
        self._directory = places.home / "telemetry"
        self._gate = Gate(
            ConsentFile(self._directory / "consent.json"),
            notice=registry.notice,
            environ=places.environ,
            policy=places.policy,
            editor=editor,
            clock=clock,
        )
        self._gate.changed = self._obey
        self._identity = identity.read(self._directory / "identity.json")
        self._outbox = Outbox(places.home / "feedback", send, clock)
        self._deletions = Deletions(self._directory / "deletions.json", send)
        self._recipients = Recipients(self._directory / "recipients")
        self._spool: Spool | None = None
        self._recorder: Recorder | None = None
        self._sender = Sender(
            self._outbox,
            self._deletions,
            allowed=self._may_send,
            record=self.record,
            clock=clock,
            monotonic=monotonic,
        )
        self._lock = threading.RLock()
        self.completions = Completions(self.record, lambda: self._lose("impossible"))

    def start(self) -> None:
        """Begin, as far as the gate allows. Never raises: all else works without telemetry."""
        try:
            if self._gate.decision.level > Level.OFF:
                self._gate.start_using()
        except Exception:  # an edge: a full or read-only disk must not stop the server
            _log.debug("the consent file cannot be written", exc_info=True)
        self._open()

    def stop(self) -> None:
        """Write what was recorded and send what fits into a second."""
        deadline = self._monotonic() + EXIT_BUDGET
        self.completions.close(self._monotonic())
        self._sender.end_reports()
        if self._recorder is not None:
            self._recorder.stop(EXIT_BUDGET / 2)
        self._sender.stop(max(0.0, deadline - self._monotonic()))
        # The sender's thread must not find the file open when the interpreter goes away under it.
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def record(self, name: str, **values: object) -> None:
        """Record one event of the registry with its raw values; never blocks, never raises."""
        if self._recorder is not None:
            self._recorder.record(name, **values)

    def tick(self, read: Callable[[str], str | None]) -> None:
        """Do what is due; `read` returns an open document's text. Call every few seconds."""
        self._gate.refresh()
        self.completions.tick(self._monotonic(), read)

    @property
    def level(self) -> Level:
        """What is in force, as it was last looked up; costs nothing."""
        return self._gate.decision.level

    def state(self) -> State:
        """Return consent as it stands; where there is nobody to send to, nobody is asked."""
        state = self._gate.state()
        return replace(state, may_ask=state.may_ask and bool(self._collectors()))

    def recipients(self) -> list[str]:
        """Return who would get something, in words."""
        return [
            f"the makers of {PRODUCT}" if one == self._places.product else self._maker(one)
            for one in self._collectors()
        ]

    def choose(self, level: Level) -> State:
        """Keep the user's word. Raises ConsentError where it cannot be kept."""
        before = self._gate.decision
        if level >= Level.COUNTS and not (before.chosen >= Level.COUNTS and before.since):
            self._renew()
        self._gate.choose(level)
        if level == Level.OFF:
            self._erase()
        return self.state()

    def switch(self, *, editor: bool) -> State:
        """Take the editor's own telemetry switch as it is now."""
        self._gate.switch(editor=editor)
        return self.state()

    def note_asked(self) -> None:
        """Note that the user was asked for consent. Raises ConsentError where it cannot be kept."""
        self._gate.note_asked()

    def preview(self) -> str:
        """Return what would be sent next, before compression; empty where nothing waits."""
        return self._encoded(self.waiting())

    def example(self) -> str:
        """Return what a weekly report of the last seven days would say, before compression.

        Empty where nothing was counted that anybody would get.
        """
        hour = int(self._clock()) // HOUR
        counted: Counter[tuple[str, str]] = Counter()
        for _, name, attributes, n in self._spool.counts(hour // 24 - 6) if self._spool else ():
            catalogue = attributes.get("catalogue")
            event = self.registry.events.get(name)
            if event and any(self.targets(event, None if catalogue is None else str(catalogue))):
                counted[name, json.dumps(attributes)] += n
        week = week_of(hour)
        return self._encoded(
            Queued(0, "0" * 32, week, name, json.loads(attributes), n)
            for (name, attributes), n in counted.items()
        )

    def flush(self, timeout: float) -> bool:
        """Wait until what was recorded is in the spool; return whether it is."""
        return self._recorder is None or self._recorder.flush(timeout)

    def send_now(self) -> None:
        """Send what waits without waiting for more of it; events only as far as consent allows.

        Takes as long as the requests do, so call it off the event loop.
        """
        self._sender.send_now()

    def waiting(self) -> list[Queued]:
        """Return the next events to be sent."""
        return self._spool.waiting() if self._spool is not None else []

    def sent(self) -> list[Queued]:
        """Return the events sent last, newest first."""
        return self._spool.sent() if self._spool is not None else []

    def drops(self) -> dict[str, int]:
        """Return what became of recorded events: reason -> number."""
        return self._spool.drops() if self._spool is not None else {}

    def figures(self, days: int) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Return (metric, by, value) -> (numerator, denominator) of this machine's last `days`."""
        if self._spool is None:
            return {}
        since = int(self._clock()) // HOUR // 24 - days
        counts: list[tuple[str, Mapping[str, Wire], int]] = []
        counts += [(name, attributes, n) for _, name, attributes, n in self._spool.counts(since)]
        return totals(self.registry, counts)

    def recipient(self, feedback: Feedback) -> Recipient:
        """Return who gets this feedback: the maker of the API it is about, or the product."""
        catalogue = None
        subject = feedback.subject or ""
        if feedback.about == "catalogue":
            catalogue = subject if subject in self._places.subscriptions.catalogues() else None
        elif feedback.about == "symbol":
            catalogue = self._places.subscriptions.catalogue_of(subject)
        maker = None if catalogue is None else self._places.subscriptions.collector(catalogue)
        if catalogue is not None and maker is not None and is_acceptable(maker.origin):
            name = self._places.subscriptions.maker(catalogue)
            return Recipient(f"{name} ({maker.origin})", maker.origin, maker.project)
        product = self._places.product
        if product is None or not is_acceptable(product.origin):
            return Recipient(f"{PRODUCT} (no address is set; it is kept here)", "", "")
        return Recipient(f"{PRODUCT} ({product.origin})", product.origin, product.project)

    def preview_feedback(self, feedback: Feedback) -> Draft:
        """Return what the user sees first. Raises FeedbackError for what would not be taken."""
        return draft(feedback, self.recipient(feedback), asked=self._may_ask())

    def send_feedback(self, feedback: Feedback) -> Item:
        """Keep feedback and try to send it now; may take 10 s, so call it off the event loop.

        Raises FeedbackError for what would not be taken.
        """
        item = self._outbox.put(feedback, self.recipient(feedback))
        item = next(kept for kept in self._outbox.deliver() if kept.receipt == item.receipt)
        self._open(rested=False)
        return item

    def my_feedback(self, *, ask: bool) -> list[Item]:
        """Return the user's feedback, newest first; with `ask` as the recipients answer now."""
        return self._outbox.refresh() if ask else self._outbox.items()

    def withdraw_feedback(self, receipt: str) -> Item:
        """Have a feedback deleted, there and here. Raises FeedbackError where that fails."""
        return self._outbox.withdraw(receipt)

    def feedback_news(self) -> list[Item]:
        """Ask the recipients of feedback for answers; return those that nobody told yet.

        At the level off nobody is asked by itself. Takes as long as the requests do.
        """
        return self._outbox.news() if self._may_ask() else []

    def delete_my_data(self) -> list[Request]:
        """Ask every collector to delete what this machine sent, and return what was carried out.

        Those of catalogues that are not subscribed to any more are asked, too. What cannot be asked
        now is asked again at the next start.
        """
        # First, so that nothing is sent any more that was recorded before.
        with self._kept() as spool:
            if spool is not None:
                spool.purge()
        noted = self._recipients.noted()
        parts = [(*target.partition("#"), key) for target, key in noted]
        self._deletions.ask(
            Request(origin, project, key, "", 0) for origin, _, project, key in parts
        )
        return self._deletions.deliver()

    def verify_deletion(self, request: Request) -> bool:
        """Return whether the collector confirms a deletion's receipt."""
        return self._deletions.verify(request)

    def targets(self, event: Event, catalogue: str | None) -> Iterable[str]:
        """Return the targets (collector and project) that get `event`."""
        if event.to in ("product", "both") and self._places.product is not None:
            yield self._places.product.target
        if event.to == "catalogue" and catalogue is not None:
            collector = self._places.subscriptions.collector(catalogue)
            if collector is not None:
                yield collector.target
        if event.to == "both":
            for name in self._places.subscriptions.catalogues():
                collector = self._places.subscriptions.collector(name)
                if collector is not None:
                    yield collector.target

    def lists(self, catalogue: str, symbol: str) -> bool:
        """Return whether the user subscribes to a public catalogue that lists `symbol`."""
        return self._places.subscriptions.lists(catalogue, symbol)

    def _collectors(self) -> list[Collector]:
        subscriptions = self._places.subscriptions
        makers = [subscriptions.collector(name) for name in subscriptions.catalogues()]
        found = [self._places.product, *makers]
        return list(dict.fromkeys(one for one in found if one is not None))

    def _maker(self, collector: Collector) -> str:
        subscriptions = self._places.subscriptions
        named = (c for c in subscriptions.catalogues() if subscriptions.collector(c) == collector)
        return " and ".join(dict.fromkeys(subscriptions.maker(name) for name in named))

    def _encoded(self, events: Iterable[Queued]) -> str:
        batch = Batch("", "", tuple(events))
        return encode_batch(batch, self.registry.schema).decode() if batch.events else ""

    def _knows(self, target: str) -> bool:
        return any(collector.target == target for collector in self._collectors())

    def _key(self, target: str, hour: int) -> str | None:
        return self._identity.key(target, hour) if self._identity else None

    def _renew(self) -> None:
        hour = int(self._clock()) // HOUR
        self._identity = identity.renew(self._directory / "identity.json", hour)

    def _lose(self, reason: str) -> None:
        if self._spool is not None:
            self._spool.drop(reason)

    def _obey(self, before: Decision, after: Decision) -> None:
        """Follow a changed decision; the queue is emptied where less may leave than before."""
        self._identity = identity.read(self._directory / "identity.json")
        if after.since != before.since:
            self.completions.forget()
        fell = after.level < before.level and before.level >= Level.COUNTS
        if self._spool is not None and (fell or after.since != before.since):
            try:
                self._spool.purge()
            except sqlite3.Error:
                _log.debug("the spool cannot be emptied", exc_info=True)
        self._open()

    def _erase(self) -> None:
        if self._spool is not None:
            self._spool.erase()

    @contextmanager
    def _kept(self) -> Iterator[Spool | None]:
        """Give the spool, also one that an earlier session left and this level does not open."""
        path = self._directory / "spool.db"
        if self._spool is not None or not path.exists():
            yield self._spool
            return
        try:
            spool = Spool(path, self._bounds, self._clock)
        except (sqlite3.Error, OSError):
            # What was sent can be taken back all the same: its keys are kept elsewhere.
            _log.debug("the telemetry spool cannot be opened", exc_info=True)
            yield None
            return
        with closing(spool):
            yield spool

    def _open(self, *, rested: bool = True) -> None:
        """Open what the gate allows now: the spool from `local` on, a sender from `counts` on.

        `rested` is False where something was just tried, and the sender should wait first.
        """
        level = self._gate.decision.level
        with self._lock:
            if level >= Level.COUNTS and self._identity is None:
                # Its file was lost or damaged; consent stands, so a new secret takes its place.
                try:
                    self._renew()
                except OSError:
                    _log.debug("the telemetry identity cannot be written", exc_info=True)
            if level >= Level.LOCAL and self._spool is None:
                try:
                    self._spool = Spool(self._directory / "spool.db", self._bounds, self._clock)
                except (sqlite3.Error, OSError):
                    _log.debug("the telemetry spool cannot be opened", exc_info=True)
                    return
                self._recorder = Recorder(
                    self.registry,
                    self._spool,
                    self,
                    decision=lambda: self._gate.decision,
                    key=self._key,
                    clock=self._clock,
                )
                self._recorder.start()
                uploader = Uploader(
                    self._spool,
                    schema=self.registry.schema,
                    allowed=self._may_send,
                    known=self._knows,
                    note=self._recipients.note,
                    send=self._send,
                    monotonic=self._monotonic,
                )
                self._sender.attach(self._spool, uploader)
                if level >= Level.COUNTS:
                    self._sender.report_health()
            if (level >= Level.COUNTS and self._collectors()) or self._sender.owes():
                self._sender.start(rested=rested)

    def _may_ask(self) -> bool:
        return self._gate.refresh().level > Level.OFF

    def _may_send(self) -> bool:
        return self._gate.refresh().level >= Level.COUNTS
