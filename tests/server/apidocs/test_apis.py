"""The lists of APIs and the links on imports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from linewise_server.apidocs.acquire import Acquisition
from linewise_server.apidocs.apis import apis_at, import_links, open_import
from linewise_server.apidocs.consent import Answers, Policy
from linewise_server.apidocs.docs import Docs
from linewise_server.apidocs.fetcher import Fetcher
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.packages import Packages
from linewise_server.apidocs.source import Source

MARK = "║"
GO = ["fmt", "net/http"]


@pytest_asyncio.fixture
async def docs(library: Library, packages: Packages, tmp_path: Path) -> AsyncIterator[Docs]:
    """Return docs by text alone."""
    answers = Answers(tmp_path / "answers.json")
    acquisition = Acquisition(library, packages, lambda: Policy("never", ()), answers, Fetcher())
    yield Docs(library, packages, acquisition, None)


CASES: list[tuple[str, str, str, list[tuple[str, str, bool]]]] = [
    (
        "python",
        "import json\njson.du║mps(1)\nlen(x)\nx = os.getcwd",
        "json.dumps(1)\nlen(x)",
        [("json.dumps", "cursor", True), ("len", "completion", True)],
    ),
    ("python", "import json\njson.du║mps(1)", "", [("json.dumps", "cursor", True)]),
    ("python", "import json\n║\njson.loads(1)", "is gone", []),
    (
        "python",
        "import json\n║\njson.loads(1)",
        "  json.loads(1)\n",
        [("json.loads", "completion", True)],
    ),
    ("python", "import toy\ntoy.B║ox()", "", [("toy.Box", "cursor", False)]),
    ("python", "def mine(): pass\nmi║ne()", "mine()", []),
    (
        "javascript",
        "║\nfetch(`x`.at(1))",
        "fetch(`x`.at(1))",
        [("fetch", "completion", True), ("String.at", "completion", True)],
    ),
]


@pytest.mark.parametrize(("language", "marked", "completion", "expected"), CASES)
async def test_apis_at(
    docs: Docs, language: str, marked: str, completion: str, expected: list[tuple[str, str, bool]]
) -> None:
    source = Source(marked.replace(MARK, ""), language)
    found = await apis_at(docs, source, marked.index(MARK), completion)
    assert [(api.name, api.source, api.url is not None) for api in found] == expected
    assert all(api.caption for api in found)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("python", "import os, toy\nfrom json import dumps", ["os", "json", "json.dumps"]),
        ("go", 'package m\nimport (\n\t"fmt"\n\th "net/http"\n)\nvar x = "a"\n', GO),
        ("rust", "use std::fs;\nuse crate::x;\nuse serde::S;\n", ["std::fs", "serde::S"]),
        ("java", "import java.util.List;\nimport org.acme.Thing;\n", ["java.util.List"]),
        (
            "rust",
            "use std::{fs, io::{self, Read as R}};\n",
            ["std::fs", "std::io::Read"],
        ),
        ("rust", "pub use std::fs::*;\nmod a { use std::fs; }\n", ["std::fs"]),
        (
            "java",
            "import static java.lang.Math.max;\nimport java.util.*;\nimport java.util.Map.Entry;",
            ["java.lang.Math.max", "java.util", "java.util.Map.Entry"],
        ),
        ("c", '#include <stdio.h>\n#include "x.h"\n#include <glib.h>\n', ["stdio.h"]),
        ("cpp", "#include <vector>\n# include <cstdio>\n", ["vector", "cstdio"]),
        ("css", "@import 'x';", []),
    ],
)
async def test_import_links(docs: Docs, language: str, text: str, expected: list[str]) -> None:
    links = import_links(docs, Source(text, language))
    assert [link.name for link in links] == expected
    assert all(text[link.span.start : link.span.end] in link.name for link in links)


@pytest.mark.parametrize(
    ("name", "target"),
    [("json.dumps", "json.dumps"), ("json.no_such", "json"), ("toy.Box", None), ("", None)],
)
async def test_an_import_leads_to_its_entry_or_its_module_s(
    docs: Docs, name: str, target: str | None
) -> None:
    link = open_import(docs, name)
    assert (link.target if link else None) == target
