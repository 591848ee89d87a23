"""The docs features over the wire: a real server process, a client that speaks LSP.

One long file, since one server and its workspace, which the fixtures make, serve every test.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from linewise_server.lsp.editor import new_converter
from linewise_telemetry.catalogue.envelope import new_key, sign
from linewise_telemetry.catalogue.shelf import Pulled, Shelf

URI = "file:///workspace/main.py"
TEXT = "# 🐍 comes first\nimport json, os.path\nx = '🐍'; json.dumps(x)\nos.path.join('a', 'b')\n"
JSON = f"https://docs.python.org/3.{sys.version_info[1]}/library/json.html"


class Client(LanguageClient):
    """A client that keeps the diagnostics it is sent."""

    def __init__(self) -> None:
        super().__init__("test", "1", converter_factory=new_converter)
        self.opened: list[str] = []
        self.questions: asyncio.Queue[str] = asyncio.Queue()
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        self.announced: asyncio.Queue[list[str]] = asyncio.Queue()
        self.diagnostics: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
        def keep(params: types.PublishDiagnosticsParams) -> None:
            self.diagnostics.put_nowait(params)

        @self.feature("linewise/announcementsChanged")  # type: ignore[untyped-decorator]
        def announced(params: Any) -> None:
            self.announced.put_nowait([each.id for each in params.items])

        @self.feature(types.WINDOW_SHOW_MESSAGE)  # type: ignore[untyped-decorator]
        def message(params: types.ShowMessageParams) -> None:
            self.messages.put_nowait(params.message)

        @self.feature(types.WINDOW_SHOW_DOCUMENT)  # type: ignore[untyped-decorator]
        def show(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
            self.opened.append(params.uri)
            return types.ShowDocumentResult(success=True)

        @self.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)  # type: ignore[untyped-decorator]
        def answer(params: types.ShowMessageRequestParams) -> types.MessageActionItem:
            self.questions.put_nowait(params.message)
            return list(params.actions or [])[-1]


@pytest_asyncio.fixture
async def client(linewise_home: Path, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """Return a client with the document open, with the options of the parameter."""
    client = Client()
    server = Path(__file__).with_name("docs_server.py")
    await client.start_io(sys.executable, str(server))
    await client.initialize_async(
        types.InitializeParams(
            capabilities=types.ClientCapabilities(experimental={"localDocs": True}),
            root_uri=linewise_home.as_uri(),
            initialization_options=getattr(request, "param", None),
        )
    )
    client.initialized(types.InitializedParams())
    item = types.TextDocumentItem(URI, "python", 1, TEXT)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    yield client
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()  # type: ignore[no-untyped-call]  # pygls leaves it so


def place(line: int, character: int) -> dict[str, Any]:
    return {
        "textDocument": types.TextDocumentIdentifier(URI),
        "position": types.Position(line, character),
    }


async def test_hover_links_the_symbol_in_the_client_s_own_columns(client: Client) -> None:
    where = types.TextDocumentIdentifier(URI), types.Position(2, 17)
    found = await client.text_document_hover_async(types.HoverParams(*where))
    assert found is not None
    assert isinstance(found.contents, types.MarkupContent)
    assert f"]({JSON}#json.dumps)" in found.contents.value
    assert found.range == types.Range(types.Position(2, 15), types.Position(2, 20))


@pytest.mark.parametrize(
    ("client", "whole"),
    [
        ({}, True),
        ({"pythonServer": True}, False),
        ({"pythonServer": True, "settings": {"docs": {"hover": "whole"}}}, True),
        ({"settings": {"docs.hover": "link"}}, False),
    ],
    indirect=["client"],
)
async def test_hover_repeats_nothing_that_another_extension_shows(
    client: Client, whole: bool
) -> None:
    where = types.TextDocumentIdentifier(URI), types.Position(2, 17)
    params = types.HoverParams(*where)
    found = await client.text_document_hover_async(params)
    while whole and found and "Serialize" not in str(found.contents):
        # The first answers come before inference has started.
        found = await client.text_document_hover_async(params)
    assert found is not None
    assert isinstance(found.contents, types.MarkupContent)
    lines = found.contents.value.splitlines()
    assert lines[-1].startswith("[`json.dumps`")
    assert (len(lines) > 1) is whole


@pytest.mark.parametrize("first", ["textDocument/hover", "linewise/hoverRest"])
async def test_what_a_hover_cannot_say_in_time_is_said_beside_it(
    client: Client, first: str
) -> None:
    where = {"uri": URI, "line": 2, "character": 17}
    asked: dict[str, Any] = {
        "textDocument/hover": types.HoverParams(
            types.TextDocumentIdentifier(URI), types.Position(2, 17)
        ),
        "linewise/hoverRest": where,
    }
    said = ""
    async with asyncio.timeout(60):
        while "Serialize" not in said:
            # A busy machine may be late even for what waits.
            order = sorted(asked, key=first.__ne__)
            answers = dict(zip(order, await asyncio.gather(
                *(client.protocol.send_request_async(method, asked[method]) for method in order)
            ), strict=True))  # fmt: skip
            hover, rest = answers["textDocument/hover"], answers["linewise/hoverRest"]
            assert JSON in hover.contents.value, "the link is never late"
            said = f"{hover.contents.value}\n{rest.markdown or ''}"
            assert said.count("[`json.dumps`") == 1
    assert said.count("Serialize") == 1
    assert said.count("```python\ndumps(") == 1


async def test_hovers_under_way_at_once_keep_their_rests_apart(client: Client) -> None:
    def asked(line: int, character: int) -> list[tuple[str, Any]]:
        document, position = types.TextDocumentIdentifier(URI), types.Position(line, character)
        where = {"uri": URI, "line": line, "character": character}
        hover = types.HoverParams(document, position)
        return [("linewise/hoverRest", where), ("textDocument/hover", hover)]

    said: list[str] = []
    async with asyncio.timeout(60):
        while not ("Serialize" in "".join(said[:2]) and "join(path" in "".join(said[2:])):
            # A busy machine may be late even for what waits.
            answers = await asyncio.gather(
                *(
                    client.protocol.send_request_async(method, params)
                    for method, params in (*asked(2, 17), *asked(3, 9))
                )
            )
            said = [str(answer) for answer in answers]
    assert "join(path" not in "".join(said[:2])
    assert "Serialize" not in "".join(said[2:])


async def test_imports_are_links_that_are_resolved_on_demand(client: Client) -> None:
    document = types.TextDocumentIdentifier(URI)
    links = await client.text_document_document_link_async(types.DocumentLinkParams(document))
    assert links is not None
    assert [(link.target, link.range.start.character) for link in links] == [(None, 7), (None, 13)]
    first = await client.document_link_resolve_async(links[0])
    assert first.target == f"{JSON}#module-json"


async def test_external_docs_has_rust_analyzer_s_shape(client: Client) -> None:
    found = await client.protocol.send_request_async("experimental/externalDocs", place(3, 9))
    assert found.web.endswith("/library/os.path.html#os.path.join")
    assert found.local is None
    nothing = await client.protocol.send_request_async("experimental/externalDocs", place(0, 3))
    assert nothing.web is None


async def test_apis_at_lists_the_cursor_s(client: Client) -> None:
    params = {"uri": URI, "line": 3, "character": 9}
    found = await client.protocol.send_request_async("linewise/apisAt", params)
    (api,) = found
    assert (api["name"], api["source"]) == ("os.path.join", "cursor")
    assert api["caption"] == f"Python 3.{sys.version_info[1]}"


async def version_linked(client: Client) -> str:
    """Return the Python whose docs a hover leads to."""
    where = types.TextDocumentIdentifier(URI), types.Position(2, 17)
    found = await client.text_document_hover_async(types.HoverParams(*where))
    match = re.search(r"docs\.python\.org/(3\.\d+)/", str(found.contents) if found else "")
    return match[1] if match else ""


async def comes_to_link(client: Client, version: str) -> None:
    """Wait until hovers lead to the docs of a Python: settings take a moment to arrive."""
    async with asyncio.timeout(60):
        while await version_linked(client) != version:
            """What was set before still counts."""


def make_environment(folder: Path, version: str) -> str:
    """Make what reads as an environment; running its interpreter leaves a trace."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f"#!/bin/sh\ntouch {folder}/ran\n")
    (folder / "bin" / "python").chmod(0o755)
    (folder / "pyvenv.cfg").write_text(f"version = {version}.1\n")
    (folder / "lib" / f"python{version}" / "site-packages").mkdir(parents=True)
    return str(folder / "bin" / "python")


