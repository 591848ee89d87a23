"""What other open documents and catalogues say reaches the prompt once the user pauses."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from linewise_server.lsp.editor import Editor
from tests.catalogues import document, subscribe
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
        assert await heard(editor) == expected


LIKE = """def load_users(client, limit):
    response = client.get("/users", params={"limit": limit})
    response.raise_for_status()
    return [User.parse(row) for row in response.json()]
"""
HERE = """def load_orders(client, limit):
    response = client.get("/orders", params={"limit": limit})
    checked(response."""
ALIKE = {
    "after": r"(?s)^# users\.py\n# def load_users\(client, limit\):\n.*\n\ndef load_orders.*raise_",
    "text": "for_status)\n",
}
UNQUOTED = {"after": "raise_", "text": "nothing)\n"}


@pytest.mark.parametrize(
    ("settings", "expected"), [({}, "for_status)"), ({"exclude": ["users.py"]}, "units)")]
)
async def test_similar_passages_of_open_documents_are_quoted(
    start: Start, settings: dict[str, Any], expected: str
) -> None:
    # Where it is excluded, something else is quoted, so that one sees that it had its pause.
    units = {"after": r"(?s)^# units\.py\n.*def load_orders.*raise_", "text": "units)\n"}
    async with start(ALIKE, units, UNQUOTED, **settings) as editor:
        await editor.open("file:///users.py", "python", LIKE)
        if settings:
            await editor.open("file:///units.py", "python", LIKE.replace("users", "units"))
        await editor.open("file:///main.py", "python", HERE)
        editor.insert("raise_")
        assert await heard(editor) == expected


async def heard(editor: Editor) -> str:
    """Return the first answer that something was quoted for."""
    said = "nothing)"
    async with asyncio.timeout(60):
        # Asked for several candidates, nothing is taken from memory.
        while said == "nothing)":
            said = (await editor.ask(invoked=True)).ghosts[0].text
    return said


AREA = {
    "id": "area",
    "title": "Area of a floor",
    "symbols": ["shop.area"],
    "code": "import shop\n\nshop.area(floor=2)\n",
}
SAMPLE = {
    "after": r"# Shop: Area of a floor\n# shop\.area\(floor=2\)\n\nimport shop\nx = shop\.area\(",
    "text": "floor=3)\n",
}


async def test_samples_of_catalogues_are_quoted(start: Start, linewise_home: Path) -> None:
    content = document("shop", ["shop.area"], samples=[AREA])
    await subscribe(linewise_home / "catalogues", content)
    async with start(SAMPLE, NOTHING) as editor:
        await editor.open("file:///main.py", "python", "import shop\nx = shop.area")
        editor.insert("(")
        assert await heard(editor) == "floor=3)"
