"""An engine that says what a script tells it to: exact, fast, and with faults on demand.

In: a JSON file `{"rules": [{"after": REGEX, "text": TEXT, …}], …}`. Out: the same events as
a model. It serves tests and demonstrations through the whole product, engine process included;
it is loaded where a model's file name ends in `.script.json`.

Rules are tried in order; the first whose `after` is found at the end of the prompt's text speaks.
A forced continuation is said in the place of a rule's text, as likely as `leans` makes it.
A rule may have `delay_ms` before each token, `fail` (an error message), `die` (ends the process) or
`begun` (a file that is made when it is asked).
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from linewise_models.engine.contract import (
    ChatTemplate,
    Event,
    FimOrder,
    Finish,
    FinishReason,
    Report,
    Request,
    Token,
)
from linewise_models.engine.stops import StoppedText
from linewise_models.errors import EngineError, LoadError

SUFFIX = ".script.json"
USUAL = -0.1
"""Log-probability of a word where the script says nothing of it."""

_WORD = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Rule:
    """What to say after a prompt that ends in a match of `after`."""

    after: re.Pattern[str]
    text: str = ""
    delay_ms: float = 0.0
    fail: str | None = None
    die: bool = False
    begun: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """All that a scripted engine is told."""

    rules: tuple[Rule, ...]
    fim: FimOrder = "none"
    leans: dict[str, float] = field(default_factory=dict)
    """Texts -> by how much each token of a forced continuation is less likely, in logarithms,
    after a prompt without them."""
    chat_template: str = ""
    """Jinja; empty for a model that is not talked to."""
    load_ms: float = 0.0
    load_error: str | None = None
    prompt_speed: float = 1000.0
    generation_speed: float = 100.0

    @classmethod
    def read(cls, path: Path) -> Script:
        """Return the script in a file. Raises LoadError."""
        try:
            data = json.loads(path.read_text("utf-8"))
            rules = tuple(
                Rule(**rule | {"after": re.compile(rule["after"] + r"\Z")})
                for rule in data.pop("rules")
            )
            return cls(rules=rules, **data)
        except (OSError, ValueError, TypeError, KeyError, re.error) as error:
            raise LoadError(f"{path.name} is not a script: {error}") from error


class ScriptedEngine:
    """Implements `Engine` from a script; words are its tokens."""

    def __init__(
        self,
        path: Path,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Read the script. Raises LoadError, also where the script says so."""
        self._name = path.name
        self._script = Script.read(path)
        self._sleep = sleep
        self._clock = clock
        self._cache: dict[str, list[str]] = {}
        self._evaluated = self._generated = self._requests = 0
        sleep(self._script.load_ms / 1000)
        if self._script.load_error:
            raise LoadError(self._script.load_error)

    def report(self) -> Report:
        """Return what the script says of itself."""
        script, template = self._script, self._script.chat_template
        return Report(
            model=self._name,
            architecture="scripted",
            backend="scripted",
            devices=("CPU",),
            threads=1,
            context=8192,
            sessions=4,
            fim=script.fim,
            marks=("middle", "prefix", "suffix") if script.fim != "none" else (),
            chat_template=ChatTemplate(template, "", "") if template else None,
            prompt_speed=script.prompt_speed,
            generation_speed=script.generation_speed,
            load_ms=script.load_ms,
            can_reuse=True,
            model_bytes=0,
            cache_bytes=0,
            evaluated_total=self._evaluated,
            generated_total=self._generated,
            requests_total=self._requests,
        )

    def tokenise(self, text: str) -> list[int]:
        """Return one number a word."""
        return [hash(word) & 0xFFFF for word in _WORD.findall(text)]

    def close(self) -> None:
        """Forget nothing: there is nothing."""

    def generate(self, request: Request, cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Yield the words of the first rule that matches; see `Engine.generate`."""
        started = self._clock()
        self._requests += 1
        text = "".join(part.text for part in request.prompt)
        words = _WORD.findall(text)
        held = self._cache.get(request.session, [])
        same = takewhile(lambda pair: pair[0] == pair[1], zip(held, words, strict=False))
        reused = min(sum(1 for _ in same), max(len(words) - 1, 0))
        self._cache[request.session] = words
        self._evaluated += len(words) - reused
        rule = next((rule for rule in self._script.rules if rule.after.search(text)), None)
        if request.forced:
            rule = replace(rule or Rule(re.compile("")), text=request.forced)
        logprob = USUAL - sum(f for lean, f in self._script.leans.items() if lean not in text)
        reason: FinishReason = "end"
        spoken = StoppedText(() if request.forced else request.stop)
        if rule and rule.begun:
            Path(rule.begun).touch()
        if rule and rule.die:
            os.kill(os.getpid(), signal.SIGKILL)
        if rule and rule.fail:
            raise EngineError(rule.fail)
        pieces = _WORD.findall(rule.text) if rule else []
        for count, piece in enumerate(pieces):
            if count >= request.max_tokens and not request.forced:
                reason = "length"
                break
            if rule and rule.delay_ms:
                self._sleep(rule.delay_ms / 1000)
            if cancelled():
                reason = "cancelled"
                break
            late = (self._clock() - started) * 1000
            if request.deadline_ms is not None and late >= request.deadline_ms:
                reason = "deadline"
                break
            self._generated += 1
            yield Token(spoken.add(piece.encode()), logprob)
            if spoken.stopped:
                reason = "stop"
                break
        if rest := spoken.finish():
            yield Token(rest, logprob)
        total = (self._clock() - started) * 1000
        yield Finish(reason, len(words), len(words) - reused, reused, len(pieces), "", total, total)