def ran(home: Path) -> list[Path]:
    """Return the traces of interpreters that were run."""
    return list(home.glob("*/ran"))


@pytest.mark.parametrize("client", [{"trusted": False}], indirect=True)
async def test_the_workspace_s_python_is_the_setting_s_else_the_client_s_else_its_own(
    client: Client, linewise_home: Path
) -> None:
    async def open_another() -> None:
        item = types.TextDocumentItem("file:///workspace/b.py", "python", 1, "")
        client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    async def configure(python: str) -> None:
        client.workspace_did_change_configuration(
            types.DidChangeConfigurationParams({"linewise": {"docs": {"python": python}}})
        )

    assert await version_linked(client) == f"3.{sys.version_info[1]}"
    make_environment(linewise_home / ".venv", "3.7")
    await open_another()
    assert await version_linked(client) == "3.7"
    chosen, here = make_environment(linewise_home / "chosen", "3.8"), linewise_home.as_uri()
    other = {"folder": f"{here}/elsewhere", "interpreter": chosen}
    client.protocol.notify("linewise/pythonChosen", other)
    assert await version_linked(client) == "3.7"
    client.protocol.notify("linewise/pythonChosen", {"folder": here, "interpreter": chosen})
    assert await version_linked(client) == "3.8"
    make_environment(linewise_home / "set", "3.9")
    for said in ("set", "${workspaceFolder}/set/bin/python", str(linewise_home / "set")):
        await configure(said)
        await comes_to_link(client, "3.9")
    await configure("no/such/place")
    await comes_to_link(client, "3.8")
    async with asyncio.timeout(60):
        while "linewise.docs.python is no/such/place" not in await client.messages.get():
            """Others are of the model, which is not here."""
    client.protocol.notify("linewise/pythonChosen", {"folder": here, "interpreter": ""})
    await configure("")
    await comes_to_link(client, "3.7")
    assert ran(linewise_home) == []


