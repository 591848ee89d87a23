"""What the engine's cache is believed to hold of this window's prompts.

In: the requests that go to an engine and what it answers. Out: how much of a prompt is in the cache
already. The engine keeps few sequences, shares them with other windows and may leave at any moment,
so a belief is corrected by each answer, which says what was reused, and given up with the engine.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from linewise_models.engine.contract import EngineClient, Event, Finish, Part, Report, Request


class Held:
    """Session -> the text of the prompt that its sequence holds, the session used last at the end.

    `life` tells one engine process from the next; see `EngineClient.life`.
    """

    def __init__(self, life: Callable[[], int] = lambda: 0) -> None:
        self.room: int | None = None
        """Sequences that the engine keeps; None where that is not known."""
        self._life = life
        self._known_life = life()
        self._texts: OrderedDict[str, str] = OrderedDict()

    def shared(self, session: str, text: str) -> int:
        """Return how many characters of a prompt are in the cache, from its start."""
        self._notice_life()
        return _shared(self._texts.get(session, ""), text)

    def begun(self, session: str, text: str, candidates: int = 1) -> None:
        """Note that a session is asked for a prompt: what it held beyond that is overwritten."""
        self._texts[session] = text[: self.shared(session, text)]
        self._texts.move_to_end(session)
        # Each further candidate takes the sequence that was unused for longest, and leaves it free.
        while self.room and len(self._texts) > max(1, self.room - (candidates - 1)):
            self._texts.popitem(last=False)

    def ended(self, session: str, text: str, finish: Finish, said: str = "") -> None:
        """Take in what the engine says of the prompt that a session was asked for.

        `said` is what it answered, which stays in the cache behind the prompt: whoever accepts it
        goes on from there.
        """
        found = finish.evaluated_tokens + finish.reused_tokens
        self._notice_life()
        if finish.generated_tokens or finish.reason in ("end", "stop", "length"):
            self._texts[session] = text + said
        elif finish.prompt_tokens:
            # Broken off under way: about as much of the text as of the tokens.
            self._texts[session] = text[: len(text) * found // max(found, finish.prompt_tokens)]
        # Else it was dropped before anything was done.

    def forget(self, session: str) -> None:
        """Believe nothing of a session any more; its sequence is not free by that."""
        if session in self._texts:
            self._texts[session] = ""

    def _notice_life(self) -> None:
        if self._life() != self._known_life:
            self._known_life = self._life()
            self._texts.clear()


class WatchedClient:
    """Implements `EngineClient` on another, following what its cache holds."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self.held = Held(lambda: client.life)

    @property
    def life(self) -> int:
        """Which engine is asked next; see `EngineClient.life`."""
        return self._client.life

    async def report(self) -> Report:
        """Return what the engine is; see `EngineClient.report`."""
        report = await self._client.report()
        # What a server elsewhere keeps, and for whom, it does not say.
        self.held.room = None if report.backend == "remote" else report.sessions
        return report

    async def tokenise(self, text: str) -> list[int]:
        """Return the token ids of `text`."""
        return await self._client.tokenise(text)

    async def generate(
        self, request: Request, stopped: Callable[[], bool] = lambda: False
    ) -> AsyncGenerator[Event, None]:
        """Yield tokens and, last, a `Finish`; see `EngineClient.generate`."""
        session, text = request.session, text_of(request.prompt)
        self.held.begun(session, text, request.candidates)
        said = ""
        async with aclosing(self._client.generate(request, stopped)) as events:
            async for event in events:
                if isinstance(event, Finish):
                    self.held.ended(session, text, event, said)
                elif event.candidate == 0:
                    said += event.text
                yield event

    async def close(self) -> None:
        """Let go of the engine."""
        await self._client.close()


def text_of(prompt: tuple[Part, ...]) -> str:
    """Return a prompt as one text, marks in angle brackets; equal prompts have equal texts."""
    return "".join(f"<{part.mark}>" if part.mark else part.text for part in prompt)


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts share from the start.

    By halves: a prompt has thousands of characters, and is compared at every key.
    """
    shared, beyond = 0, min(len(one), len(other)) + 1
    while beyond - shared > 1:
        middle = (shared + beyond) // 2
        if one[shared:middle] == other[shared:middle]:
            shared = middle
        else:
            beyond = middle
    return shared
