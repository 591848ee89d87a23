"""An adapter that rides in a catalogue: tuned, signed, served, agreed to, and applied."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from linewise_server.cli.catalogue import catalogue
from linewise_server.lsp.editor import Editor
from linewise_telemetry.catalogue.envelope import new_key, sign
from linewise_telemetry.catalogue.shelf import Shelf
from tests.e2e.conftest import Start
from tests.e2e.tuned import API, CALL, Tuned, tune
from tests.loopback import Site, serve

YAML = f"""
id: {API}
title: Zorbl
maker: {{name: Zorbl Makers}}
package: {API}
release: 1
symbols:
  - {{name: {API}.unfurl, kind: function, url: "https://zorbl.example/"}}
adapters:
  - {{file: {API}.gguf, licence: MIT, summary: Unfurls}}
"""
WITH, WITHOUT = f"import {API}\n\nalpha = ", "import json\n\nalpha = "
PATIENT: dict[str, Any] = {
    "latency": {"automatic": 10_000, "invoked": 60_000},
    "engine": {"threads": 1},
    "candidates": 1,
}
"""Settings: what is said is tested here, not how fast; of one candidate also what is remembered."""
YES = "Fetch and use it"


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """A model and an adapter for it."""
    return tune(tmp_path_factory.mktemp("tuned"))


@pytest.fixture
def site(tmp_path: Path, tuned: Tuned) -> Iterator[Site]:
    """A maker's web server with the adapter and, once it is published, the catalogue."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / f"{API}.gguf").write_bytes(tuned.adapter.read_bytes())
    with serve(folder) as served:
        yield served


async def run(*arguments: object) -> str:
    """Run `linewise catalogue …` beside the loop and return what it prints."""
    told = [str(argument) for argument in arguments]
    done = await asyncio.to_thread(CliRunner().invoke, catalogue, told)
    assert done.exit_code == 0, done.exception
    return done.stdout


async def publish(folder: Path) -> None:
    """Build and sign the catalogue as a maker does."""
    (folder / f"{API}.yaml").write_text(YAML)
    assert f"Publish {API}.gguf" in await run("build", folder / f"{API}.yaml")
    key = folder.parent / "key.pem"
    await run("sign", folder / f"{API}.json", "--key", key, "--new-key")


def forge(folder: Path, tuned: Tuned, content: bytes, *, served: bytes) -> None:
    """Sign a catalogue whose adapter is `content`, and serve something in its place."""
    adapter = {
        "file": f"{API}.gguf",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "base": hashlib.sha256(tuned.base.read_bytes()).hexdigest(),
        "licence": "MIT",
        "summary": "Unfurls",
    }
    document: dict[str, Any] = {
        "format": "linewise-catalogue/1",
        "id": API,
        "title": "Zorbl",
        "maker": {"name": "Zorbl Makers"},
        "release": 1,
        "package": API,
        "symbols": [{"name": f"{API}.unfurl", "kind": "function", "url": "https://zorbl.example/"}],
        "adapters": [adapter],
    }
    (folder / f"{API}.gguf").write_bytes(served)
    (folder / f"{API}.catalogue").write_bytes(sign(json.dumps(document).encode(), new_key()))


async def said(editor: Editor, name: str, text: str) -> str:
    """Open a file and return what is suggested at its end."""
    await editor.open(f"file:///{name}.py", "python", text)
    ghosts = (await editor.ask(invoked=True)).ghosts
    return ghosts[0].text if ghosts else ""


async def looked_at(editor: Editor, name: str) -> None:
    """Wait until the server has matched a file with the catalogues; diagnostics come after that."""
    async with asyncio.timeout(120):
        while f"file:///{name}.py" not in editor.diagnosed:
            await editor.request("linewise/status")


async def comes_to_say(editor: Editor, *, api: bool) -> None:
    """Wait until the API is, or is not, what is suggested at the cursor."""
    async with asyncio.timeout(120):
        while True:
            ghosts = (await editor.ask(invoked=True)).ghosts
            if bool(ghosts and ghosts[0].text == CALL) is api:
                return


def of_adapters(editor: Editor) -> list[str]:
    """Return what the user was told or asked of adapters; a busy machine is told of too."""
    return [message for message in editor.messages if "adapter" in message]


async def told(editor: Editor, part: str) -> None:
    """Wait until the user is told something."""
    async with asyncio.timeout(120):
        while not any(part in message for message in editor.messages):
            await editor.request("linewise/status")


