"""From an ask to an outcome: the path of a generation, which reads from top to bottom.

In: an ask, what is known around it, and an engine. Out: the text as it comes, then an `Outcome`.
Cancelling the task cancels the engine's work. Holds nothing between two asks.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from linewise_models.engine.contract import EngineClient, Finish, Report, Request, Token, Urgency
from linewise_models.errors import EngineError
from linewise_server.generation.answer import Reading, read
from linewise_server.generation.ask import Ask, Change, Outcome, Surroundings
from linewise_server.generation.checks import problems
from linewise_server.generation.imports import add, lift, missing
from linewise_server.generation.names import unresolved
from linewise_server.generation.prompt import Prompt, build_prompt, is_large, talks
from linewise_server.generation.target import Target, find_target
from linewise_server.generation.ways import WAYS

SAMPLE_CHARACTERS = 6000
"""Of the file that are counted in tokens to learn how long a token is."""
RATIO = 2.5
"""Characters of a token where the engine cannot say."""

Surround = Callable[[], Awaitable[Surroundings]]
"""Finds out what is known beyond the file; asked only where the model is shown it."""
OnText = Callable[[Change | None, str], None]
"""Hears, with each token that changes it, the edit as it would be and the text."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What the engine answered."""

    reading: Reading
    finish: Finish


async def generate(
    ask: Ask,
    client: EngineClient,
    surround: Surround,
    on_text: OnText = lambda change, text: None,
) -> Outcome:
    """Return what is generated for an ask.

    Raises PlaceError, TemplateError, or ModelError where the engine cannot serve.
    """
    started = time.monotonic()
    target = find_target(ask)
    if WAYS[ask.kind].model is None:
        return _outcome(ask, target, Reading(ask.sample.strip("\n"), True), None, "", started)
    report = await client.report()
    prompt = await _prompt(ask, target, report, client, surround)
    said = await _ask(ask, target, prompt, client, on_text)
    return _outcome(ask, target, said.reading, said.finish, report.model, started)


async def prepare(ask: Ask, client: EngineClient, surround: Surround) -> None:
    """Have the engine read what the prompt for an ask begins with, whatever its instruction is.

    Whoever asks for anything meanwhile goes first. Raises as `generate` does.
    """
    ask = replace(ask, instruction=ask.instruction or "…")
    prompt = await _prompt(ask, find_target(ask), await client.report(), client, surround)
    request = Request(
        _session(ask), prompt.parts, max_tokens=0, heal=prompt.heal, urgency=Urgency.IDLE
    )
    async with aclosing(client.generate(request)) as events:
        async for _ in events:
            pass


async def prompt_for(ask: Ask, client: EngineClient, surround: Surround) -> Prompt:
    """Return the prompt that would be sent for an ask, for people to look at."""
    return await _prompt(ask, find_target(ask), await client.report(), client, surround)


async def nothing_around() -> Surroundings:
    """Return that nothing is known beyond the file."""
    return Surroundings()


async def _prompt(
    ask: Ask, target: Target, report: Report, client: EngineClient, surround: Surround
) -> Prompt:
    # Finding out takes a while, and a small model that is talked to cannot make use of it.
    worthwhile = is_large(report) if talks(report, ask) else ask.kind in ("implement", "comment")
    around = await surround() if worthwhile else Surroundings()
    return build_prompt(ask, target, around, report, await _ratio(ask, client))


def apply(document: str, changes: Sequence[Change]) -> str:
    """Return the document with changes made; of two at one place the later ends up in front."""
    for change in sorted(changes, key=lambda change: change.start, reverse=True):
        document = document[: change.start] + change.text + document[change.end :]
    return document


def written(document: str, changes: Sequence[Change]) -> tuple[str, tuple[int, int]]:
    """Return the document with changes made, and where the first of them stands in it then."""
    main = changes[0]
    shift = sum(len(c.text) - (c.end - c.start) for c in changes[1:] if c.end <= main.start)
    start = main.start + shift
    return apply(document, changes), (start, start + len(main.text))


