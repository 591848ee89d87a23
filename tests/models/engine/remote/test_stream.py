"""Events from bytes that are cut anywhere, and chunks in every form that servers send."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from linewise_models.engine.remote.stream import LONGEST_EVENT, Chunk, events, explain, read_chunk
from linewise_models.errors import EngineError


async def cut(data: bytes, size: int) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("data: a\n\ndata: b\n\n", ["a", "b"]),
        ("data:a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (": ping\n\nevent: x\nid: 1\ndata: a\n\n", ["a"]),
        ("data: a\ndata: b\n\n", ["a\nb"]),
        ("data: a", []),
        ("data: a\n", ["a"]),
        ("error: a\n\n", ["a"]),
        # Characters of two to four bytes, and such as Python takes for the ends of lines.
        ('data: {"é": "日本🙂"}\n\n', ['{"é": "日本🙂"}']),
        ("data: a\u2028b\x85c\x0cd\n\n", ["a\u2028b\x85c\x0cd"]),
    ],
)
async def test_events_come_whole(text: str, found: list[str], size: int) -> None:
    assert [data async for data in events(cut(text.encode(), size))] == found


async def test_a_line_without_an_end_is_refused() -> None:
    with pytest.raises(EngineError, match="does not stream"):
        _ = [data async for data in events(cut(b"x" * 2 * LONGEST_EVENT, 1 << 16))]


@pytest.mark.parametrize(
    ("data", "chunk"),
    [
        ('{"choices": [{"text": "a", "finish_reason": null}]}', Chunk("a")),
        # TGI
        ('{"choices": [{"text": "a", "finish_reason": "", "logprobs": null}]}', Chunk("a")),
        # vLLM
        (
            '{"choices": [{"text": "ab", "logprobs": {"token_logprobs": [-1, null, -2.5]}}], '
            '"usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": null}}',
            Chunk("ab", (-1.0, -2.5), None, 9, None, 2),
        ),
        (
            '{"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, '
            '"prompt_tokens_details": {"cached_tokens": 8}}}',
            Chunk("", (), None, 9, 8, 2),
        ),
        # llama-server
        (
            '{"choices": [{"text": "a", "logprobs": {"content": [{"id": 1, "logprob": -1}]}, '
            '"finish_reason": "stop"}], "timings": {"cache_n": 5, "prompt_n": 2, "predicted_n": 1'
            "}}",
            Chunk("a", (-1.0,), "stop", 7, 5, 1),
        ),
        # llama-server's /infill
        (
            '{"content": "a", "stop": false, "completion_probabilities": [{"logprob": -1.5}], '
            '"timings": {"cache_n": 5, "prompt_n": 2, "predicted_n": 1}}',
            Chunk("a", (-1.5,), None, 7, 5, 1),
        ),
        ('{"content": "", "stop": true, "stop_type": "limit"}', Chunk(finish="length")),
        ('{"content": "", "stop": true, "stop_type": "eos"}', Chunk(finish="stop")),
    ],
)
def test_chunks_have_many_forms(data: str, chunk: Chunk) -> None:
    assert read_chunk(data) == chunk


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ('{"error": {"message": "out of memory", "code": 500}}', "under way: out of memory"),
        ('{"error": "overloaded"}', "under way: overloaded"),
        ('{"error": {}, "object": "error", "message": "x"}', None),
        ("<html>", "'<html>' where a chunk was due"),
        ("[1]", "where a chunk was due"),
    ],
)
def test_errors_come_in_the_midst_of_a_stream(data: str, says: str | None) -> None:
    if says is None:
        assert read_chunk(data) == Chunk()
        return
    with pytest.raises(EngineError, match=says):
        read_chunk(data)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "no such model", "code": 404}}, "no such model"),
        ({"object": "error", "message": "no such model"}, "no such model"),
        ({"error": "busy", "error_type": "overloaded"}, "busy"),
        ({"detail": "Not Found"}, "Not Found"),
        # FastAPI repeats what was sent beside what is wrong with it.
        ({"detail": [{"msg": "too long", "input": "my code"}, {"msg": "odd"}]}, "too long; odd"),
        ({"error": {"message": "a\n  b"}}, "a b"),
        ({"error": {"message": "x" * 1000}}, "x" * 300),
        ({}, ""),
        (None, ""),
        ([1], ""),
    ],
)
def test_an_error_is_one_line(body: Any, message: str) -> None:
    assert explain(body) == message
