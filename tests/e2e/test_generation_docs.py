"""The docs of the APIs in a result, by each way, to either kind of client, by a real server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.catalogues import document, subscribe
from tests.e2e.conftest import Start
from tests.e2e.test_generation import BODY, MEAN, window

FMEAN = re.compile(r"https://docs\.python\.org/[\d.]+/library/statistics\.html#statistics\.fmean")


@dataclass(frozen=True)
class Way:
    kind: str
    text: str
    after: str
    said: str
    apis: dict[str, str]
    """Name -> how its address ends."""
    detail: str | None = None
    language: str = "python"


WAYS = [
    Way(
        "implement",
        MEAN + "║",
        r"the mean\.\"\"\"\s*",
        "    return statistics.fmean(xs)\n",
        {"statistics.fmean": "#statistics.fmean"},
    ),
    Way(
        "comment",
        "x = 1\n# write it down║\n",
        r"# write it down\s*",
        "import json\ny = json.dumps(x)\n",
        {"json.dumps": "#json.dumps"},
    ),
    Way(
        "instruction",
        "import os\nx = 1\n║\n",
        r"# say where\s*",
        "x = os.getcwd()\n",
        {"os.getcwd": "#os.getcwd"},
        detail="say where",
    ),
    Way(
        "fix",
        "import math\n\n\ndef root(x):\n    return math.sqr║t(x\n",
        r"(?s)was never closed.*",
        "def root(x):\n    return math.sqrt(x)\n",
        {"math.sqrt": "#math.sqrt"},
        detail="'(' was never closed",
    ),
    Way(
        "tests",
        MEAN + "    return║ 1\n",
        r"def test_mean",
        "():\n    import math\n    assert mean([4]) == math.fsum([4])\n",
        {"math": "#module-math", "math.fsum": "#math.fsum"},
    ),
    Way(
        "translate",
        "def most(a, b):\n    return║ max(a, b)\n",
        r"(?s)code to JavaScript.*",
        "function most(a, b) {\n  return Math.max(a, b);\n}\n",
        {"Math": "/Math", "Math.max": "/Math/max"},
        detail="javascript",
    ),
    Way(
        "sample",
        "import acme\n\n║\n",
        "never asked",
        "",
        {"acme.open": "https://acme.example/"},
        detail="acme/box",
    ),
    Way("docstring", MEAN + "    return║ 1\n", r"def mean\(xs\):\s*\"\"\"", 'Return it."""\n', {}),
    Way("explain", MEAN + "    return║ 1\n", r"(?s)sentences\..*", "It calls math.fsum.", {}),
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.kind)
async def test_each_result_comes_with_the_docs_of_what_it_uses(
    start: Start, linewise_home: Path, tmp_path: Path, way: Way
) -> None:
    code = "import acme\n\nbox = acme.open()\n"
    sample = {"id": "box", "title": "Open", "symbols": ["acme.open"], "code": code}
    content = document("acme", ["acme.open"], samples=[sample])
    await subscribe(linewise_home / "catalogues", content)
    async with window(start, {"after": way.after, "text": way.said}) as w:
        (tmp_path / "shapes.py").touch()
        await w.open(way.text, way.language, (tmp_path / "shapes.py").as_uri())
        answer = await w.generate(way.kind, detail=way.detail)
        assert answer["text"].strip()
        found = {api["name"]: api["url"] for api in answer["apis"] if api["url"] is not None}
        assert found.keys() == way.apis.keys()
        for name, end in way.apis.items():
            assert found[name].endswith(end)


async def test_they_are_those_of_the_place_where_the_text_went(start: Start) -> None:
    """A copy of the same line further up means something else."""
    text = "def f(dumps):\n    return dumps(1)\n\n\nfrom json import dumps\n\n\n"
    async with window(start, BODY | {"text": "    return dumps(1)\n"}) as w:
        await w.open(text + MEAN + "║")
        answer = await w.generate("implement")
        assert [api["name"] for api in answer["apis"]] == ["json.dumps"]


async def test_the_list_of_apis_has_them_once_the_text_stands_there(start: Start) -> None:
    async with window(start, BODY | {"text": "    return statistics.fmean(xs)\n"}) as w:
        await w.open("import statistics\n\n\n" + MEAN + "║")
        answer = await w.generate("implement")
        place = {"uri": w.editor.buffer.uri, "line": 0, "character": 0}

        async def listed() -> list[Any]:
            found = await w.editor.request("linewise/apisAt", place)
            return [api["url"] for api in found if api["source"] == "completion"]

        assert await listed() == []
        (edit,) = answer["edits"]
        w.editor.insert(edit["text"])
        (address,) = await listed()
        assert FMEAN.fullmatch(address)


@pytest.mark.parametrize(("written", "told"), [("statistics.fmean(xs)", 1), ("xs[0]", 0)])
async def test_clients_that_get_one_edit_are_told(start: Start, written: str, told: int) -> None:
    async with window(start, BODY | {"text": f"    return {written}\n"}) as w:
        await w.open("import statistics\n\n\n" + MEAN + "║")
        await w.run("implement")
        begin = "Implement This Function: docs of what it uses: statistics.fmean "
        links = [m.removeprefix(begin) for m in w.editor.messages if "docs of what" in m]
        assert [bool(FMEAN.fullmatch(link)) for link in links] == [True] * told
