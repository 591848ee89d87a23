"""A module of the workspace comes before one of the same name elsewhere, and has no page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from linewise_server.apidocs.apis import import_links
from linewise_server.apidocs.consent import Policy
from linewise_server.apidocs.docs import Docs, Shared, open_docs
from linewise_server.apidocs.environment import own_environment
from linewise_server.apidocs.source import Source

LATE = 60.0
"""Seconds; only a process that hangs takes them."""
FILES = {
    "random.py": "def choice(x): ...\nclass Mine(list): ...\n",
    "src/calendar.py": "",
    "pkg/__init__.py": "",
    "pkg/json.py": "",
    "pkg/main.py": "",
    "secrets/notes.txt": "",
    "tools/queue/__init__.py": "class Queue: ...\n",
    "filter.py": "",
    "lib/python3.11/site-packages/click/__init__.py": "",
    "lib/python3.11/site-packages/click/core.py": "",
    "lib/python3.11/site-packages/click/json.py": "",
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def docs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Docs]:
    """Return the docs of a workspace with modules named as those of the standard library."""
    folder = tmp_path_factory.mktemp("own")
    root = folder / "root"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    shared, never = Shared(folder / "docs"), Policy("never", ())
    docs = open_docs(shared, folder / "cache", root, own_environment(), lambda: never)
    yield docs
    await docs.close()
    await shared.close()


CASES: list[tuple[str, str, str | None]] = [
    ("main.py", "import random\nrandom.choi║ce([1])", None),
    ("main.py", "import rand║om", None),
    ("main.py", "from random import choice\ncho║ice([1])", None),
    ("main.py", "from random import choice as c\n║c([1])", None),
    ("main.py", "from random import Mine\nMine().so║rt()", "list.sort"),
    ("main.py", "import calendar\ncalendar.Calen║dar()", None),
    ("main.py", "import secrets\nsecrets.token_║hex()", "secrets.token_hex"),
    ("main.py", "import json\njson.du║mps(1)", "json.dumps"),
    ("pkg/main.py", "import json\njson.du║mps(1)", "json.dumps"),
    ("pkg/main.py", "from . import json\njson.du║mps(1)", None),
    ("pkg/main.py", "import random\nrandom.choi║ce([1])", None),
    ("tools/main.py", "import queue\nqueue.Que║ue()", None),
    ("tools/main.py", "from queue import Queue\nQueue().p║ut(1)", None),
    ("main.py", "import queue\nqueue.Que║ue()", "queue.Queue"),
    ("main.py", "fil║ter(f, [])", "filter"),
    ("main.py", "import filter\nfil║ter.f()", None),
    ("elsewhere.py", "import fil║ter", None),
    ("lib/python3.11/site-packages/click/core.py", "import json\njson.du║mps(1)", "json.dumps"),
]  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("file", "marked", "target"), CASES)
@pytest.mark.parametrize("deadline", [0.0, LATE])
async def test_the_workspace_s_modules_come_first(
    docs: Docs, file: str, marked: str, target: str | None, deadline: float
) -> None:
    assert docs.root is not None
    source = Source(marked.replace("║", ""), "python", docs.root / file)
    found = await docs.resolve(source, marked.index("║"), deadline)
    link = found.link.target if found is not None and found.link is not None else None
    assert link == target or (deadline == 0.0 and link is None)


@pytest.mark.asyncio(loop_scope="module")
async def test_imports_of_the_workspace_s_modules_are_no_links(docs: Docs) -> None:
    assert docs.root is not None
    source = Source("import random, json\n", "python", docs.root / "main.py")
    assert [link.name for link in import_links(docs, source)] == ["json"]
