"""The docs of a workspace as a whole: what a workspace that closes leaves behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

from linewise_server.apidocs.consent import Policy
from linewise_server.apidocs.docs import Shared, open_docs
from linewise_server.apidocs.environment import Environment
from linewise_server.apidocs.index import Index
from linewise_server.apidocs.inventory import Inventory, Symbol, write_inventory
from linewise_server.apidocs.source import Source


async def test_closing_waits_for_what_a_thread_still_reads(
    tmp_path: Path, environment: Environment
) -> None:
    folder = tmp_path / "docs"
    shared = Shared(folder)
    docs = open_docs(shared, tmp_path / "cache", None, environment, lambda: Policy("never", ()))
    begun = asyncio.Event()

    async def quiet() -> None:
        begun.set()

    warming = asyncio.create_task(docs.warm(Source("import json\n", "python"), quiet))
    await begun.wait()
    await asyncio.sleep(0)  # the thread begins
    warming.cancel()
    await docs.close()
    await shared.close()
    index = Index(folder / "index.sqlite")
    (found,) = index.docsets("python")
    assert found.symbols > 1000
    index.close()


async def test_an_inventory_is_read_and_kept_beside_the_event_loop(
    tmp_path: Path, environment: Environment
) -> None:
    folder = tmp_path / "docs"
    shared, never = Shared(folder), Policy("never", ())
    docs = open_docs(shared, tmp_path / "cache", None, environment, lambda: never)
    large = tuple(Symbol(f"toy.f{n}", "py:function", "p#$") for n in range(20_000))
    (tmp_path / "objects.inv").write_bytes(write_inventory(Inventory("Toy", "1", large)))
    place = str(tmp_path / "objects.inv")
    adding = asyncio.create_task(
        docs.acquisition.add(place, package=None, base="https://toy.example/", version=None)
    )
    turns = 0
    while not docs.library.index.docsets("toy"):
        turns += 1
        await asyncio.sleep(0)
    assert turns > 100, "the event loop went on meanwhile"
    adding.cancel()
    await docs.close()
    await shared.close()
    index = Index(folder / "index.sqlite")
    (found,) = index.docsets("toy")
    assert found.symbols == len(large)
    index.close()
