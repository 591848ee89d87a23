"""From a place to why the model says what it says there.

In: an ask and the completer that would answer it. Out: an `Explanation`. What was said there before
and still holds is explained, else what the model says now. Its requests go behind everybody's and
in a session of their own, so that no key waits for them and no document's cache is lost; one that
had to give way is sent again. Cancelling the task ends the work in the engine. Nothing is
remembered or reported, and nothing is written to disk.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from linewise_models.engine.contract import EngineClient, Part, Request, Token, Urgency
from linewise_models.errors import EngineError
from linewise_server.completion.ask import Ask, site_at
from linewise_server.completion.completer import Completer
from linewise_server.completion.flight import Flight
from linewise_server.completion.plan import suffix_column
from linewise_server.completion.postprocess import Draft, Filter, enough, postprocess
from linewise_server.completion.shape import Site
from linewise_server.explain.explanation import Action, Cost, Explanation, Said, Shown
from linewise_server.explain.occlusion import (
    REQUESTS,
    Lean,
    first_groups,
    halves,
    to_halve,
    without,
)

SESSION = "#explain"
"""Marks the session of an explanation."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far an explanation is, and what is left of its cost at the most."""

    done: int
    most: int
    """Requests that leave something out."""
    prompt_tokens: int
    """Of each; what it shares with the one before is not evaluated again."""
    seconds: float
    """About how long it still takes."""


OnStep = Callable[[Step], None]


async def explain(
    ask: Ask,
    completer: Completer,
    most: int = REQUESTS,
    on_step: OnStep = lambda step: None,
    clock: Callable[[], float] = time.monotonic,
) -> Explanation | None:
    """Return why the model says what it says at a place; None where it says nothing.

    At most `most` requests leave something out. `on_step` hears what they will cost before the
    first, and again after each. Raises ModelError when the engine cannot serve or cannot score.
    """
    started = clock()
    flight = await completer.rehearse(ask)
    if flight is None:
        return None
    site = site_at(ask.snapshot, ask.line, ask.column, ask.invoked)
    session, prompt = flight.plan.session + SESSION, flight.plan.parts
    if not flight.text:
        flight.request = replace(flight.request, session=session)
        await _fly(flight, completer.client, site)
    actions: list[Action] = []
    draft, _ = postprocess(flight.text, site, flight.shape, _noting(actions))
    text = draft.text if draft is not None else flight.text
    if not text.strip():
        return None
    scorer = _Scorer(completer.client, session, text)
    tokens = await scorer.score(prompt)
    speed = (await completer.report()).prompt_speed
    leans = await _lean(scorer, prompt, _total(tokens), most, speed, on_step, clock)
    return Explanation(
        uri=ask.snapshot.uri,
        line=ask.line,
        column=ask.column,
        model=(await completer.report()).model,
        raw=flight.text,
        text=text,
        dropped=draft is None,
        tokens=tuple(tokens),
        least=completer.least_confidence(flight.text, flight.shape),
        parts=tuple([await _shown(completer.client, part) for part in prompt]),
        first_line=flight.plan.first_line,
        suffix_line=_suffix_line(ask),
        actions=tuple(actions),
        leans=tuple(leans),
        cost=Cost(scorer.requests - 1, scorer.evaluated, clock() - started),
    )


def _suffix_line(ask: Ask) -> int:
    start = suffix_column(ask.snapshot, ask.line, ask.column)
    return ask.line + (start == len(ask.snapshot.lines[ask.line]))


async def _fly(flight: Flight, client: EngineClient, site: Site) -> None:
    """Let the model say what it says."""
    flight.start(client, lambda text: enough(text, site, flight.shape))
    try:
        await flight.settled()
    finally:
        flight.cancel()
    if flight.error is not None:
        raise flight.error


def _noting(actions: list[Action]) -> Callable[[Filter, Draft, Draft | None], None]:
    def note(rule: Filter, before: Draft, after: Draft | None) -> None:
        purpose = (inspect.getdoc(rule) or "").partition("\n")[0]
        text = after.text if after is not None else None
        actions.append(Action(rule.__name__, purpose, before.text, text))

    return note


async def _lean(
    scorer: _Scorer,
    prompt: Sequence[Part],
    whole: float,
    most: int,
    speed: float,
    on_step: OnStep,
    clock: Callable[[], float],
) -> list[Lean]:
    """Return how much the text leans on each group, in the order of the prompt."""
    size = scorer.prompt_tokens
    started, done = clock(), 0
    # Half a prompt stands behind the group that is left out, on average.
    guess = size / 2 / speed if speed else 0.0
    waiting = first_groups(prompt, most)
    leans: list[Lean] = []
    limit = most if any(len(group.units) > 1 for group in waiting) else len(waiting)
    on_step(Step(0, limit, size, guess * limit))
    while waiting:
        group = waiting.pop(0)
        fall = whole - _total(await scorer.score(without(prompt, group)))
        leans.append(Lean(group, fall))
        done += 1
        on_step(Step(done, limit, size, (clock() - started) / done * (limit - done)))
        if not waiting and (parent := to_halve(leans, limit - done)) is not None:
            leans.remove(parent)
            waiting = halves(parent.group)
    order = [part.name for part in prompt]
    return sorted(leans, key=lambda lean: (order.index(lean.group.part), lean.group.start))


class _Scorer:
    """How likely one text is after several prompts, and what finding out costs."""

    def __init__(self, client: EngineClient, session: str, text: str) -> None:
        self._client = client
        self._session = session
        self._text = text
        self.requests = self.evaluated = self.prompt_tokens = 0

    async def score(self, prompt: Sequence[Part]) -> list[Said]:
        """Return the tokens of the text after a prompt."""
        request = Request(
            self._session, tuple(prompt), max_tokens=0, forced=self._text, urgency=Urgency.IDLE
        )
        self.requests += 1
        while True:
            tokens: list[Said] = []
            async with aclosing(self._client.generate(request, lambda: False)) as events:
                async for event in events:
                    if isinstance(event, Token):
                        _add(tokens, event)
                    else:
                        reason = event.reason
                        self.evaluated += event.evaluated_tokens
                        self.prompt_tokens = event.prompt_tokens
            if reason == "end":
                return tokens
            if reason != "superseded":
                raise EngineError(f"The engine left off scoring a text: {reason}.")


def _add(tokens: list[Said], token: Token) -> None:
    """Add a token; those that are parts of one character become one."""
    if tokens and not tokens[-1].text:
        tokens[-1] = Said(token.text, tokens[-1].logprob + token.logprob)
    else:
        tokens.append(Said(token.text, token.logprob))


def _total(tokens: Sequence[Said]) -> float:
    return sum(token.logprob for token in tokens)


async def _shown(client: EngineClient, part: Part) -> Shown:
    count = 1 if part.mark else len(await client.tokenise(part.text))
    return Shown(part.name, part.text, part.mark is not None, count, part.stable)
