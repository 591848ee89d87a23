"""No peer holds a request longer than its deadline, however little at a time it says."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING

import pytest

from linewise_telemetry.client.transport import MAX_ANSWER, Answer, TransportError, send

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\nRetry-After: 7\r\n"
DRIPS = 300
"""Far more than fit into the deadline; after the last one the peer closes as if all was said."""


@contextmanager
def dripping(said: bytes, drips: Iterable[bytes]) -> Iterator[int]:
    """A peer that says `said` at once, and then one drip every 50 ms."""
    gone = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            try:
                connection.sendall(said)
                for drip in drips:
                    connection.sendall(drip)
                    if gone.wait(0.05):
                        return
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        gone.set()
        thread.join()


@pytest.mark.parametrize(
    ("scheme", "said", "drip"),
    [
        ("http", b"", b"H"),
        ("http", b"HTTP/1.1 200 ", b"O"),
        ("http", HEAD, b"X"),
        ("http", HEAD, b"X: y\r\n"),
        ("http", HEAD + b"\r\n", b"{"),
        ("http", HEAD + b"Content-Length: 3000\r\n\r\n", b"{"),
        ("http", HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        ("http", HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        ("https", b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"\0"),
    ],
)
def test_peer_that_drips_is_given_up(scheme: str, said: bytes, drip: bytes) -> None:
    with dripping(said, repeat(drip, DRIPS)) as port, pytest.raises(TransportError) as caught:
        send("GET", f"{scheme}://127.0.0.1:{port}/", None, {}, timeout=0.4)
    assert str(caught.value) == "TimeoutError"


def test_answer_that_comes_in_time_is_whole() -> None:
    head = HEAD + b"Content-Length: 4\r\n\r\n"
    with dripping(head, [b"{", b" ", b" ", b"}"]) as port:
        assert send("GET", f"http://127.0.0.1:{port}/", None, {}) == Answer(200, "7", b"{  }")


def test_answer_that_is_too_long_is_given_up() -> None:
    with (
        dripping(HEAD + b"\r\n", [b"x" * (MAX_ANSWER + 1)]) as port,
        pytest.raises(TransportError, match="too long"),
    ):
        send("GET", f"http://127.0.0.1:{port}/", None, {})


@pytest.mark.parametrize(
    "url", ["http://collector.example/", "ftp://127.0.0.1/", "file:///etc/passwd", "https://"]
)
def test_nothing_else_is_asked(url: str) -> None:
    with pytest.raises(TransportError, match="neither https nor on this machine"):
        send("GET", url, None, {})
