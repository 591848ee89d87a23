"""The engine process: loads one model and answers every window until it is idle for long.

In: connections on a local socket or named pipe, let in by a shared key. Out: tokens. One thread
owns the model and computes; each connection has a reader, so that a cancellation is heard at once,
and a writer, so that a window that does not listen delays nobody. Before the process leaves of its
own accord it takes nothing more in, closes the door and says so to every window, in this order, so
that what was asked in that moment can be asked of the next process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, Listener
from pathlib import Path

from filelock import FileLock, Timeout

from linewise_models.engine.contract import Engine, Finish, FinishReason, Report, Request
from linewise_models.errors import AdapterError, AlreadyServed, ModelError
from linewise_models.host import wire
from linewise_models.host.address import Address, Served, locate, read_key
from linewise_models.host.presence import announced, process_at
from linewise_models.host.schedule import Job, Question, Schedule

log = logging.getLogger(__name__)

TOGETHER_SECONDS = 0.03
"""How long a token may wait for the next ones; too short for an eye."""

Progress = Callable[[float], None]
Loaded = Callable[[Report], None]


def load(served: Served, progress: Progress) -> Engine:
    """Return the engine for a model file. Raises LoadError."""
    from linewise_models.engine.scripted import SUFFIX, ScriptedEngine

    if served.model.name.endswith(SUFFIX):
        return ScriptedEngine(served.model)
    from linewise_models.engine.llama import LlamaEngine
    from linewise_models.engine.native import LoadOptions

    options = LoadOptions(served.model, served.context, served.sequences, served.threads)
    return LlamaEngine(options, served.fim, progress)


def serve(
    served: Served,
    run: Path,
    loaded: Loaded = lambda report: None,
    opened: Callable[[], None] = lambda: None,
) -> None:
    """Serve until no request came for `served.idle_minutes`; the caller's thread computes.

    `opened` is called when windows can come in, before the model is loaded; `loaded` hears what the
    engine is once it is there, with the speeds measured while it loaded. Raises AlreadyServed where
    another process does, and LoadError where the model cannot be served, once all who waited for it
    have heard so.
    """
    address = locate(served, run)
    with Door(address, read_key(run)) as door, announced(served.model, address):
        opened()
        host = Host(served, loaded)
        threading.Thread(target=host.accept, args=(door,), daemon=True).start()
        try:
            host.work()
        finally:
            host.leave(door)


class Door:
    """The one place where windows find an engine; it is ours alone for as long as it is open."""

    def __init__(self, address: Address, key: bytes) -> None:
        """Open it. Raises AlreadyServed where another process has it open."""
        # The system lets go of a lock whose process was killed.
        self._lock = FileLock(address.door, thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            number = process_at(address)
            raise AlreadyServed(
                "An engine for this model with these settings runs already"
                f"{f' (process {number})' if number else ''}; every window shares it. "
                "To start it anew, end that process first."
            ) from None
        try:
            if not address.name.startswith("\\\\"):
                # Of one that was killed.
                Path(address.name).unlink(missing_ok=True)
            self._listener = Listener(address.name, authkey=key)
        except BaseException:
            self._lock.release()
            raise

    def accept(self) -> Connection:
        """Wait for a window."""
        return self._listener.accept()

    def close(self) -> None:
        """Let nobody in any more; another may open it from now on."""
        if self._lock.is_locked:
            # Whoever tidied up the directory may have taken the socket away.
            with contextlib.suppress(FileNotFoundError):
                self._listener.close()
            self._lock.release()

    def __enter__(self) -> Door:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Host:
    """The windows, the schedule and the engine of this process."""

    def __init__(self, served: Served, loaded: Loaded) -> None:
        self._served = served
        self._loaded = loaded
        self._schedule = Schedule(self._drop)
        self._windows: dict[int, _Window] = {}
        self._numbers = itertools.count(1)
        self._door = threading.Lock()
        self._leaving = False
        self._asked = self._ready = time.monotonic()
        self._announced = 0.0

    def accept(self, door: Door) -> None:
        """Let windows in until this process leaves; one that has not the key is turned away."""
        while True:
            try:
                connection = door.accept()
            except OSError:
                if self._leaving:
                    return
                log.warning("a connection was refused or broke off while it was let in")
                continue
            except Exception:
                # multiprocessing raises AuthenticationError, EOFError and others here; whatever a
                # stranger sends must not close the door to the windows that have the key.
                log.exception("a connection was refused")
                continue
            self._let_in(connection)

    def work(self) -> None:
        """Load the model, then compute what the schedule gives until idle; then take nothing in."""
        try:
            engine = load(self._served, self._announce)
        except ModelError as error:
            self._refuse(str(error))
            raise
        self._loaded(engine.report())
        self._asked = self._ready = time.monotonic()
        idle = self._served.idle_minutes * 60
        while True:
            job = self._schedule.next(timeout=max(0.0, self._asked + idle - time.monotonic()))
            if job is not None:
                self._compute(engine, job)
            elif time.monotonic() - self._asked >= idle and self._schedule.retire():
                log.info("idle for %g minutes", self._served.idle_minutes)
                return

    def leave(self, door: Door) -> None:
        """Close the door, and tell every window that what is not answered yet never will be."""
        with self._door:
            self._leaving = True
            windows = list(self._windows.values())
        # First the door, or a window that was told would come back to this very process.
        door.close()
        for window in windows:
            window.send({"leaving": True})
        for window in windows:
            window.flush()

    def _let_in(self, connection: Connection) -> None:
        with self._door:
            if self._leaving:
                # Without a welcome the window knows that it was not heard.
                connection.close()
                return
            number = next(self._numbers)
            window = self._windows[number] = _Window(connection)
            window.send({"welcome": True})
        threading.Thread(target=self._read, args=(number,), daemon=True).start()

    def _announce(self, share: float) -> None:
        """Tell how far loading has come, in steps that a person can see."""
        step = round(share, 1)
        if step == self._announced:
            return
        self._announced = step
        for window in list(self._windows.values()):
            window.send({"loading": step})

    def _refuse(self, reason: str) -> None:
        """Answer all that is asked with `reason`, until those who waited have heard it."""
        patience = 2.0
        while True:
            job = self._schedule.next(timeout=patience)
            if job is not None:
                self._send(job, {"error": reason, "kind": "load"})
            elif self._schedule.retire():
                return

    def _compute(self, engine: Engine, job: Job) -> None:
        self._asked = time.monotonic()
        queued = (self._asked - job.arrived) * 1000
        try:
            if not isinstance(job.task, Request):
                self._send(job, job.task(engine))
                return
            # Nobody is late because the model was not there yet.
            waited = self._asked - max(job.arrived, self._ready)
            first = True
            for event in engine.generate(_less(job.task, waited), lambda: job.cancelled):
                if isinstance(event, Finish):
                    self._send(job, {"finish": _settle(event, job, queued)})
                else:
                    self._send(job, {"token": event}, at_once=first or "\n" in event.text)
                    first = False
        except ModelError as error:
            kind = "adapter" if isinstance(error, AdapterError) else "engine"
            self._send(job, {"error": str(error), "kind": kind})
        except Exception as error:
            # The edge of the process: one bad request must not end it for the other windows.
            log.exception("request failed")
            self._send(job, {"error": f"The engine failed: {error!r}", "kind": "engine"})
        self._asked = time.monotonic()

    def _drop(self, job: Job) -> None:
        reason: FinishReason = "superseded" if job.superseded else "cancelled"
        self._send(job, {"finish": Finish(reason, 0, 0, 0, 0, "", 0.0, 0.0)})

    def _send(self, job: Job, message: wire.Message, *, at_once: bool = True) -> None:
        window = self._windows.get(job.window)
        if window is not None:
            window.send({"id": job.id} | message, at_once=at_once)

    def _read(self, number: int) -> None:
        window = self._windows[number]
        try:
            while True:
                for message in wire.decode(window.receive()):
                    self._take(number, message)
        except (EOFError, OSError):
            log.info("window %d left", number)
        except (ValueError, TypeError, KeyError):
            log.exception("window %d sent what is not a message", number)
        finally:
            self._schedule.cancel(number)
            self._windows.pop(number).close()

    def _take(self, number: int, message: wire.Message) -> None:
        identity = int(message["id"])
        if message["do"] == "cancel":
            self._schedule.cancel(number, identity)
            return
        task: Request | Question
        match message["do"]:
            case "generate":
                task = wire.request_from(message["request"])
            case "report":
                task = _report
            case "tokenise":
                text = str(message["text"])
                task = lambda engine: {"tokens": engine.tokenise(text)}  # noqa: E731
            case other:
                raise ValueError(f"{other!r} is nothing that an engine does")
        self._schedule.add(Job(number, identity, task, time.monotonic()))


class _Window:
    """A connection with a writer of its own; what it does not read in time closes it.

    A frame for each token would take the processor from those who compute the next one, here and
    in the window: tokens that come fast go together, and at once where one is the first of its
    answer or ends a line.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outbox: queue.Queue[wire.Message | None] = queue.Queue(maxsize=4096)
        self._hurry = threading.Event()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def receive(self) -> bytes:
        return self._connection.recv_bytes()

    def send(self, message: wire.Message, *, at_once: bool = True) -> None:
        try:
            self._outbox.put_nowait(message)
        except queue.Full:
            log.warning("a window does not read; closing it")
            self._connection.close()
        if at_once:
            self._hurry.set()

    def flush(self) -> None:
        self._end()
        self._writer.join(timeout=2.0)

    def close(self) -> None:
        self._end()
        self._connection.close()

    def _end(self) -> None:
        with contextlib.suppress(queue.Full):
            self._outbox.put_nowait(None)
        self._hurry.set()

    def _write(self) -> None:
        sent = 0.0
        with contextlib.suppress(OSError):
            while (first := self._outbox.get()) is not None:
                self._hurry.wait(max(0.0, sent + TOGETHER_SECONDS - time.monotonic()))
                self._hurry.clear()
                messages = [first]
                with contextlib.suppress(queue.Empty):
                    while (message := self._outbox.get_nowait()) is not None:
                        messages.append(message)
                    self._outbox.put_nowait(None)
                self._connection.send_bytes(wire.encode(*messages))
                sent = time.monotonic()


def _report(engine: Engine) -> wire.Message:
    return {"report": engine.report()}


def _less(request: Request, waited: float) -> Request:
    """Return a request with so many seconds less until its deadline."""
    if request.deadline_ms is None:
        return request
    return dataclasses.replace(request, deadline_ms=request.deadline_ms - waited * 1000)


def _settle(finish: Finish, job: Job, queued: float) -> wire.Message:
    values = dataclasses.asdict(finish) | {"queued_ms": queued}
    if finish.reason == "cancelled" and job.superseded:
        values["reason"] = "superseded"
    return values
