"""llama.vscode's client side over llama-server's `/infill`, as its source has it.

In: keys. Out: suggestions. Rewritten from a reading of ggml-org/llama.vscode (src/completion.ts,
src/extra-context.ts, src/llama-server.ts, 2026): its window, its request fields, one request at a
time awaited by polling, its cache with walk-back, what it speculates, what it discards, its ring.
A request that was sent runs to its end, as there; a suggestion for a key that is past is not shown.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.bench.keyboard import Key, Page
from tests.bench.llama_server import LlamaServer
from tests.bench.side import Record, Show, Speed

PREFIX_LINES, SUFFIX_LINES, LONGEST_LINE_SUFFIX = 256, 64, 8
PREDICTED, PROMPT_MS, PREDICT_MS = 128, 500, 500
CACHE_KEYS = 250
POLL_SECONDS = 0.15
RING_CHUNKS, RING_CHUNK_LINES, RING_SCOPE, RING_QUEUE = 16, 64, 1024, 16
RING_SECONDS, RING_REST_SECONDS, RING_JUMP_LINES = 1.0, 3.0, 32

_FIELDS = {
    "n_predict": PREDICTED,
    "top_k": 40,
    "top_p": 0.99,
    "stream": False,
    "samplers": ["top_k", "top_p", "infill"],
    "cache_prompt": True,
    "t_max_prompt_ms": PROMPT_MS,
    "t_max_predict_ms": PREDICT_MS,
    "id_slot": 0,
}
_WARM = {
    "n_predict": 0,
    "samplers": [],
    "cache_prompt": True,
    "t_max_prompt_ms": PROMPT_MS,
    "t_max_predict_ms": 1,
    "id_slot": 0,
}


@dataclass(slots=True)
class _Place:
    """The document and cursor of one request; `token` is its record, which may be cancelled."""

    lines: tuple[str, ...]
    line: int
    column: int
    token: Record

    @property
    def line_prefix(self) -> str:
        return self.lines[self.line][: self.column]

    @property
    def line_suffix(self) -> str:
        return self.lines[self.line][self.column :]


class _Cache:
    """The results by prefix, suffix and prompt, the least used going first."""

    def __init__(self) -> None:
        self._results: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def get(self, prefix: str, suffix: str, prompt: str) -> str | None:
        key = prefix, suffix, prompt
        if key in self._results:
            self._results.move_to_end(key)
        return self._results.get(key)

    def put(self, prefix: str, suffix: str, prompt: str, text: str) -> None:
        self._results[prefix, suffix, prompt] = text
        self._results.move_to_end((prefix, suffix, prompt))
        if len(self._results) > CACHE_KEYS:
            self._results.popitem(last=False)

    def walk_back(self, prefix: str, suffix: str, prompt: str) -> str | None:
        """Return what is left of a result for this prompt or for a shorter one that led here."""
        for cut in range(len(prompt), -1, -1):
            found = self.get(prefix, suffix, prompt[:cut])
            if found is not None and found.startswith(prompt[cut:]):
                return found[len(prompt) - cut :]
        return None


@dataclass(slots=True)
class _Ring:
    """Chunks of text from elsewhere, and those that wait to become such."""

    random: random.Random
    chunks: list[dict[str, Any]] = field(default_factory=list)
    queued: list[dict[str, Any]] = field(default_factory=list)
    last_pick: int = -9999

    def pick(self, lines: list[str], name: str) -> None:
        if len(lines) < 3:
            return
        if len(lines) + 1 >= RING_CHUNK_LINES:
            half = RING_CHUNK_LINES // 2
            start = int(self.random.random() * (max(0, len(lines) - half) + 1))
            lines = lines[start : start + half]
        self.queued = self.queued[-(RING_QUEUE - 1) :]
        text = "\n".join(lines) + "\n"
        self.queued.append({"text": text, "time": int(time.time() * 1000), "filename": name})

    def pick_around(self, place: _Place, name: str) -> None:
        """Take chunks beyond the window when the cursor has moved far."""
        if abs(place.line - self.last_pick) <= RING_JUMP_LINES:
            return
        top = max(0, place.line - PREFIX_LINES)
        self.pick(list(place.lines[max(0, place.line - RING_SCOPE) : top + 1]), name)
        last = len(place.lines) - 1
        low = min(last, place.line + SUFFIX_LINES)
        self.pick(list(place.lines[low : min(last, low + RING_CHUNK_LINES) + 1]), name)
        self.last_pick = place.line

    def move(self) -> None:
        """Move one chunk from the queue into the ring."""
        self.chunks.append(self.queued.pop(0))
        self.chunks = self.chunks[-RING_CHUNKS:]


class LlamaVscodeSide:
    """One editor window with llama.vscode on a llama-server of its own."""

    name = "llama.vscode"

    def __init__(self, server: LlamaServer, seed: int) -> None:
        self._server = server
        self._http = httpx.AsyncClient(base_url=server.url, timeout=120)
        self._cache = _Cache()
        self._ring = _Ring(random.Random(seed))
        self._busy = False
        self._last_started = 0.0
        self._name = ""
        self._current: Record | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._turning: asyncio.Task[None] | None = None
        self.engine_requests = 0

    @property
    def root(self) -> int:
        """llama-server."""
        return self._server.pid

    async def speed(self, text: str) -> Speed:
        """Measure the engine on a prompt it has not seen."""
        fields = {"prompt": text, "n_predict": 64, "ignore_eos": True, "cache_prompt": False}
        answer = await self._http.post("/completion", json=fields | {"temperature": 0.0})
        timings = answer.json()["timings"]
        return Speed(timings["prompt_per_second"], timings["predicted_per_second"])

    async def open(self, page: Page, name: str) -> None:
        """Open a document; a chunk around its cursor is put in the queue for the ring."""
        self._name = name
        self.engine_requests = 0
        half = RING_CHUNK_LINES // 2
        self._ring.pick(page.lines[max(0, page.line - half) : page.line + half + 1], name)
        self._current = Record("open")
        self._turning = asyncio.create_task(self._turn())

    def key(self, page: Page, key: Key, record: Record, show: Show) -> None:
        """Cancel the token of the key before, and ask."""
        if self._current is not None and not self._current.origin:
            self._current.cancelled = True
        self._current = record
        place = _Place(tuple(page.lines), page.line, page.column, record)
        self._do(self._provide(place, show))

    async def close(self) -> None:
        """Wait until every request has ended."""
        if self._turning is not None:
            self._turning.cancel()
            await asyncio.gather(self._turning, return_exceptions=True)
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Let go of the server; whoever started it ends it."""
        await self._http.aclose()

    async def _provide(self, place: _Place, show: Show) -> None:
        while self._busy:
            await asyncio.sleep(POLL_SECONDS)
            if place.token.cancelled:
                return
        self._busy = True
        try:
            text = await self._suggest(place)
        finally:
            self._busy = False
        if not place.token.cancelled:
            show(place.token, text)

    async def _suggest(self, place: _Place) -> str:
        self._last_started = time.monotonic()
        token = place.token
        if len(place.line_suffix) > LONGEST_LINE_SUFFIX:
            token.origin = "none"
            return ""
        lines = place.lines
        prefix = "\n".join(lines[max(0, place.line - PREFIX_LINES) : place.line]) + "\n"
        following = lines[place.line + 1 : place.line + 1 + SUFFIX_LINES]
        suffix = place.line_suffix + "\n" + "\n".join(following) + "\n"
        blank = not place.line_prefix.strip(" \t")
        prompt = "" if blank else place.line_prefix
        cached = self._cache.walk_back(prefix, suffix, prompt)
        if cached is None and token.cancelled:
            return ""
        indent = len(lines[place.line]) - len(lines[place.line].lstrip())
        text = cached
        if text is None:
            text = await self._infill(token, prefix, suffix, prompt, indent)
        token.origin = "model" if cached is None else "cache"
        if not text.strip():
            return ""
        suggested = _trimmed(text)
        if _discarded(suggested, place):
            return ""
        text = _updated(suggested, place.line_suffix)
        if cached is None:
            self._cache.put(prefix, suffix, prompt, text)
        self._do(self._afterwards(place, prefix, suffix, prompt, suggested))
        return _without_indent(text, len(place.line_prefix) if blank else 0)

    async def _afterwards(
        self, place: _Place, prefix: str, suffix: str, prompt: str, suggested: list[str]
    ) -> None:
        """Ask for what would follow once the suggestion is accepted, all of it or a line."""
        token = place.token
        if not token.cancelled and not place.line_suffix.strip():
            await self._ahead(token, prefix, suffix, prompt, suggested)
            if len(suggested) > 1:
                first = prefix + prompt + suggested[0] + "\n"
                if self._cache.get(first, suffix, "") is None:
                    self._cache.put(first, suffix, "", "\n".join(suggested[1:]))
        if not token.cancelled:
            self._ring.pick_around(place, self._name)

    async def _ahead(
        self, token: Record, prefix: str, suffix: str, prompt: str, suggested: list[str]
    ) -> None:
        future = prompt + suggested[0]
        if len(suggested) > 1:
            prefix += prompt + "\n".join(suggested[:-1]) + "\n"
            prefix = "\n".join(prefix[:-1].split("\n")[-PREFIX_LINES:]) + "\n"
            future = suggested[-1]
        if self._cache.get(prefix, suffix, future) is not None:
            return
        indent = len(prompt) - len(prompt.lstrip())
        text = await self._infill(token, prefix, suffix, future, indent)
        if text.strip():
            self._cache.put(prefix, suffix, future, "\n".join(_trimmed(text)))

    async def _infill(
        self, token: Record, prefix: str, suffix: str, prompt: str, indent: int
    ) -> str:
        texts = {"input_prefix": prefix, "input_suffix": suffix, "prompt": prompt}
        fields = _FIELDS | texts | {"input_extra": self._ring.chunks}
        return await self._post(token, fields | ({"n_indent": indent} if indent else {}))

    async def _post(self, token: Record, fields: dict[str, Any]) -> str:
        self.engine_requests += 1
        answer = (await self._http.post("/infill", json=fields)).raise_for_status().json()
        token.evaluated += answer["timings"]["prompt_n"]
        return str(answer["content"])

    async def _turn(self) -> None:
        """Once a second after three of rest, move a chunk into the ring and warm the cache."""
        while True:
            await asyncio.sleep(RING_SECONDS)
            if self._ring.queued and time.monotonic() - self._last_started >= RING_REST_SECONDS:
                self._ring.move()
                texts = {"input_prefix": "", "input_suffix": "", "prompt": ""}
                fields = _WARM | texts | {"input_extra": self._ring.chunks}
                assert self._current is not None
                self._do(self._warm(self._current, fields))

    async def _warm(self, token: Record, fields: dict[str, Any]) -> None:
        await self._post(token, fields)

    def _do(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _trimmed(text: str) -> list[str]:
    """Return the lines of a text without the blank ones at its end."""
    lines = re.split(r"\r?\n", text)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _discarded(suggested: list[str], place: _Place) -> bool:
    """Say whether a suggestion repeats what stands there."""
    lines, suffix = place.lines, place.line_suffix
    if not suggested or (len(suggested) == 1 and not suggested[0].strip()):
        return True
    if place.line == len(lines) - 1:
        return False
    first, rest = suggested[0], suggested[1:]
    repeats = rest == list(lines[place.line + 1 : place.line + 1 + len(rest)])
    if rest and (not first.strip() or first.strip() == suffix.strip()) and repeats:
        return True
    if not rest and first == suffix:
        return True
    below = place.line + 1
    while below < len(lines) and not lines[below].strip():
        below += 1
    if below >= len(lines) or place.line_prefix + first != lines[below]:
        return False
    if len(rest) == 1:
        return lines[below + 1 : below + 2] != () and lines[below + 1].startswith(rest[0])
    return not rest or rest == list(lines[below + 1 : below + 1 + len(rest)])


def _updated(suggested: list[str], line_suffix: str) -> str:
    """Return the text to show; before other text only what fits this line."""
    if line_suffix.strip():
        if suggested[0].endswith(line_suffix):
            return suggested[0].removesuffix(line_suffix)
        if len(suggested) > 1:
            return suggested[0]
    return "\n".join(suggested)


def _without_indent(text: str, count: int) -> str:
    """Return a text without so many leading spaces; tabs all go, as in the original."""
    start = 0
    while start < len(text) and ((start < count and text[start] == " ") or text[start] == "\t"):
        start += 1
    return text[start:]