async def _ratio(ask: Ask, client: EngineClient) -> float:
    """Return the characters of a token in this file."""
    text = ask.snapshot.text()
    place = max(0, ask.start - SAMPLE_CHARACTERS // 2)
    piece = text[place : place + SAMPLE_CHARACTERS]
    if len(piece) < 200:
        return RATIO
    with suppress(EngineError):
        # A little less than measured: what is not code of this file may have shorter tokens.
        return max(1.0, 0.9 * len(piece) / max(1, len(await client.tokenise(piece))))
    return RATIO


def _session(ask: Ask) -> str:
    return f"{ask.snapshot.uri}#generate"


async def _ask(
    ask: Ask, target: Target, prompt: Prompt, client: EngineClient, on_text: OnText
) -> _Said:
    text = ask.snapshot.text()
    before = text[: target.start] + target.opening if not target.file else target.preamble
    request = Request(
        session=_session(ask),
        prompt=prompt.parts,
        max_tokens=prompt.tokens,
        stop=prompt.stop,
        heal=prompt.heal,
        must_speak=True,
        urgency=Urgency.INVOKED,
    )
    said = ""
    reading = Reading("", whole=False)
    finish: Finish | None = None
    async with aclosing(client.generate(request, lambda: reading.whole)) as events:
        async for event in events:
            if isinstance(event, Finish):
                finish = event
            elif isinstance(event, Token) and not reading.whole:
                said += event.text
                fresh = read(said, target, before, prompt.fenced)
                if fresh.text != reading.text:
                    on_text(_change(ask, target, fresh.text), fresh.text)
                reading = fresh
    if finish is None:
        raise EngineError("The engine ended its answer without saying why. Try again.")
    if reading.whole and finish.reason == "cancelled":
        # It was stopped because all was said.
        finish = replace(finish, reason="stop")
    return _Said(reading, finish)


def _change(ask: Ask, target: Target, text: str) -> Change | None:
    """Return the edit that puts a text in its place; None for what goes elsewhere."""
    if target.file:
        return None
    placed = f"{target.opening}{text}{target.closing}" if text.strip() else ""
    if not text.strip():
        placed = ask.snapshot.text()[target.start : target.end]
    return Change(target.start, target.end, _in_document(placed, ask))


def _outcome(
    ask: Ask,
    target: Target,
    reading: Reading,
    finish: Finish | None,
    model: str,
    started: float,
) -> Outcome:
    """Put the text in its place, its imports in theirs, and check how it stands there."""
    document, language = ask.snapshot.text(), target.language
    text = _placed(ask, target, reading.text)
    lifted = lift(text, language) if not target.file else None
    if lifted is not None:
        text = lifted.code
    change = _change(ask, target, text) if text.strip() else None
    changes: list[Change] = []
    found: tuple[str, ...] = ()
    names: tuple[str, ...] | None = ()
    if change is not None and lifted is not None:
        names = unresolved(*written(document, [change]), language)
        imports = add((*lifted.imports, *missing(names or (), text, language)), document, language)
        changes = [change, *imports]
        after, span = written(document, changes)
        others = document[: change.start] + document[change.end :]
        found = problems(document, others, after, span, language)
        names = unresolved(after, span, language)
    elif not text.strip():
        found = ("The model said nothing that fits here.",)
    elif language != "markdown":
        text = f"{target.preamble}{text}{target.closing}"
        found = problems("", "", text, (0, len(text)), language)
        names = unresolved(text, (0, len(text)), language)
    if finish is not None and finish.reason in ("length", "deadline"):
        found = (*found, "It was cut off: the model had more to say than fits.")
    return Outcome(
        kind=ask.kind,
        text=text,
        changes=tuple(changes),
        language=language,
        file=target.file,
        problems=found,
        unresolved=names or (),
        names_checked=names is not None,
        finish=finish.reason if finish else "none",
        model=model,
        prompt_tokens=finish.prompt_tokens if finish else 0,
        generated_tokens=finish.generated_tokens if finish else 0,
        ttft_ms=finish.queued_ms + finish.ttft_ms if finish else 0.0,
        total_ms=(time.monotonic() - started) * 1000,
    )


def _placed(ask: Ask, target: Target, text: str) -> str:
    """Return a text that no model wrote in the indentation of its place."""
    if ask.kind != "sample":
        return text
    lines = text.split("\n")
    moved = [target.indentation + line if line.strip() else "" for line in lines]
    return "\n".join(moved)[len(target.indentation) :]


def _in_document(text: str, ask: Ask) -> str:
    """Return a text with the document's own line endings."""
    ends_in_two = any(line.endswith("\r\n") for line in ask.snapshot.lines[:1])
    return text.replace("\r\n", "\n").replace("\n", "\r\n") if ends_in_two else text
