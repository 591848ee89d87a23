"""jedi at arm's length: questions in, answers within a deadline or TimeoutError out.

jedi needs seconds for a package it sees for the first time and milliseconds afterwards. It works in
a process of its own, one question at a time; a question that misses its deadline is still worked
off, so that the next one finds its result cached. Never raises what jedi raises.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linewise_server.apidocs.environment import Environment
from linewise_server.apidocs.python.definition import Definition
from linewise_server.apidocs.source import Source

_HANGS_AFTER = 30.0
_LINE_LIMIT = 2**22
_LOST = object()
"""What a question is answered with whose process ended; asked again, it may well have an answer."""


@dataclass(slots=True)
class _Running:
    process: asyncio.subprocess.Process
    reader: asyncio.Task[None]
    """Ends once the process says nothing any more, which is before its end is known."""


class InferenceProcess:
    """jedi for one workspace; starts with the first question.

    `cache` is where jedi keeps parsed modules, None for its own place.
    """

    def __init__(self, root: Path | None, environment: Environment, cache: Path | None) -> None:
        foreign = [str(folder) for folder in environment.site_packages]
        self._options = {
            "root": str(root) if root else None,
            "site_packages": None if environment.is_own else foreign,
            "cache": str(cache) if cache else None,
        }
        self._running: _Running | None = None
        self._turn = asyncio.Lock()
        self._pending: asyncio.Future[Any] | None = None
        self._asked = 0.0
        self._count = 0

    async def define(self, source: Source, offset: int, deadline: float) -> Definition | None:
        """Return the definition of the name at `offset`.

        Raises TimeoutError after `deadline` seconds, or where the process ended meanwhile.
        """
        line, column = source.line_and_column(offset)
        path = str(source.path) if source.path else None
        question = {"text": source.text, "path": path, "line": line, "column": column}
        answer = await self._ask({"ask": "define", **question}, deadline)
        if answer is None:
            return None
        return Definition(**answer | {"receivers": tuple(answer["receivers"])})

    async def canonical(self, names: list[str], deadline: float) -> list[str | None]:
        """Return where each public dotted name is defined, None where it is not.

        Raises TimeoutError as `define` does.
        """
        answer = await self._ask({"ask": "canonical", "names": names}, deadline)
        return answer if answer is not None else [None] * len(names)

    async def close(self) -> None:
        """End the process."""
        running, self._running = self._running, None
        if running is None:
            return
        if running.process.returncode is None:
            running.process.kill()
        await running.process.wait()
        await running.reader

    async def _ask(self, question: dict[str, Any], deadline: float) -> Any:
        async with asyncio.timeout(deadline), self._turn:
            if self._pending is not None and not self._pending.done():
                if time.monotonic() - self._asked > _HANGS_AFTER:
                    await self.close()
                else:
                    await asyncio.shield(self._pending)
            running = await self._start()
            self._count += 1
            self._asked = time.monotonic()
            self._pending = asyncio.get_running_loop().create_future()
            line = json.dumps({"id": self._count, **question}) + "\n"
            assert running.process.stdin is not None  # noqa: S101 - opened with a pipe
            running.process.stdin.write(line.encode())
            answer = await asyncio.shield(self._pending)
        if answer is _LOST:
            raise TimeoutError
        return answer

    async def _start(self) -> _Running:
        if self._running is not None:
            if not self._running.reader.done():
                return self._running
            await self._running.process.wait()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # else a module in the folder that the editor was started in would be run
            "-m",
            "linewise_server.apidocs.python.worker",
            json.dumps(self._options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LINE_LIMIT,
        )
        reader = asyncio.create_task(self._read(process))
        self._running = _Running(process, reader)
        return self._running

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - opened with a pipe
        try:
            async for line in process.stdout:
                self._finish(json.loads(line)["answer"])
        except ValueError:
            # Longer than any answer, or cut off: what comes after it cannot be told apart.
            process.kill()
        self._finish(_LOST)

    def _finish(self, answer: Any) -> None:
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(answer)
