"""A maker and a user of requests: from the docs' inventory to the diagnostic in an open editor.

Everything is real but the maker: the commands, the file that a web server gives out, its ETag and
signature, the server and the installed package.
"""

from __future__ import annotations

import asyncio
from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from lsprotocol import types

from linewise_server.apidocs.inventory import Inventory, Symbol, write_inventory
from linewise_server.cli.catalogue import catalogue
from linewise_server.cli.docs import docs
from linewise_server.errors import FailedError
from linewise_server.lsp.editor import Editor
from tests.e2e.conftest import Start
from tests.loopback import serve

SHARED = Path(__file__).parents[3] / "shared/data/inventories/python-requests-doc_2.28.1+dfsg-1.inv"
NAMES = ("requests.get", "requests.head", "requests.request", "requests.Session.get")
BASE = "https://requests.readthedocs.io/en/latest/"
TEXT = "from requests import get\n\nget('https://a.example')\nprint(get)\n"
YAML = """\
id: requests
title: Requests
maker:
  name: The Makers
package: requests
release: {release}
"""
DEPRECATED = """\
deprecations:
  - symbol: requests.get
    since: "2.0"
    replacement: requests.head
    mechanical: true
    guide: https://requests.example/migrate
"""


def run(*arguments: object, command: click.Command = catalogue) -> str:
    result = CliRunner().invoke(command, [str(each) for each in arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


class Maker:
    """Who publishes a catalogue of requests in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inventory = folder / "objects.inv"
        symbols = tuple(Symbol(name, "py:function", "api/#$") for name in NAMES)
        written = write_inventory(Inventory("Requests", metadata.version("requests"), symbols))
        self.inventory.write_bytes(SHARED.read_bytes() if SHARED.exists() else written)

    def publish(self, text: str, key: str = "maker.pem") -> None:
        source = self.folder / "requests.yaml"
        source.write_text(text)
        run("build", source, "--inventory", self.inventory, "--base", BASE)
        run("check", self.folder / "requests.json")
        new = [] if (self.folder / key).exists() else ["--new-key"]
        run("sign", self.folder / "requests.json", "--key", self.folder / key, *new)
        assert "requests release" in run("verify", self.folder / "requests.catalogue")


async def page(editor: Editor, uri: str) -> str:
    """Return where the editor and the command line find requests.get documented, the same."""
    at = {"textDocument": {"uri": uri}, "position": {"line": 2, "character": 1}}
    linked = str(await editor.request("experimental/externalDocs", at))
    looked_up = await asyncio.to_thread(run, "lookup", "requests.get", command=docs)
    assert looked_up.split()[0] == linked
    return linked


async def diagnostics(editor: Editor, uri: str) -> list[types.Diagnostic]:
    """Return the next diagnostics of a document."""
    async with asyncio.timeout(60):
        while True:
            published = await editor.published.get()
            if published.uri == uri:
                return list(published.diagnostics)


async def test_a_deprecation_of_requests_reaches_an_open_editor_from_a_web_server(
    start: Start, linewise_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEWISE_HOME", str(linewise_home))
    site = tmp_path / "site"
    site.mkdir()
    maker, uri = Maker(site), (tmp_path / "main.py").as_uri()
    maker.publish(YAML.format(release=1))
    with serve(site) as served:
        async with start() as editor:
            await editor.open(uri, "python", TEXT)
            address = f"{served.address}/requests.catalogue"
            assert "any other key will be refused" in await asyncio.to_thread(run, "add", address)
            assert await diagnostics(editor, uri) == []
            assert (await page(editor, uri)).startswith(BASE)

            assert "nothing new" in await asyncio.to_thread(run, "update")
            assert "/requests.catalogue" in served.unchanged

            await asyncio.to_thread(maker.publish, YAML.format(release=2) + DEPRECATED)
            assert "release 2" in await asyncio.to_thread(run, "update")
            found = await diagnostics(editor, uri)
            places = [(each.range.start.line, each.range.start.character) for each in found]
            assert places == [(0, 21), (2, 0), (3, 6)]
            for each in found:
                assert each.message.startswith("requests.get is deprecated since 2.0.")
                assert list(each.tags or []) == [types.DiagnosticTag.Deprecated]
                assert each.code_description is not None
                assert each.code_description.href == "https://requests.example/migrate"

            where, context = types.TextDocumentIdentifier(uri), types.CodeActionContext(found)
            params = types.CodeActionParams(where, found[1].range, context)
            actions = await editor.request(types.TEXT_DOCUMENT_CODE_ACTION, params)
            fix = next(action for action in actions if action.title == "Use head")
            assert [edit.range for edit in fix.edit.changes[uri]] == [each.range for each in found]

            forged = YAML.format(release=3)
            await asyncio.to_thread(maker.publish, forged, "stranger.pem")
            with pytest.raises(FailedError, match="key"):
                await asyncio.to_thread(run, "update")
            assert (await page(editor, uri)).startswith(BASE), "the copy stays"
            held = types.DidCloseTextDocumentParams(where)
            editor.notify(types.TEXT_DOCUMENT_DID_CLOSE, held)
            assert await diagnostics(editor, uri) == [], "what is closed has none"


async def test_an_accepted_completion_s_apis_are_told_without_a_message(start: Start) -> None:
    rule = {"after": "text = ", "text": "json.dumps(stream.getvalue())\n"}
    text = "import io\nimport json\n\nstream = io.StringIO()\ntext = "
    async with start(rule) as editor:
        await editor.open("file:///a.py", "python", text)
        await editor.ready()
        (ghost,) = (await editor.ask()).ghosts
        await editor.accept(ghost)
        async with asyncio.timeout(60):
            method, first = await editor.told.get()
            assert (method, first["uri"]) == ("completionApis", "file:///a.py")
            assert [api["name"] for api in first["apis"]] == ["json.dumps"], "by the text, at once"
            _, second = await editor.told.get()
        assert [api["name"] for api in second["apis"]] == ["json.dumps", "io.StringIO.getvalue"]
        assert all(api["url"].startswith("https://docs.python.org/") for api in second["apis"])
        listed = await editor.request(
            "linewise/apisAt", {"uri": "file:///a.py", "line": 0, "character": 8}
        )
        assert [(api["name"], api["source"]) for api in listed] == [
            ("io", "cursor"),
            ("json.dumps", "completion"),
            ("io.StringIO.getvalue", "completion"),
        ]
        assert editor.messages == []
