"""The docs features over the wire: a real server process, a client that speaks LSP."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from lsprotocol import types
from pygls.lsp.client import LanguageClient

URI = "file:///workspace/main.py"
TEXT = "# 🐍 comes first\nimport json, os.path\nx = '🐍'; json.dumps(x)\nos.path.join('a', 'b')\n"
JSON = f"https://docs.python.org/3.{sys.version_info[1]}/library/json.html"


@pytest_asyncio.fixture
async def client(linewise_home: Path) -> AsyncIterator[LanguageClient]:
    """Return a client with the document open."""
    client = LanguageClient("test", "1")
    server = Path(__file__).with_name("docs_server.py")
    await client.start_io(sys.executable, str(server))
    await client.initialize_async(
        types.InitializeParams(
            capabilities=types.ClientCapabilities(experimental={"localDocs": True}),
            root_uri=linewise_home.as_uri(),
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


async def test_hover_links_the_symbol_in_the_client_s_own_columns(client: LanguageClient) -> None:
    where = types.TextDocumentIdentifier(URI), types.Position(2, 17)
    found = await client.text_document_hover_async(types.HoverParams(*where))
    assert found is not None
    assert isinstance(found.contents, types.MarkupContent)
    assert f"]({JSON}#json.dumps)" in found.contents.value
    assert found.range == types.Range(types.Position(2, 15), types.Position(2, 20))


async def test_imports_are_links_that_are_resolved_on_demand(client: LanguageClient) -> None:
    document = types.TextDocumentIdentifier(URI)
    links = await client.text_document_document_link_async(types.DocumentLinkParams(document))
    assert links is not None
    assert [(link.target, link.range.start.character) for link in links] == [(None, 7), (None, 13)]
    first = await client.document_link_resolve_async(links[0])
    assert first.target == f"{JSON}#module-json"


async def test_external_docs_has_rust_analyzer_s_shape(client: LanguageClient) -> None:
    found = await client.protocol.send_request_async("experimental/externalDocs", place(3, 9))
    assert found.web.endswith("/library/os.path.html#os.path.join")
    assert found.local is None
    nothing = await client.protocol.send_request_async("experimental/externalDocs", place(0, 3))
    assert nothing.web is None


async def test_apis_at_lists_the_cursor_s(client: LanguageClient) -> None:
    params = {"uri": URI, "line": 3, "character": 9}
    found = await client.protocol.send_request_async("linewise/apisAt", params)
    (api,) = found
    assert (api["name"], api["source"]) == ("os.path.join", "cursor")
    assert api["caption"] == f"Python 3.{sys.version_info[1]}"
