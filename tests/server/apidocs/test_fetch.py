"""What is fetched, from where, and how a host that misbehaves is left alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import httpx
import pytest

from linewise_server.apidocs.errors import FetchError
from linewise_server.apidocs.fetch import Fetched, fetch, new_client


def answering(**pages: httpx.Response) -> httpx.AsyncClient:
    """Return a client whose hosts answer with `pages`, by the last part of the path."""

    def handle(request: httpx.Request) -> httpx.Response:
        return pages.get(request.url.path.rpartition("/")[2], httpx.Response(404))

    return httpx.AsyncClient(transport=httpx.MockTransport(handle))


def moved(to: str) -> httpx.Response:
    return httpx.Response(302, headers={"Location": to})


async def test_bytes_and_etag_come_back() -> None:
    async with answering(a=httpx.Response(200, content=b"x", headers={"ETag": '"1"'})) as client:
        assert await fetch(client, "https://h.example/a") == Fetched(
            "https://h.example/a", b"x", '"1"'
        )


async def test_a_redirect_on_https_is_followed_and_named() -> None:
    client = answering(a=moved("/deep/b"), b=httpx.Response(200, content=b"x"))
    async with client:
        assert (await fetch(client, "https://h.example/a")).url == "https://h.example/deep/b"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://h.example/ok", "only https"),
        ("ftp://h.example/ok", "only https"),
        ("https://h.example/down", "only https"),
        ("https://h.example/inward", "only https"),
        ("https://h.example/loop", "redirects"),
        ("https://h.example/missing", "404"),
        ("https://h.example/big", "more than 100 bytes"),
    ],
)
async def test_what_is_refused(url: str, reason: str) -> None:
    client = answering(
        ok=httpx.Response(200, content=b"x"),
        down=moved("http://h.example/ok"),
        inward=moved("http://127.0.0.1/ok"),
        loop=moved("https://h.example/loop"),
        big=httpx.Response(200, content=b"x" * 101),
    )
    async with client:
        with pytest.raises(FetchError, match=reason):
            await fetch(client, url, limit=100)


async def test_a_host_that_never_answers_is_given_up() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as client:
        with pytest.raises(FetchError, match=r"within 0\.01 seconds"):
            await fetch(client, "https://h.example/a", deadline=0.01)


class _Docs(BaseHTTPRequestHandler):
    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers))
        known = self.headers.get("If-None-Match") == '"v1"'
        self.send_response(304 if known else 200)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", "0" if known else "4")
        self.end_headers()
        if not known:
            self.wfile.write(b"docs")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Stay quiet."""


@pytest.fixture
def loopback() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Docs)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_loopback_needs_no_https_and_an_etag_saves_the_body(loopback: str) -> None:
    async with new_client() as client:
        first = await fetch(client, f"{loopback}/objects.inv")
        again = await fetch(client, f"{loopback}/objects.inv", first.etag)
    assert first.data == b"docs"
    assert again.data is None
    sent = {name.lower() for headers in _Docs.seen for name in headers}
    assert sent == {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
        "if-none-match",
    }
