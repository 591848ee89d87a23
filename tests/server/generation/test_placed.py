"""A whole generation: the document, what the model says, and the document afterwards.

The place is ║, or what stands between ⟦ and ⟧.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from linewise_models.host.address import Served
from linewise_models.host.client import HostClient
from linewise_server.generation.ask import Ask
from linewise_server.generation.generator import apply, generate, nothing_around
from linewise_server.protocol import GenerationKind
from linewise_server.snapshot import Snapshot

FENCED = "```\nfor x in xs:\n    if x:\n        print(x)\n```\n"
CASES: list[tuple[GenerationKind, str, str, str, str]] = [
    # Steps of the document: tabs, two spaces, four; at the depth of the place.
    ("instruction", "python", "def f(xs):\n\ty = 1\n\t║\n", FENCED,
     "def f(xs):\n\ty = 1\n\tfor x in xs:\n\t\tif x:\n\t\t\tprint(x)\n"),
    ("instruction", "python", "def f(xs):\n  y = 1\n  ║\n", FENCED,
     "def f(xs):\n  y = 1\n  for x in xs:\n    if x:\n      print(x)\n"),
    ("instruction", "python", "def f(xs):\n    ⟦y = 1⟧\n", "for x in xs:\n  if x:\n    print(x)\n",
     "def f(xs):\n    for x in xs:\n        if x:\n            print(x)\n"),
    ("instruction", "typescript", "⟦function f() {\n\tg();\n}⟧\n", "function f() {\n  h();\n}\n",
     "function f() {\n\th();\n}\n"),
    ("instruction", "go", "func f() {\n\t⟦g()⟧\n}\n", "if a {\n\tg()\n}\n",
     "func f() {\n\tif a {\n\t\tg()\n\t}\n}\n"),
    # What was aligned stays aligned.
    ("instruction", "python", "def f(xs):\n    ⟦y = 1⟧\n", "y = g(1,\n      2)\n",
     "def f(xs):\n    y = g(1,\n          2)\n"),
    # Line ends of the document.
    ("implement", "python", 'def f():\r\n    """Do it."""\r\n    ║\r\n', "x = 1\n    return x\n",
     'def f():\r\n    """Do it."""\r\n    x = 1\r\n    return x\r\n'),
    ("instruction", "python", "import os\r\n\r\n⟦x = 1⟧\r\n", "import re\nx = re.I\ny = os\n",
     "import os\r\nimport re\r\n\r\nx = re.I\r\ny = os\r\n"),
    # Fences around the code, and within it.
    ("instruction", "python", "⟦x = 1⟧\n", "Here it is:\n```python\nx = 2\n```\nDone.", "x = 2\n"),
    ("instruction", "python", "⟦x = 1⟧\n", "~~~\nx = 2\n~~~\nDone.", "x = 2\n"),
    ("instruction", "python", "⟦x = 1⟧\n", "````\nx = '''\n```\n'''\n````\nDone.",
     "x = '''\n```\n'''\n"),
    ("instruction", "python", "⟦x = 1⟧\n",
     '```py\ndef f():\n    """Use it.\n\n    ```\n    f()\n    ```\n    """\n    return 1\n```\n',
     'def f():\n    """Use it.\n\n    ```\n    f()\n    ```\n    """\n    return 1\n'),
    ("instruction", "javascript", "⟦f();⟧\n", "```js\nf(`\n  ${a}\n`);\n```\n",
     "f(`\n  ${a}\n`);\n"),
]  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HostClient]:
    folder: Path = tmp_path_factory.mktemp("placed")
    script = folder / "model.script.json"
    rules = [
        {"after": rf"(?s)case {number}\..*", "text": said}
        for number, (*_, said, _) in enumerate(CASES)
    ]
    script.write_text(json.dumps({"rules": rules}))
    made = HostClient(Served(script), folder / "run")
    yield made
    await made.close()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("number", range(len(CASES)))
async def test_what_stands_there_afterwards(client: HostClient, number: int) -> None:
    kind, language, marked, _, expected = CASES[number]
    marked, expected = (text.replace("Do it", f"case {number}") for text in (marked, expected))
    start = marked.index("║" if "║" in marked else "⟦")
    end = start if "║" in marked else marked.index("⟧") - 1
    text = "".join(c for c in marked if c not in "║⟦⟧")
    snapshot = Snapshot.of(text, "file:///w/a", language)
    outcome = await generate(
        Ask(snapshot, kind, start, end, f"case {number}."), client, nothing_around
    )
    after = apply(text, outcome.changes)
    assert after == expected
    assert outcome.problems == ()
