"""What other open documents say reaches the prompt once the user pauses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.conftest import Start

SHAPES = {"after": r"(?s)# shapes\.py\n.*area\(", "text": "shapes)\n"}
UNITS = {"after": r"(?s)# units\.py\n.*area\(", "text": "units)\n"}
NOTHING = {"after": r"area\(", "text": "nothing)\n"}


@pytest.mark.parametrize(
    ("settings", "expected"), [({}, "shapes)"), ({"exclude": ["shapes.py"]}, "units)")]
)
async def test_definitions_of_open_documents_are_quoted(
    start: Start, settings: dict[str, Any], expected: str
) -> None:
    async with start(SHAPES, UNITS, NOTHING, **settings) as editor:
        await editor.open("file:///shapes.py", "python", "def area(side):\n    return side ** 2\n")
        await editor.open("file:///units.py", "python", "def metres(feet):\n    return feet / 3\n")
        await editor.open("file:///main.py", "python", "print(metres, area")
        editor.insert("(")
        said = "nothing)"
        async with asyncio.timeout(60):
            # Asked for several candidates, nothing is taken from memory.
            while said == "nothing)":
                said = (await editor.ask(invoked=True)).ghosts[0].text
        assert said == expected
