"""The engine on llama.cpp: KV sequences kept per session, healing, cancellation between slices.

In: requests. Out: tokens with probabilities. A request pays only for the tokens that differ from
what its session's sequence already holds; cancelling keeps what was paid for. Never decides what to
ask, and never reads a document.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from random import Random

import numpy as np
from numpy.typing import NDArray

from linewise_models.engine.contract import (
    Event,
    FimOrder,
    Finish,
    FinishReason,
    Mark,
    Report,
    Request,
    Token,
    Urgency,
)
from linewise_models.engine.native import LoadOptions, Native, backend_of
from linewise_models.engine.pace import Pace
from linewise_models.engine.prompt import compose
from linewise_models.engine.sampling import choose, log_probability
from linewise_models.engine.stops import StoppedText
from linewise_models.engine.vocabulary import Vocabulary
from linewise_models.errors import AdapterError, EngineError

SLICE_SECONDS = {Urgency.INVOKED: 0.7, Urgency.AUTOMATIC: 0.125, Urgency.IDLE: 0.0625}
"""A prefill slice should take no longer, so that a cancelled request stops within it. Long slices
evaluate a prompt a tenth faster, and what a person asked for is seldom called off; those that
nobody waits for are short, since a key that comes meanwhile waits for the end of one."""
PROBE_TOKENS = 64
"""Evaluated at load, for a first idea of the speed."""
FOLLOWED_TOKENS = 64
"""Of a slice whose logits are all wanted, at most: each has as many as the vocabulary has words."""

Clock = Callable[[], float]


@dataclass(slots=True)
class _Sequence:
    """One KV sequence: whose it is and which tokens it holds."""

    number: int
    session: str | None = None
    adapter: str | None = None
    tokens: list[int] = field(default_factory=list)
    used: int = 0


@dataclass(slots=True)
class _Branch:
    """One candidate while it is decoded."""

    number: int
    sequence: _Sequence
    rest: bytes
    text: StoppedText
    random: Random
    temperature: float
    output: int = 0
    """Index of its logits in the last batch."""
    generated: int = 0
    reason: FinishReason | None = None


@dataclass(slots=True)
class _Halt:
    """Whether to stop where the work stands: nobody waits any more, or the time is over."""

    cancelled: Callable[[], bool]
    clock: Clock
    deadline: float = math.inf
    """Of the clock, in seconds."""
    reason: FinishReason | None = None
    """Why, from when on it is so."""

    def __call__(self) -> bool:
        if self.reason is None and self.cancelled():
            self.reason = "cancelled"
        elif self.reason is None and self.clock() >= self.deadline:
            self.reason = "deadline"
        return self.reason is not None


class LlamaEngine:
    """Implements `Engine` on one loaded model; belongs to the thread that made it."""

    def __init__(
        self,
        options: LoadOptions,
        fim: FimOrder | None = None,
        progress: Callable[[float], None] = lambda share: None,
        clock: Clock = time.perf_counter,
    ) -> None:
        """Load the model and measure it. `fim` overrides what the GGUF says. Raises LoadError."""
        started = clock()
        self._clock = clock
        self._native = Native(options, progress)
        self._vocabulary = Vocabulary(self._native.pieces())
        self._marks = self._native.marks()
        self._fim: FimOrder = fim or self._fim_order()
        ends = set(self._native.end_tokens())
        # Control tokens that are neither text nor an end, such as chat marks, may never come.
        mute = [t for t, piece in enumerate(self._vocabulary.pieces) if not piece and t not in ends]
        self._ends = frozenset(ends)
        self._mute = np.array(mute, dtype=np.int64)
        self._mute_or_end = np.array([*mute, *ends], dtype=np.int64)
        self._sequences = [_Sequence(number) for number in range(options.sequences)]
        self._adapter: str | None = None
        self._uses = self._evaluated = self._generated = self._requests = 0
        self._pace = Pace(self._native.threads, clock)
        self._threads = self._native.threads
        self._can_reuse = True
        self._measure()
        self._load_ms = (clock() - started) * 1000

    def _fim_order(self) -> FimOrder:
        if not {Mark.PREFIX, Mark.SUFFIX, Mark.MIDDLE} <= self._marks.keys():
            return "none"
        return "spm" if self._native.metadata("linewise.fim") == "spm" else "psm"

    def _measure(self) -> None:
        """Evaluate one slice and a few tokens, for a first idea of both speeds."""
        sequence, native = self._sequences[0], self._native
        size = min(PROBE_TOKENS, native.context // 2)
        probe = [token % native.vocabulary_size for token in range(1000, 1000 + size)]
        native.decode(probe[:1], [0], [0], [True])
        native.forget(0, 0)
        for _ in self._evaluate(sequence, probe, _Halt(lambda: False, self._clock)):
            pass
        speeds = []
        for token in probe[:4]:
            started = self._clock()
            self._extend([(sequence, token)])
            speeds.append(1 / max(self._clock() - started, 1e-9))
        # The best of a few: what the machine can do, whatever else it does at this moment.
        self._pace.generation_speed = max(speeds)
        self._can_reuse = native.forget(0, size // 2)
        native.forget(0, 0)
        sequence.tokens.clear()
        self._evaluated = 0

    def report(self) -> Report:
        """Return what the engine is and how fast it is just now."""
        native = self._native
        devices = tuple(native.devices())
        return Report(
            model=native.options.model.name,
            architecture=native.metadata("general.architecture") or "unknown",
            backend=backend_of(devices),
            devices=devices,
            threads=native.threads,
            context=native.context,
            sessions=native.options.sequences,
            fim=self._fim,
            marks=tuple(sorted(self._marks)),
            chat_template=native.chat_template(),
            prompt_speed=self._pace.prompt_speed,
            generation_speed=self._pace.generation_speed,
            load_ms=self._load_ms,
            can_reuse=self._can_reuse,
            model_bytes=native.model_bytes(),
            cache_bytes=native.cache_bytes(),
            evaluated_total=self._evaluated,
            generated_total=self._generated,
            requests_total=self._requests,
        )

    def tokenise(self, text: str) -> list[int]:
        """Return the token ids of `text`, without any special token."""
        return self._native.tokenise(text)

    def close(self) -> None:
        """Free the model."""
        self._native.close()

    def generate(self, request: Request, cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Yield tokens and, last, one `Finish`; see `Engine.generate`."""
        started = self._clock()
        self._requests += 1
        tokens, healed, known = compose(request, self._native, self._vocabulary, self._marks)
        sequence = self._sequence(request, len(tokens) + len(known))
        reused = self._reuse(sequence, tokens, request.adapter)
        already = self._evaluated
        halt = _Halt(cancelled, self._clock)
        if request.deadline_ms is not None:
            halt.deadline = started + request.deadline_ms / 1000
        for _ in self._evaluate(sequence, tokens[reused:], halt, request.urgency):
            pass
        first_text: float | None = None
        generated = 0
        reason: FinishReason | None = None
        if len(sequence.tokens) == len(tokens) and not (request.max_tokens or known):
            reason = "length"
        elif halt():
            reason = halt.reason
        elif known:
            yield from self._follow(sequence, known, healed, halt)
            tokens += known
            reason = "end" if len(sequence.tokens) == len(tokens) else halt.reason
        else:
            branches = self._branch(request, sequence, healed)
            for event in self._decode(request, branches, halt):
                if first_text is None and event.text:
                    first_text = self._clock()
                yield event
            reason = branches[0].reason
            generated = sum(branch.generated for branch in branches)
        now = self._clock()
        yield Finish(
            reason=reason or "end",
            prompt_tokens=len(tokens),
            evaluated_tokens=self._evaluated - already,
            reused_tokens=reused,
            generated_tokens=generated,
            healed=healed.decode("utf-8", "replace"),
            ttft_ms=((first_text or now) - started) * 1000,
            total_ms=(now - started) * 1000,
        )

    def _sequence(self, request: Request, size: int) -> _Sequence:
        """Return the session's sequence, or the one that was unused for longest."""
        room = self._native.context - size - request.max_tokens - 1
        if room < 0:
            raise EngineError(
                f"A prompt of {size} tokens and {request.max_tokens} to generate do not fit the "
                f"{self._native.context} tokens of a session."
            )
        self._uses += 1
        mine = (s for s in self._sequences if s.session == request.session)
        sequence = next(mine, None) or min(self._sequences, key=lambda s: s.used)
        sequence.session, sequence.used = request.session, self._uses
        return sequence

    def _reuse(self, sequence: _Sequence, tokens: list[int], adapter: str | None) -> int:
        """Cut the sequence down to what it shares with `tokens`; return how many tokens that is."""
        if adapter != self._adapter:
            self._native.apply_adapter(adapter)
            self._adapter = adapter
        same = takewhile(
            lambda pair: pair[0] == pair[1], zip(sequence.tokens, tokens, strict=False)
        )
        shared = min(sum(1 for _ in same), len(tokens) - 1) if sequence.adapter == adapter else 0
        sequence.adapter = adapter
        if shared < len(sequence.tokens) and not self._native.forget(sequence.number, shared):
            self._native.forget(sequence.number, 0)
            shared = 0
        del sequence.tokens[shared:]
        return shared

    def _evaluate(
        self,
        sequence: _Sequence,
        tokens: list[int],
        halt: _Halt,
        urgency: Urgency = Urgency.AUTOMATIC,
        all_logits: bool = False,
    ) -> Iterator[list[int]]:
        """Evaluate and yield `tokens` in slices, with logits after the last or each of them."""
        done = 0
        while done < len(tokens) and not halt():
            size = self._slice_size(urgency)
            piece = tokens[done : done + (min(size, FOLLOWED_TOKENS) if all_logits else size)]
            done += len(piece)
            start = len(sequence.tokens)
            began = self._clock()
            outputs = [all_logits] * (len(piece) - 1) + [all_logits or done == len(tokens)]
            positions = range(start, start + len(piece))
            self._settle_threads()
            self._native.decode(piece, positions, [sequence.number] * len(piece), outputs)
            sequence.tokens += piece
            self._evaluated += len(piece)
            self._pace.evaluated(len(piece), self._clock() - began)
            yield piece

    def _follow(
        self, sequence: _Sequence, known: list[int], healed: bytes, halt: _Halt
    ) -> Iterator[Token]:
        """Evaluate a known continuation; yield its tokens, less those that lie in healed text."""
        rest, text, coming = healed, StoppedText(()), iter([*known[1:], known[0]])
        logprob = log_probability(self._native.logits(-1), known[0])
        for piece in self._evaluate(sequence, known, halt, all_logits=True):
            for index, token in enumerate(piece):
                data = self._vocabulary.pieces[token]
                said, rest = data[len(rest) :], rest[len(data) :]
                if said:
                    yield Token(text.add(said), logprob)
                logprob = log_probability(self._native.logits(index), next(coming))

    def _slice_size(self, urgency: Urgency) -> int:
        batch = self._native.options.batch
        fitting = self._pace.prompt_speed * SLICE_SECONDS[urgency]
        # Powers of two: 176 tokens take longer a token than 128.
        return min(batch, 2 ** max(4, int(math.log2(fitting)))) if fitting >= 1 else batch

    def _branch(self, request: Request, sequence: _Sequence, healed: bytes) -> list[_Branch]:
        """Return the candidates, each on a copy of the evaluated prompt."""
        others = sorted((s for s in self._sequences if s is not sequence), key=lambda s: s.used)
        targets = [sequence, *others[: request.candidates - 1]]
        for target in targets[1:]:
            self._native.copy(sequence.number, target.number)
            target.session, target.used, target.adapter = None, 0, sequence.adapter
            target.tokens = list(sequence.tokens)
        return [
            _Branch(
                number=number,
                sequence=target,
                rest=healed,
                text=StoppedText(request.stop, request.one_line),
                random=Random(f"{request.seed}/{number}"),  # noqa: S311 - a draw, not a secret
                temperature=request.temperature if number or request.candidates == 1 else 0.0,
            )
            for number, target in enumerate(targets)
        ]

    def _decode(self, request: Request, branches: list[_Branch], halt: _Halt) -> Iterator[Token]:
        """Decode all candidates token by token; each ends with its reason set."""
        logits = {branch.number: self._native.logits(-1) for branch in branches}
        live = branches
        while live:
            step = []
            for branch in live:
                token, event = self._next(request, branch, logits[branch.number])
                if event is not None:
                    yield event
                if branch.reason is None:
                    step.append((branch, token))
            if halt():
                for branch in live:
                    branch.reason = branch.reason or halt.reason
            step = [pair for pair in step if pair[0].reason is None]
            live = [branch for branch, _ in step]
            if step:
                self._extend([(branch.sequence, token) for branch, token in step])
                logits = {pair[0].number: self._native.logits(i) for i, pair in enumerate(step)}

    def _next(
        self, request: Request, branch: _Branch, logits: NDArray[np.float32]
    ) -> tuple[int, Token | None]:
        """Choose the next token of a candidate; the event is None while it spells healed text."""
        allowed = self._vocabulary.spelling(branch.rest) if branch.rest else None
        silent = request.must_speak and not branch.text.spoke
        token, logprob = choose(
            logits,
            allowed,
            self._mute_or_end if silent or branch.rest else self._mute,
            branch.temperature,
            request.top_p,
            branch.random,
        )
        if np.isnan(logprob):
            error = AdapterError if request.adapter else EngineError
            raise error("The weights are damaged: what they compute is no number.")
        if token in self._ends:
            branch.reason = "end"
            rest = branch.text.finish()
            return token, Token(rest, logprob, branch.number) if rest else None
        piece = self._vocabulary.pieces[token]
        said, branch.rest = piece[len(branch.rest) :], branch.rest[len(piece) :]
        if not said:
            # A token that lies wholly in the healed text was typed, not generated.
            self._evaluated += 1
            return token, None
        branch.generated += 1
        self._generated += 1
        text = branch.text.add(said)
        if branch.text.stopped:
            branch.reason = "stop"
        elif branch.generated >= request.max_tokens:
            branch.reason = "length"
            text += branch.text.finish()
        return token, Token(text, logprob, branch.number)

    def _extend(self, step: list[tuple[_Sequence, int]]) -> None:
        began = self._clock()
        self._settle_threads()
        self._native.decode(
            [token for _, token in step],
            [len(sequence.tokens) for sequence, _ in step],
            [sequence.number for sequence, _ in step],
            [True] * len(step),
        )
        for sequence, token in step:
            sequence.tokens.append(token)
        if len(step) == 1:
            self._pace.generated(self._clock() - began)

    def _settle_threads(self) -> None:
        threads = self._pace.threads()
        if threads != self._threads:
            self._threads = threads
            self._native.use_threads(threads)
