"""The engine process seen from a server: started on demand, asked over its socket, lost and found.

In: requests from asyncio. Out: tokens. The first request starts the process; one that dies costs
the requests that were under way, each of which gets EngineLost, and the next starts it again. One
that leaves because it was idle costs none: what it was asked in that moment, it never began, and
the next process is asked instead.
Nothing here ever blocks the event loop: a thread connects, another reads.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import IO

from filelock import FileLock

from linewise_models.engine.contract import Event, Finish, Report, Request
from linewise_models.errors import AdapterError, EngineError, EngineLost, LoadError
from linewise_models.host import wire
from linewise_models.host.address import Address, Served, locate, read_key

START_SECONDS = 30.0
"""How long a new process may take until it listens; the model is loaded after that."""

ALREADY_SERVED = 3
"""Exit code of a process that finds another at its place; that one answers."""

Loading = Callable[[float], None]


class HostClient:
    """Implements `EngineClient` on the engine process for one model."""

    def __init__(self, served: Served, run: Path, on_loading: Loading = lambda share: None) -> None:
        """Start nothing yet; `on_loading` hears 0.0 to 1.0 while a model loads."""
        self._served = served
        self._run = run
        self._on_loading = on_loading
        self._link: _Link | None = None
        self._links = 0
        self._connecting = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """Whether an engine process is at the other end just now."""
        return self._link is not None and self._link.alive

    @property
    def life(self) -> int:
        """A number for the engine that is asked next; see `EngineClient.life`."""
        return self._links if self.connected else self._links + 1

    async def report(self) -> Report:
        """Return what the engine is; see `EngineClient.report`."""
        return wire.report_from((await self._ask({"do": "report"}))["report"])

    async def tokenise(self, text: str) -> list[int]:
        """Return the token ids of `text`."""
        return list((await self._ask({"do": "tokenise", "text": text}))["tokens"])

    async def generate(
        self, request: Request, stopped: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[Event, None]:
        """Yield tokens and, last, a `Finish`; see `EngineClient.generate`."""
        begun = again = False
        while True:
            link = await self._connect()
            identity, inbox = link.open()
            finished = told = False
            try:
                link.send({"do": "generate", "id": identity, "request": request})
                while not finished:
                    event = wire.event_from(_checked(await inbox.get()))
                    finished = isinstance(event, Finish)
                    if event is not None:
                        begun = True
                        yield event
                    if stopped() and not told:
                        told = True
                        link.send({"do": "cancel", "id": identity})
                return
            except _EngineLeft:
                if begun or again:
                    raise
                again = True
            finally:
                link.forget(identity)
                if not finished and not told:
                    link.send({"do": "cancel", "id": identity})

    async def close(self) -> None:
        """Let go of the engine; it lives on for other windows until it is idle."""
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _ask(self, message: wire.Message) -> wire.Message:
        try:
            return await self._ask_once(message)
        except _EngineLeft:
            return await self._ask_once(message)

    async def _ask_once(self, message: wire.Message) -> wire.Message:
        link = await self._connect()
        identity, inbox = link.open()
        try:
            link.send(message | {"id": identity})
            return _checked(await inbox.get())
        finally:
            link.forget(identity)

    async def _connect(self) -> _Link:
        async with self._connecting:
            if self._link is None or not self._link.alive:
                loop = asyncio.get_running_loop()
                connection = await asyncio.to_thread(connect, self._served, self._run)
                self._link = _Link(connection, loop, self._on_loading, self._log)
                self._links += 1
            return self._link

    @property
    def _log(self) -> Path:
        return locate(self._served, self._run).log


def connect(served: Served, run: Path) -> Connection:
    """Return a connection to the engine for `served`, started if it does not run. Blocks.

    Raises LoadError when the process ends before it listens.
    """
    address, key = locate(served, run), read_key(run)
    connection = _try(address, key)
    if connection is not None:
        return connection
    with FileLock(address.lock):
        # Another window may have started it while this one waited for the lock.
        connection = _try(address, key)
        return connection or _start(served, run, address, key)


def _start(served: Served, run: Path, address: Address, key: bytes) -> Connection:
    facts = dataclasses.asdict(served) | {"model": str(served.model)}
    # -P and a directory of our own: nothing in the user's workspace can take a module's place.
    command = [sys.executable, "-P", "-m", "linewise_models.host", json.dumps(facts), str(run)]
    with address.log.open("wb") as output:
        process = _spawn(command, run, output)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            connection = _try(address, key)
            if connection is not None:
                return connection
            code = process.poll()
            if code == ALREADY_SERVED:
                # One that was started by hand has the door, or is just leaving.
                process = _spawn(command, run, output)
            elif code is not None:
                break
            time.sleep(0.02)
        else:
            process.kill()
    tail = address.log.read_text("utf-8", "replace").strip().splitlines()[-1:]
    raise LoadError(
        f"The engine did not start: {tail[0] if tail else 'it said nothing'}. "
        f"Its log is {address.log}; `linewise doctor` checks the installation."
    )


def _spawn(command: list[str], run: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command,
        cwd=run,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    threading.Thread(target=process.wait, daemon=True, name="engine-reaper").start()
    return process


def _try(address: Address, key: bytes) -> Connection | None:
    try:
        connection = Client(address.name, authkey=key)
        # Its welcome; an engine that leaves hangs up instead, or says so with it.
        said = wire.decode(connection.recv_bytes())
    except (OSError, EOFError):
        return None
    except AuthenticationError as error:
        raise LoadError(
            f"The engine at {address.name} has another key than the one in {address.log.parent}. "
            "End that process, and the next request starts one anew."
        ) from error
    return None if any("leaving" in message for message in said) else connection


def _checked(message: wire.Message) -> wire.Message:
    if "error" not in message:
        return message
    kinds = {
        "load": LoadError,
        "engine": EngineError,
        "adapter": AdapterError,
        "lost": EngineLost,
        "left": _EngineLeft,
    }
    raise kinds[message["kind"]](message["error"])


class _EngineLeft(EngineLost):
    """The engine left before it began what it was asked."""


class _Link:
    """One connection, and who waits for what on it."""

    def __init__(
        self,
        connection: Connection,
        loop: asyncio.AbstractEventLoop,
        on_loading: Loading,
        log: Path,
    ) -> None:
        self.alive = True
        self._connection = connection
        self._loop = loop
        self._on_loading = on_loading
        self._log = log
        self._numbers = itertools.count(1)
        self._inboxes: dict[int, asyncio.Queue[wire.Message]] = {}
        self._closing = False
        threading.Thread(target=self._read, daemon=True, name="engine-reader").start()

    def open(self) -> tuple[int, asyncio.Queue[wire.Message]]:
        identity = next(self._numbers)
        inbox = self._inboxes[identity] = asyncio.Queue()
        return identity, inbox

    def forget(self, identity: int) -> None:
        self._inboxes.pop(identity, None)

    def send(self, message: wire.Message) -> None:
        try:
            self._connection.send_bytes(wire.encode(message))
        except OSError:
            # The reader sees the same end of the connection, after what was said before it, and
            # answers everybody who waits.
            self.alive = False

    def close(self) -> None:
        self._closing = True
        self._lose()
        self._connection.close()

    def _read(self) -> None:
        try:
            while True:
                messages = wire.decode(self._connection.recv_bytes())
                self._loop.call_soon_threadsafe(self._deliver, messages)
        except (EOFError, OSError, ValueError, TypeError):
            # TypeError: the connection was closed by this side while recv_bytes held its handle.
            if not self._closing and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._lose)

    def _deliver(self, messages: list[wire.Message]) -> None:
        for message in messages:
            if "loading" in message:
                self._on_loading(message["loading"])
            elif "leaving" in message:
                self._end("The engine left, and left again when it was started anew.", "left")
            elif (inbox := self._inboxes.get(message["id"])) is not None:
                inbox.put_nowait(message)

    def _lose(self) -> None:
        reason = (
            "The engine stopped while it worked: it was killed, or it ran out of memory. "
            "The next request starts it again; where it keeps stopping, choose a smaller model: "
            f"linewise models list. Its log is {self._log}."
        )
        self._end(reason, "lost")

    def _end(self, reason: str, kind: str) -> None:
        self.alive = False
        for inbox in self._inboxes.values():
            inbox.put_nowait({"error": reason, "kind": kind})
