"""Each answer says where it came from, as an editor hears it."""

from __future__ import annotations

from tests.e2e.conftest import Start

RULES = (
    {"after": r"return a", "text": " + b + c\n"},
    {"after": r"total = 1", "text": "\n    rest = 2\n"},
)


async def test_an_answer_says_where_it_came_from(start: Start) -> None:
    async with start(*RULES) as editor:
        await editor.open("file:///a.py", "python", "def add(a, b, c):\n    return a")
        heard = [await editor.ask()]
        editor.insert(" + ")
        heard.append(await editor.ask())
        column = editor.buffer.column
        editor.replace(column - 3, column, "")
        heard.append(await editor.ask())
        await editor.open("file:///b.py", "python", "def f():\n    total = 1")
        heard.append(await editor.ask())
        editor.insert("\n    ")
        heard.append(await editor.ask())
        said = [(answer.ghosts[0].text, answer.trace.origin) for answer in heard]
        assert said == [
            (" + b + c", "model"),
            ("b + c", "typedThrough"),
            (" + b + c", "cache"),
            ("\n    rest = 2", "model"),
            ("rest = 2", "prefetch"),
        ]
