"""An engine that is a server somewhere else.

In: requests from asyncio. Out: tokens, streamed; closing the stream ends the work there. The first
request finds out what answers and measures it once with text of our own. What a server does not say
is not invented: a probability that it withholds is taken for certain (0), all prompt tokens count
as evaluated where it does not tell which it had. A LoRA adapter of this machine cannot be applied.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from linewise_models.engine.contract import (
    Event,
    Finish,
    FinishReason,
    Part,
    Report,
    Request,
    Token,
)
from linewise_models.engine.remote.link import Link, RefusedError, read
from linewise_models.engine.remote.pace import Meter, Pace
from linewise_models.engine.remote.prompt import Answer, Prompt, compose
from linewise_models.engine.remote.server import Server, count, find_out
from linewise_models.engine.remote.stream import DONE, Chunk, events, read_chunk
from linewise_models.errors import EngineError, EngineLost, LoadError, ModelError

BUSY_SECONDS = 3.0
"""How long a request without a deadline waits for a busy server."""
PROBE_LINES, PROBE_TOKENS, PROBE_MS = 12, 8, 10_000.0
"""Functions of the text that measures a server, about 200 tokens; what it may generate and take."""
RESPELT_TOKENS = 16
"""Tokens that what was taken back may take at most when it is spelt again."""
DRAIN_SECONDS = 0.2
"""How long a complete answer may take to end, before its connection is given up instead."""
GONE = 404

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Health:
    """What there is to say of a server, for people."""

    host: str
    error: str | None
    """What is wrong and what to do; None where the server completes code."""
    server: Server | None
    latency_ms: float | None
    """Of a request that computes nothing."""
    report: Report | None
    warning: str | None
    """What it means for the user's code."""


