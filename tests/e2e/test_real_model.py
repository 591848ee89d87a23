"""A real server, a real engine process and the real model on files of the standard library."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from tests.e2e.conftest import Start

SOURCE = Path(statistics.__file__).read_text("utf-8")
MEAN = '\n\ndef average(xs):\n    """Return the arithmetic mean."""\n    return sum(xs) / len('


async def test_completes_in_a_file_of_the_standard_library(start: Start, real_model: Path) -> None:
    async with start(model=real_model) as editor:
        await editor.open("file:///statistics.py", "python", SOURCE + MEAN)
        status = await editor.ready()
        assert status.state == "ready", status.message
        first = await editor.ask()
        assert first.ghosts
        assert first.ghosts[0].text.startswith("xs)")
        editor.insert("x")
        second = await editor.ask()
        assert second.ghosts[0].text.startswith("s)")
        assert second.trace.evaluatedTokens <= 3
        await editor.accept(second.ghosts[0])
        assert editor.buffer.lines[-1].startswith("    return sum(xs) / len(xs)")
        after = await editor.request("linewise/status")
        assert after["keysSavedToday"] == len(second.ghosts[0].text)


async def test_loading_is_shown_from_begin_to_end(start: Start, real_model: Path) -> None:
    async with start(model=real_model) as editor:
        await editor.open("untitled:a.py", "python", "x = ")
        await editor.ready()
        await editor.request("linewise/status")
        kinds = [value["kind"] for value in editor.progress]
        assert kinds[0] == "begin"
        assert kinds[-1] == "end"


async def test_a_newline_is_followed_by_an_indented_line(start: Start, real_model: Path) -> None:
    async with start(model=real_model) as editor:
        text = 'def mean(xs):\n    """Return the arithmetic mean of xs."""\n'
        await editor.open("file:///a.py", "python", text)
        answer = await editor.ask(invoked=True)
        assert answer.ghosts[0].text.startswith("    return")


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("javascript", "function add(a, b) {\n  return a", " + b"),
        ("go", "func add(a int, b int) int {\n\treturn a", " + b"),
        ("java", "class A {\n  static int add(int a, int b) {\n    return a", " + b"),
    ],
)
async def test_other_languages(
    start: Start, real_model: Path, language: str, text: str, expected: str
) -> None:
    async with start(model=real_model) as editor:
        await editor.open(f"file:///a.{language}", language, text)
        answer = await editor.ask(invoked=True)
        assert answer.ghosts
        assert answer.ghosts[0].text.startswith(expected)


async def test_several_candidates_when_asked_by_hand(start: Start, real_model: Path) -> None:
    async with start(model=real_model, candidates=3) as editor:
        await editor.open("file:///a.py", "python", "def area(width, height):\n    ")
        answer = await editor.ask(invoked=True)
        assert 1 <= len(answer.ghosts) <= 3
        assert len({ghost.text for ghost in answer.ghosts}) == len(answer.ghosts)