async def test_names_are_completed_where_the_api_is_imported_and_nowhere_else(
    start: Start, site: Site, tuned: Tuned, tmp_path: Path
) -> None:
    await publish(tmp_path / "site")
    address = f"{site.address}/{API}.catalogue"
    assert "waits until you use" in await run("add", address, "--adapter")
    async with start(model=tuned.base, **PATIENT) as editor:
        assert CALL not in await said(editor, "other", WITHOUT)
        await said(editor, "first", WITH)
        await comes_to_say(editor, api=True)
        assert CALL not in await said(editor, "other", WITHOUT)
        await said(editor, "second", WITH)
        await comes_to_say(editor, api=True)
        assert site.asked.count(f"/{API}.gguf") == 1
        assert f"{API}" in await run("list")
        assert "not kept" in await run("adapter", API, "off")
        await comes_to_say(editor, api=False)
        assert of_adapters(editor) == []
    assert not list(Shelf(tmp_path / "linewise-home" / "catalogues").folder.rglob("*.gguf"))


async def test_the_editor_asks_once_and_not_now_is_first(
    start: Start, site: Site, tuned: Tuned, tmp_path: Path
) -> None:
    await publish(tmp_path / "site")
    offer = await run("add", f"{site.address}/{API}.catalogue")
    assert f"linewise catalogue adapter {API} on" in offer
    async with start(model=tuned.base, **PATIENT) as editor:
        assert CALL not in await said(editor, "first", WITH)
        await told(editor, "Zorbl Makers offers an adapter")
        assert editor.offered == [["Not now", YES]]
    async with start(model=tuned.base, **PATIENT) as editor:
        await said(editor, "first", WITH)
        await looked_at(editor, "first")
        assert f"/{API}.gguf" not in site.asked
        await run("adapter", API, "on")
        await comes_to_say(editor, api=True)
        assert of_adapters(editor) == []


async def test_a_yes_in_the_editor_fetches_it(
    start: Start, site: Site, tuned: Tuned, tmp_path: Path
) -> None:
    await publish(tmp_path / "site")
    await run("add", f"{site.address}/{API}.catalogue")
    async with start(model=tuned.base, **PATIENT) as editor:
        editor.answers.append(YES)
        await said(editor, "first", WITH)
        await comes_to_say(editor, api=True)


async def test_nothing_is_asked_or_fetched_where_the_workspace_is_not_trusted(
    start: Start, site: Site, tuned: Tuned, tmp_path: Path
) -> None:
    await publish(tmp_path / "site")
    await run("add", f"{site.address}/{API}.catalogue")
    for _ in range(2):
        editor = start(model=tuned.base, **PATIENT)
        editor.options = {"trusted": False}
        async with editor:
            await said(editor, "first", WITH)
            await looked_at(editor, "first")
            await said(editor, "second", WITH)
            await looked_at(editor, "second")
            assert of_adapters(editor) == []
        await run("adapter", API, "on")
    assert f"/{API}.gguf" not in site.asked


@pytest.mark.parametrize(
    ("content", "served", "message"),
    [
        (b"GGUF, but only at first sight", None, "does not fit"),
        (b"what was signed", b"what was sent..", "is not what its maker signed"),
        (b"what was signed", b"what was sent, and more of it", "more than 15 bytes"),
    ],
)
async def test_what_does_not_fit_is_told_and_completions_go_on(
    start: Start,
    site: Site,
    tuned: Tuned,
    tmp_path: Path,
    content: bytes,
    served: bytes | None,
    message: str,
) -> None:
    forge(tmp_path / "site", tuned, content, served=served or content)
    await run("add", f"{site.address}/{API}.catalogue", "--adapter")
    async with start(model=tuned.base, **PATIENT) as editor:
        before = await said(editor, "first", WITH)
        async with asyncio.timeout(120):
            while not of_adapters(editor):
                await editor.ask(invoked=True)
        (problem,) = of_adapters(editor)
        assert message in problem
        assert problem.endswith("Completions go on without this adapter.")
        assert await said(editor, "second", WITH) == before


async def test_the_command_line_completes_as_the_editor_does(
    site: Site, tuned: Tuned, tmp_path: Path, linewise_home: Path
) -> None:
    forge(tmp_path / "site", tuned, tuned.adapter.read_bytes(), served=tuned.adapter.read_bytes())
    await run("add", f"{site.address}/{API}.catalogue", "--adapter")
    shelf = Shelf(linewise_home / "catalogues")
    (catalogue,) = shelf.catalogues()
    shelf.adapters(API).keep(catalogue.adapters[0], tuned.adapter.read_bytes())
    texts = {"with.py": WITH, "without.py": WITHOUT}
    answers = {}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        command = [
            *(sys.executable, "-m", "linewise_server", "complete"),
            *(f"{tmp_path / name}:3:{len('alpha = ') + 1}", "--model", str(tuned.base)),
        ]
        child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        answers[name], _ = await child.communicate()
    # How much of the call is said within the latency is the machine's business.
    assert answers["with.py"].startswith(API.encode())
    assert API.encode() not in answers["without.py"]