async def test_a_fetch_is_asked_for_and_a_no_is_kept(client: Client, linewise_home: Path) -> None:
    uri, answers = "file:///workspace/cli.py", linewise_home / "docs" / "answers.json"
    item = types.TextDocumentItem(uri, "python", 1, "import click\nclick.echo('x')\n")
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    where = types.TextDocumentIdentifier(uri), types.Position(1, 7)
    await client.text_document_hover_async(types.HoverParams(*where))
    async with asyncio.timeout(60):
        question = await client.questions.get()
        assert "click.palletsprojects.com that somebody here uses click" in question
        while not answers.exists():
            await client.text_document_hover_async(types.HoverParams(*where))
    assert json.loads(answers.read_text()) == {"click": False}
    assert client.questions.empty()


@pytest.fixture
def private_click(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEWISE_PRIVATE_PACKAGES", "acme-* cli*")


@pytest.mark.usefixtures("private_click")
async def test_what_the_environment_calls_private_is_not_asked_about(client: Client) -> None:
    open_cli(client, "import click\nclick.echo('x')\n")
    where = {"uri": CLI, "line": 1, "character": 7}
    (api,) = await client.protocol.send_request_async("linewise/apisAt", where)
    assert (api["url"], api["caption"].partition(",")[0]) == (None, "its package is private")
    await hover_of(client, 1, 7)
    assert client.questions.empty()


CLI = "file:///workspace/cli.py"


def open_cli(client: Client, text: str) -> None:
    item = types.TextDocumentItem(CLI, "python", 1, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))


async def subscribe(home: Path, *deprecated: str) -> Shelf:
    """Put a catalogue of click on the shelf."""

    async def pull(_: str, __: str) -> Pulled:
        return Pulled(click_catalogue(new_key(), 1, *deprecated), "1")

    shelf = Shelf(home / "catalogues")
    await shelf.add("http://127.0.0.1:9/click.catalogue", pull)
    return shelf


async def next_diagnostics(client: Client) -> list[types.Diagnostic]:
    while True:
        sent = await client.diagnostics.get()
        if sent.uri == CLI:
            return list(sent.diagnostics)


async def hover_of(client: Client, line: int, character: int) -> str:
    where = types.TextDocumentIdentifier(CLI), types.Position(line, character)
    found = await client.text_document_hover_async(types.HoverParams(*where))
    return found.contents.value if found and isinstance(found.contents, types.MarkupContent) else ""


async def test_an_announcement_is_told_once_at_its_symbol_until_it_is_muted(
    client: Client, linewise_home: Path
) -> None:
    shelf = await subscribe(linewise_home)
    open_cli(client, "import click\nclick.echo('x')\n")
    async with asyncio.timeout(60):
        await next_diagnostics(client)
        echo = await hover_of(client, 1, 7)
        assert "[**Click: Nine \\*is\\* out**](https://c.example/9)" in echo
        assert "For all" not in echo
        assert "**Click: For all**" in await hover_of(client, 0, 8)
        assert "Nine" not in await hover_of(client, 1, 7), "once a window"
        mute = ["click", "nine"]
        await client.workspace_execute_command_async(
            types.ExecuteCommandParams("linewise.catalogue.muteAnnouncement", mute)
        )
    (subscription,) = shelf.subscriptions()
    assert subscription.muted == ("nine",)
    assert client.questions.empty()
    assert client.announced.empty()


@pytest.mark.parametrize("client", [{"announcements": True}], indirect=True)
async def test_a_client_that_lists_announcements_is_told_and_says_what_became_of_them(
    client: Client, linewise_home: Path
) -> None:
    shelf = await subscribe(linewise_home)
    open_cli(client, "import click\nclick.echo('x')\n")
    async with asyncio.timeout(60):
        assert await client.announced.get() == ["nine", "all"]
        assert "Nine" not in await hover_of(client, 1, 7)
        for act, name in (("opened", "nine"), ("muted", "all")):
            met = {"catalogue": "click", "id": name, "act": act}
            client.protocol.notify("linewise/announcementMet", met)
        left = ["nine", "all"]
        while left:
            left = await client.announced.get()
    (subscription,) = shelf.subscriptions()
    assert subscription.muted == ("nine", "all")
    assert client.questions.empty()


