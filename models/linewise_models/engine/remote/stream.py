"""What a server says, piece by piece: server-sent events, and the JSON in them.

In: bytes as they come, cut anywhere. Out: `Chunk`s. Knows the OpenAI form of a chunk, the variants
that servers have made of it, and that of llama-server's /infill. Never decides when to stop.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass
from typing import Any

from linewise_models.errors import EngineError

DONE = "[DONE]"
LONGEST_EVENT = 1 << 20
"""Bytes of one event; a server that sends more is not sending tokens."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one event added; None where the server does not say."""

    text: str = ""
    logprobs: tuple[float, ...] = ()
    """Of the tokens in `text`, one each."""
    finish: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the prompt's tokens, those that the server had computed before."""
    generated_tokens: int | None = None


async def events(pieces: AsyncIterable[bytes]) -> AsyncGenerator[str, None]:
    """Yield the data of each server-sent event (WHATWG HTML, section 9.2.6).

    Lines end with a line feed alone here: text lines of other kinds may stand inside the JSON.
    Raises EngineError where an event has no end.
    """
    buffer = b""
    data: list[str] = []
    async for piece in pieces:
        *lines, buffer = (buffer + piece).split(b"\n")
        if len(buffer) > LONGEST_EVENT:
            raise EngineError("The server sends one line without an end; it does not stream.")
        for line in lines:
            text = line.removesuffix(b"\r").decode("utf-8", "replace")
            if text.startswith("data:"):
                data.append(text[5:].removeprefix(" "))
            elif text.startswith("error:"):
                # llama-server names the field so when a request fails under way.
                data.append(text[6:].removeprefix(" "))
            elif not text and data:
                yield "\n".join(data)
                data = []
    if data:
        yield "\n".join(data)


def read_chunk(data: str) -> Chunk:
    """Return the chunk that an event's data holds.

    Raises EngineError where it holds an error, or no chunk.
    """
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise EngineError(f"The server said {data[:80]!r} where a chunk was due.")
    if found.get("error"):
        raise EngineError(f"The server failed under way: {explain(found) or 'it does not say why'}")
    if "content" in found and "choices" not in found:
        return _read_infill(found)
    choices = found.get("choices") or [{}]
    choice = choices[0] if isinstance(choices[0], dict) else {}
    usage = found.get("usage") or {}
    timings = found.get("timings") or {}
    details = usage.get("prompt_tokens_details") or {}
    cached = _first(details.get("cached_tokens"), timings.get("cache_n"))
    return Chunk(
        text=choice.get("text") or "",
        logprobs=_read_logprobs(choice.get("logprobs")),
        # TGI says "" where others say null.
        finish=choice.get("finish_reason") or None,
        prompt_tokens=_first(usage.get("prompt_tokens"), _total(timings)),
        cached_tokens=cached,
        generated_tokens=_first(usage.get("completion_tokens"), timings.get("predicted_n")),
    )


def explain(body: Any) -> str:
    """Return the message in the body of an error, on one line; empty where there is none.

    Of a validation error only the messages are taken: beside them the request is repeated, which
    is the user's code.
    """
    if isinstance(body, str):
        return _one_line(body)
    if not isinstance(body, dict):
        return ""
    for name in ("error", "message", "detail"):
        found = body.get(name)
        if isinstance(found, list):
            said = [item.get("msg", "") for item in found if isinstance(item, dict)]
            return _one_line("; ".join(filter(None, said)))
        if found:
            return explain(found)
    return ""


def _read_infill(found: dict[str, Any]) -> Chunk:
    timings = found.get("timings") or {}
    tokens = found.get("completion_probabilities") or []
    ended = found.get("stop") is True
    return Chunk(
        text=found["content"] or "",
        logprobs=tuple(t["logprob"] for t in tokens if isinstance(t.get("logprob"), int | float)),
        finish=("length" if found.get("stop_type") == "limit" else "stop") if ended else None,
        prompt_tokens=_total(timings),
        cached_tokens=timings.get("cache_n"),
        generated_tokens=timings.get("predicted_n"),
    )


def _read_logprobs(found: Any) -> tuple[float, ...]:
    """Read both forms: OpenAI's for completions, and that for chats, which llama-server uses."""
    if not isinstance(found, dict):
        return ()
    content = found.get("content")
    values = (
        [entry.get("logprob") for entry in content if isinstance(entry, dict)]
        if isinstance(content, list)
        else found.get("token_logprobs") or []
    )
    return tuple(float(value) for value in values if isinstance(value, int | float))


def _total(timings: dict[str, Any]) -> int | None:
    return timings["prompt_n"] + timings.get("cache_n", 0) if "prompt_n" in timings else None


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
