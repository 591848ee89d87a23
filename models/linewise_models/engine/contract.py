"""What an engine is asked and what it answers.

In: a `Request` whose prompt is a tuple of parts, stable ones first. Out: `Token`s as they are
decoded, then one `Finish`. An engine never sees a document, a path or an editor: only prompts.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol


class Mark(StrEnum):
    """A model's own marks for fill-in-the-middle and repositories; one token each."""

    PREFIX = "prefix"
    SUFFIX = "suffix"
    MIDDLE = "middle"
    REPOSITORY = "repository"
    FILE = "file"


class Urgency(StrEnum):
    """Who waits for the answer; the engine process serves them in this order."""

    INVOKED = "invoked"
    AUTOMATIC = "automatic"
    IDLE = "idle"


FimOrder = Literal["none", "psm", "spm"]
FinishReason = Literal["end", "stop", "length", "deadline", "cancelled", "superseded"]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a prompt: text, or one of the model's marks.

    `stable` parts stay the same from key to key, so their place in the KV cache is worth keeping;
    a prompt lists them first. Text is tokenised across adjacent parts, as the model saw it trained.
    The names of control tokens in a text are plain text, whoever wrote them, unless the part is
    `special`: what a chat template says around the messages, and never a message itself.
    """

    name: str
    text: str = ""
    mark: Mark | None = None
    stable: bool = False
    special: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt to complete."""

    session: str
    """Names the KV sequence to reuse, one a document."""
    prompt: tuple[Part, ...]
    max_tokens: int
    """Tokens to generate at most; 0 evaluates the prompt and keeps it for later."""
    stop: tuple[str, ...] = ()
    """Texts that end the generation; what precedes the first of them is still given."""
    heal: bool = True
    """Whether the last text part may be taken back to a token boundary and spelt again."""
    must_speak: bool = False
    """Whether the end token is barred until something visible was said."""
    one_line: bool = False
    """Whether what follows a line break after something visible is of no use. An engine that can
    ends there with reason "stop", the line break given; others are stopped by who reads."""
    candidates: int = 1
    """Continuations to decode together; the first is greedy when `temperature` is 0 for it."""
    temperature: float = 0.0
    """Of the candidates after the first (the first is greedy); 0 with one candidate is greedy."""
    top_p: float = 0.95
    seed: int = 0
    deadline_ms: float | None = None
    """Milliseconds that whoever waits still has when the request is made, waiting for its turn
    included and loading the model not. Then the work ends with what there is and reason "deadline",
    between two prefill slices or two tokens; what was evaluated stays."""
    urgency: Urgency = Urgency.AUTOMATIC
    adapter: str | None = None
    """Path of a LoRA adapter (GGUF) to apply to this request alone."""
    forced: str = ""
    """A continuation that is known already: its tokens come, each with its probability after those
    before it, and nothing is chosen. They are split as the vocabulary splits the whole text, and
    evaluated and counted as a prompt is; lengths, stops and candidates do not apply."""


@dataclass(frozen=True, slots=True)
class Token:
    """A decoded token: the text that it adds; part of a character waits for the rest."""

    text: str
    logprob: float
    """Natural logarithm of the model's probability for it, before any constraint."""
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """How a request ended and what it cost."""

    reason: FinishReason
    prompt_tokens: int
    """Tokens of the whole prompt, as it stands in the cache now."""
    evaluated_tokens: int
    """Prompt tokens that had to be computed, the healed ones among them."""
    reused_tokens: int
    """Prompt tokens that were in the cache already."""
    generated_tokens: int
    healed: str
    """The text that was taken back and spelt again."""
    ttft_ms: float
    """Milliseconds from the start of the work to the first new text."""
    total_ms: float
    queued_ms: float = 0.0


Event = Token | Finish


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """How a model was trained to be talked to, in its own words; whoever asks renders it."""

    text: str
    """Jinja, out of the model's file: nothing to be trusted."""
    bos: str
    """Text of the token that begins a prompt; empty where the vocabulary has none."""
    eos: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an engine is and what it can do on this machine."""

    model: str
    architecture: str
    backend: str
    """cpu, cuda, metal, vulkan, remote or scripted."""
    devices: tuple[str, ...]
    threads: int
    context: int
    """Tokens that one session can hold."""
    sessions: int
    fim: FimOrder
    marks: tuple[str, ...]
    """The names of the marks that the vocabulary has."""
    chat_template: ChatTemplate | None
    prompt_speed: float
    """Prompt tokens evaluated a second, measured; follows the load of the machine."""
    generation_speed: float
    """Tokens generated a second, measured."""
    load_ms: float
    can_reuse: bool
    """Whether a changed prompt keeps its common prefix in the cache."""
    model_bytes: int
    cache_bytes: int
    evaluated_total: int = 0
    generated_total: int = 0
    requests_total: int = 0


class Engine(Protocol):
    """Computes in the process and thread that calls it; the engine process owns one."""

    def report(self) -> Report:
        """Return what the engine is and how fast it is just now."""
        ...

    def tokenise(self, text: str) -> list[int]:
        """Return the token ids of `text`, without any special token."""
        ...

    def generate(self, request: Request, cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Yield tokens and, last, one `Finish`.

        `cancelled` is asked between prefill slices and between tokens; once it is true the work
        ends with reason "cancelled" and what was computed stays in the cache. The deadline counts
        from the call: whoever had it wait takes that off.
        Raises EngineError when the request cannot be served, AdapterError when its adapter cannot
        be applied; without it the request may be.
        """
        ...

    def close(self) -> None:
        """Free the model."""
        ...


class EngineClient(Protocol):
    """The same from afar, for asyncio: an engine process or a remote server."""

    @property
    def life(self) -> int:
        """A number for the engine that the next request meets; another one has an empty cache."""
        ...

    async def report(self) -> Report:
        """Return what the engine is; starts and loads it if need be.

        Raises LoadError when the model cannot be served, EngineLost when its process ended.
        """
        ...

    async def tokenise(self, text: str) -> list[int]:
        """Return the token ids of `text`, without any special token."""
        ...

    def generate(
        self, request: Request, stopped: Callable[[], bool] = ...
    ) -> AsyncGenerator[Event, None]:
        """Yield tokens and, last, one `Finish`.

        `stopped` is asked after each event; once true the work is cancelled and its `Finish` still
        comes. Closing the iterator cancels without one.
        """
        ...

    async def close(self) -> None:
        """Let go of the engine; it lives on for other windows."""
        ...