class RemoteClient:
    """Implements `EngineClient` on a server of the OpenAI completions protocol."""

    def __init__(self, link: Link, model: str, fim: str, clock: Clock = time.perf_counter) -> None:
        """Ask nothing yet.

        `model` may be empty where the server has one; `fim` is one of `fim.FORMATS`.
        """
        self._link = link
        self._model = model
        self._fim = fim
        self._clock = clock
        self._server: Server | None = None
        self._pace = Pace()
        self._load_ms = 0.0
        self._lost = 0
        self._meeting = asyncio.Lock()

    @property
    def life(self) -> int:
        """A number for the server that is asked next; see `EngineClient.life`."""
        return self._lost

    async def report(self) -> Report:
        """Return what the server is and how fast it answers, as felt here; see `EngineClient`."""
        server = await self._meet()
        pace = self._pace
        return Report(
            model=server.name,
            architecture=server.family.name if server.family else "unknown",
            backend="remote",
            devices=(f"{server.kind} at {self._link.address.host}",),
            threads=0,
            context=server.context,
            sessions=server.sessions,
            fim=server.fim,
            marks=server.marks,
            chat_template=server.chat_template,
            prompt_speed=pace.prompt_speed,
            generation_speed=pace.generation_speed,
            load_ms=self._load_ms,
            # All four servers keep prefixes; one that does not shows in the prompt speed.
            can_reuse=True,
            model_bytes=0,
            cache_bytes=0,
            evaluated_total=pace.evaluated,
            generated_total=pace.generated,
            requests_total=pace.requests,
        )

    async def tokenise(self, text: str) -> list[int]:
        """Return the token ids of `text`. Raises EngineError where the server cannot say."""
        return await count(self._link, await self._meet(), text)

    async def generate(
        self, request: Request, stopped: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[Event, None]:
        """Yield tokens and, last, a `Finish`; see `EngineClient.generate`."""
        if request.forced:
            # None of them takes a continuation and tells the probabilities of its tokens alone.
            raise EngineError(
                f"{self._link.address.host} cannot say how likely a given text is; only the engine "
                "on this machine can. Unset linewise.remote.url to use it."
            )
        server = await self._meet()
        if request.candidates == 1:
            stream = self._generate(server, request, 0, stopped)
        else:
            stream = self._generate_all(server, request, stopped)
        try:
            async with aclosing(stream):
                async for event in stream:
                    yield event
        except EngineError as error:
            if isinstance(error, EngineLost) or getattr(error, "status", None) == GONE:
                # What answers next time may be another server, or serve another model.
                self._server = None
                self._lost += 1
            raise

    async def close(self) -> None:
        """Close the connections; what is under way there ends."""
        await self._link.close()

    async def health(self) -> Health:
        """Return whether the server completes code, how, and how fast; raises nothing."""
        address = self._link.address
        server = latency = report = error = None
        try:
            server = await self._meet()
            started = self._clock()
            await self._link.get(f"{address.base}/models", 0.0)
            latency = (self._clock() - started) * 1000
            report = await self.report()
        except ModelError as problem:
            error = str(problem)
        return Health(address.host, error, server, latency, report, address.warning)

    async def _meet(self) -> Server:
        async with self._meeting:
            if self._server is None:
                started = self._clock()
                server = await find_out(self._link, self._model, self._fim)
                if not self._pace.requests:
                    await self._probe(server)
                self._server = server
                self._load_ms = (self._clock() - started) * 1000
            return self._server

    async def _probe(self, server: Server) -> None:
        """Complete a text of our own, new each time, for a first idea of both speeds."""
        lines = [f"# {uuid.uuid4()}\n"]
        lines += [f"def add_{n}(value):\n    return value + {n}\n\n" for n in range(PROBE_LINES)]
        text = "".join(lines) + "def add_one_to_all(values):\n    return"
        request = Request(
            session="#probe",
            prompt=(Part("probe", text),),
            max_tokens=PROBE_TOKENS,
            must_speak=True,
            deadline_ms=PROBE_MS,
        )
        plain = dataclasses.replace(server, way="none", family=None)
        try:
            async with aclosing(self._generate(plain, request, 0, lambda: False)) as stream:
                async for _ in stream:
                    pass
        except RefusedError as error:
            raise LoadError(str(error)) from error

    async def _generate_all(
        self, server: Server, request: Request, stopped: Callable[[], bool]
    ) -> AsyncGenerator[Event, None]:
        """Yield the tokens of all candidates as they come, and one `Finish`.

        Each is a request of its own: the first is greedy and the others are not, which no server
        does in one, and llama-server does no more at once than it has slots.
        """
        finishes: dict[int, Finish] = {}
        async with AsyncExitStack() as stack:
            streams = [
                await stack.enter_async_context(
                    aclosing(self._generate(server, request, number, stopped))
                )
                for number in range(request.candidates)
            ]
            coming = {asyncio.ensure_future(anext(s)): n for n, s in enumerate(streams)}
            try:
                while coming:
                    done, _ = await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        number, event = coming.pop(task), task.result()
                        if isinstance(event, Finish):
                            finishes[number] = event
                            continue
                        coming[asyncio.ensure_future(anext(streams[number]))] = number
                        yield event
            finally:
                for task in coming:
                    task.cancel()
                await asyncio.gather(*coming, return_exceptions=True)
        yield dataclasses.replace(
            finishes[0],
            evaluated_tokens=sum(finish.evaluated_tokens for finish in finishes.values()),
            generated_tokens=sum(finish.generated_tokens for finish in finishes.values()),
        )

    async def _generate(
        self, server: Server, request: Request, number: int, stopped: Callable[[], bool]
    ) -> AsyncGenerator[Event, None]:
        """Yield the tokens of one candidate, and a `Finish`."""
        prompt = compose(request, server)
        meter = Meter(self._clock)
        answer = Answer.to(prompt, request)
        reason: FinishReason | None = None
        async with aclosing(self._ask(server, request, prompt, number)) as chunks:
            while True:
                try:
                    async with asyncio.timeout(_left(request, meter)):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    reason = reason or "deadline"
                    break
                if chunk is None:
                    break
                text = answer.add(chunk.text)
                meter.add(chunk, text)
                if text and request.max_tokens:
                    yield Token(text, fmean(chunk.logprobs or (0.0,)), number)
                if chunk.finish and not answer.ended:
                    # What comes now are figures; reading on keeps the connection for the next.
                    reason = "length" if chunk.finish == "length" else "end"
                elif reason is None and (reason := _halt(request, prompt, answer, meter, stopped)):
                    break
        if request.max_tokens and reason in ("end", "length") and (rest := answer.finish()):
            yield Token(rest, 0.0, number)
        self._pace.learn(meter, request.session)
        reason = reason or "end"
        if reason == "end" and not request.max_tokens:
            reason = "length"
        yield meter.finish(reason, prompt.healed)

    async def _ask(
        self, server: Server, request: Request, prompt: Prompt, number: int
    ) -> AsyncGenerator[Chunk, None]:
        """Yield what the server says. Raises EngineError, or EngineLost where it breaks off."""
        address = self._link.address
        url = f"{address.root}/infill" if prompt.infill else f"{address.base}/completions"
        late = request.deadline_ms
        patience = BUSY_SECONDS if late is None else late / 1000
        body = _body(server, request, prompt, number)
        async with self._link.open("POST", url, body, patience) as response:
            kind = response.headers.get("Content-Type", "").partition(";")[0]
            if kind == "application/json":
                # A server that does not stream says all at once.
                yield read_chunk((await read(response)).decode("utf-8", "replace"))
                return
            if kind != "text/event-stream":
                raise EngineError(
                    f"{url} answers with {kind or 'something'} where tokens are due; it is no "
                    "server of the OpenAI completions protocol. Check linewise.remote.url."
                )
            finished = False
            async with aclosing(events(response.aiter_bytes())) as found:
                async for data in found:
                    if data == DONE:
                        await _drain(found)
                        return
                    chunk = read_chunk(data)
                    finished = finished or chunk.finish is not None
                    yield chunk
            if not finished:
                raise EngineLost(f"{address.host} ended its answer before it was complete.")


def _body(server: Server, request: Request, prompt: Prompt, number: int) -> dict[str, Any]:
    """Return the body of a request; beside the standard's fields those that a server knows."""
    greedy = request.temperature == 0 or (number == 0 and request.candidates > 1)
    # What is spelt again is generated, too. To evaluate a prompt alone one token has to be.
    respelt = min(len(prompt.healed), RESPELT_TOKENS)
    tokens = request.max_tokens + respelt if request.max_tokens else 1
    body = prompt.fields | {
        "model": server.model,
        "stream": True,
        "temperature": 0 if greedy else request.temperature,
        "seed": request.seed + number,
        "logprobs": 1,
        "max_tokens": tokens,
        "stream_options": {"include_usage": True},
    }
    if not greedy and request.top_p < 1:
        body["top_p"] = request.top_p
    match server.kind:
        case "llama.cpp":
            body["timings_per_token"] = True
            if prompt.infill:
                body |= {"n_predict": tokens, "n_probs": 1}
        case "vLLM":
            body["stream_options"] = {"include_usage": True, "continuous_usage_stats": True}
            # The publisher's sampling defaults are for chats; marks that end an answer must show.
            body |= {"repetition_penalty": 1.0, "skip_special_tokens": False}
            body["min_tokens"] = int(request.must_speak)
    return body


async def _drain(rest: AsyncIterator[str]) -> None:
    """Read to the end of a response that is complete, so that its connection can serve again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in rest:
                pass


def _halt(
    request: Request,
    prompt: Prompt,
    answer: Answer,
    meter: Meter,
    stopped: Callable[[], bool],
) -> FinishReason | None:
    """Return why to break off, None to read on."""
    if stopped():
        return "cancelled"
    if not request.max_tokens:
        return None
    if answer.ended:
        return "stop" if answer.stopped else "end"
    # Only where more was asked for than is wanted; else the server stops by itself.
    return "length" if prompt.healed and meter.said >= request.max_tokens else None


def _left(request: Request, meter: Meter) -> float | None:
    if request.deadline_ms is None:
        return None
    return max(request.deadline_ms / 1000 - meter.elapsed, 0.0)
