"""A generation under way, which several requests may wait for.

In: an engine and a request. Out: the text so far, and a signal whenever it grew. A key that the
text agrees with joins it; one that does not ends it. It never decides what is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from linewise_models.engine.contract import EngineClient, Finish, Request, Token
from linewise_models.errors import ModelError
from linewise_server.completion.memory import Saying, typed_since
from linewise_server.completion.plan import Plan
from linewise_server.completion.shape import Shape, Site

Enough = Callable[[str], bool]


class Flight:
    """One generation; `start` runs it in a task of its own."""

    def __init__(
        self, uri: str, before: str, after: str, shape: Shape, plan: Plan, request: Request
    ) -> None:
        self.uri = uri
        self.before = before
        self.after = after
        self.shape: Shape = shape
        self.plan = plan
        self.request = request
        self.text = ""
        self.alternatives: dict[int, str] = {}
        """Texts of the further candidates, by number."""
        self.finish: Finish | None = None
        self.error: ModelError | None = None
        self.whole = False
        """Whether it said all that its shape calls for."""
        self.forgotten = False
        """Whether what it says holds no more."""
        self.ttft_ms = 0.0
        """From its start to its first text."""
        self.held_back = 0.0
        """Seconds that it was not begun because another key was expected."""
        self._started = 0.0
        self._logprobs: list[float] = []
        self._grown = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, client: EngineClient, enough: Enough) -> None:
        """Begin; the generation stops by itself once `enough` holds for its text."""
        self._started = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._run(client, enough))

    @property
    def done(self) -> bool:
        """Whether no more text will come."""
        return self._task is None or self._task.done()

    @property
    def silent_at_deadline(self) -> bool:
        """Whether its time was over before it said anything."""
        late = self.finish is not None and self.finish.reason == "deadline"
        return late and not self.text

    @property
    def confidence(self) -> float:
        """Mean log-probability of the tokens so far."""
        return sum(self._logprobs) / len(self._logprobs) if self._logprobs else 0.0

    @property
    def tokens(self) -> int:
        """How many tokens have come so far."""
        return len(self._logprobs)

    def saying(self, *, ahead: bool = False) -> Saying:
        """Return what it said so far, to be remembered."""
        return Saying(
            self.uri,
            self.before,
            self.after,
            self.shape,
            self.text,
            self.whole,
            self.confidence,
            ahead,
            self.tokens,
        )

    def typed(self, uri: str, site: Site) -> str | None:
        """Return what was typed since it began, None where the typing went another way."""
        if uri != self.uri:
            return None
        typed = typed_since(self.before, self.after, site)
        agrees = typed is not None and (self.text.startswith(typed) or self._may_reach(typed))
        return typed if agrees else None

    def _may_reach(self, typed: str) -> bool:
        return not self.done and typed.startswith(self.text)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready`, which is asked whenever text came, or no more text will come."""
        while not ready() and not self.done:
            self._grown.clear()
            await self._grown.wait()

    def cancel(self) -> None:
        """End it; the engine keeps what it computed."""
        if self._task is not None:
            self._task.cancel()

    async def settled(self) -> None:
        """Wait for the end, however it comes."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self, client: EngineClient, enough: Enough) -> None:
        try:
            async with aclosing(client.generate(self.request, lambda: self.whole)) as events:
                async for event in events:
                    if isinstance(event, Finish):
                        self.finish = event
                        self.whole = self.whole or event.reason in ("stop", "end")
                    elif not self.whole and self._add(event):
                        self.whole = self.request.candidates == 1 and enough(self.text)
                    self._grown.set()
        except ModelError as error:
            self.error = error
        finally:
            # Whoever waits looks again once the task is done, which it is after this line runs.
            asyncio.get_running_loop().call_soon(self._grown.set)

    def _add(self, token: Token) -> bool:
        if token.candidate:
            said = self.alternatives.get(token.candidate, "")
            self.alternatives[token.candidate] = said + token.text
            return False
        if not self.text:
            self.ttft_ms = (asyncio.get_running_loop().time() - self._started) * 1000
        self.text += token.text
        self._logprobs.append(token.logprob)
        return True