async def test_a_deprecated_method_is_found_once_its_type_is_known(
    client: Client, linewise_home: Path
) -> None:
    await subscribe(linewise_home, "click.Context.invoke")
    open_cli(client, "import click\nctx = click.Context(click.Command('x'))\nctx.invoke(f)\n")
    async with asyncio.timeout(60):
        found = await next_diagnostics(client)
        while not found:
            found = await next_diagnostics(client)
        assert [each.range.start.line for each in found] == [2]
        closed = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(CLI))
        client.text_document_did_close(closed)
        assert await next_diagnostics(client) == []


def click_catalogue(key: bytes, release: int, *deprecated: str) -> bytes:
    """Return a catalogue of the package that this test and the server have installed."""
    names = (
        "json.dumps",
        "click.echo",
        "click.secho",
        "click.Context",
        "click.Context.invoke",
    )
    symbols = [{"name": n, "kind": "function", "url": f"https://c.example/#{n}"} for n in names]
    deprecations = [
        {"symbol": n, "since": "1.0", "replacement": "click.secho", "mechanical": True}
        for n in deprecated
    ]
    content = {
        "format": "linewise-catalogue/1",
        "id": "click",
        "title": "Click",
        "maker": {"name": "Pallets"},
        "release": release,
        "package": "click",
        "symbols": symbols,
        "deprecations": deprecations,
        "samples": [
            {"id": "hello", "title": "Hello", "symbols": ["click.echo"], "code": "click.echo(1)"}
        ],
        "announcements": [
            {
                "id": "nine",
                "title": "Nine *is* out",
                "until": "2099-01-01",
                "symbols": ["click.echo"],
                "url": "https://c.example/9",
            },
            {"id": "all", "title": "For all", "until": "2099-01-01"},
            {"id": "past", "title": "Long ago", "until": "2020-01-01"},
            {"id": "others", "title": "For others", "until": "2099-01-01", "before": "1.0"},
        ],
        "support": [{"title": "Forum", "url": "https://forum.example/"}],
    }
    return sign(json.dumps(content).encode(), key)


async def test_a_deprecation_reaches_an_open_editor_and_goes_by_its_fix(
    client: Client, linewise_home: Path
) -> None:
    key, shelf, uri = new_key(), Shelf(linewise_home / "catalogues"), CLI
    item = types.TextDocumentItem(uri, "python", 1, "import click\nclick.echo('x')\n")
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    async def pull(_: str, etag: str) -> Pulled:
        deprecated = ("click.echo",) if etag else ()
        return Pulled(click_catalogue(key, 2 if etag else 1, *deprecated), "1")

    async def diagnostics() -> list[types.Diagnostic]:
        while True:
            sent = await client.diagnostics.get()
            if sent.uri == uri:
                return list(sent.diagnostics)

    async with asyncio.timeout(60):
        subscription, _ = await shelf.add("http://127.0.0.1:9/click.catalogue", pull)
        assert await diagnostics() == []
        await shelf.update(subscription, pull)
        (found,) = await diagnostics()
    assert found.message == "click.echo is deprecated since 1.0. Use click.secho."
    assert list(found.tags or []) == [types.DiagnosticTag.Deprecated]
    assert found.range == types.Range(types.Position(1, 6), types.Position(1, 10))
    assert found.code_description == types.CodeDescription("https://c.example/#click.echo")
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(
            types.TextDocumentIdentifier(uri), found.range, types.CodeActionContext([found])
        )
    )
    edits = {
        action.title: list(action.edit.changes[uri])
        for action in actions or []
        if isinstance(action, types.CodeAction) and action.edit and action.edit.changes
    }
    titles = [action.title for action in actions or []]
    assert titles == [
        "Use secho",
        "Insert sample: Hello",
        "Ask for help: Forum",
        "Open: Nine *is* out",
        "Do not show again: Nine *is* out",
    ]
    for url in ("https://elsewhere.example/", "https://forum.example/"):
        await client.workspace_execute_command_async(
            types.ExecuteCommandParams("linewise.catalogue.openSupport", [url, "click.echo"])
        )
    assert client.opened == ["https://forum.example/"]
    below = types.Position(2, 0)
    assert edits == {
        "Use secho": [types.TextEdit(found.range, "secho")],
        "Insert sample: Hello": [types.TextEdit(types.Range(below, below), "click.echo(1)\n")],
    }
