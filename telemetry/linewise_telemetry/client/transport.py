"""One HTTP request to a collector, with a budget that a hostile or silent peer cannot exceed.

In: an address and a body. Out: the status, two headers and at most 64 KiB of the answer.
Plain HTTP only to this machine itself; redirects are not followed, so that what the user agreed to
send to one host never goes to another. Cookies and stored credentials are never sent.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 10.0
MAX_ANSWER = 64 * 1024


class TransportError(Exception):
    """No usable answer came; `str()` is the reason without any address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the collector said."""

    status: int
    retry_after: str | None
    body: bytes
    etag: str = ""


Send = Callable[[str, str, bytes | None, Mapping[str, str]], Answer]
"""(method, url, body, headers) -> answer; raises TransportError."""


def is_acceptable(url: str) -> bool:
    """Return whether `url` is one that may be sent to: HTTPS, or HTTP to this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and is_here(parts.hostname or "")


def is_here(host: str) -> bool:
    """Return whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def send(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    *,
    timeout: float = TIMEOUT,
) -> Answer:
    """Return the answer to one request, within `timeout` seconds after its address is known.

    Raises TransportError where there is none, also for an address that is not acceptable.
    """
    if not is_acceptable(url):
        raise TransportError("the collector's address is neither https nor on this machine")
    request = urllib.request.Request(  # noqa: S310 (the scheme was checked)
        url, data=body, headers=dict(headers), method=method
    )
    opener = urllib.request.OpenerDirector()
    with _Deadline(timeout) as deadline:
        for handler in (
            urllib.request.ProxyHandler(),
            _Opener(deadline),
            urllib.request.UnknownHandler(),
        ):
            opener.add_handler(handler)
        try:
            with opener.open(request, timeout=timeout) as response:
                answer = Answer(
                    response.status,
                    response.headers.get("Retry-After"),
                    _read(response),
                    response.headers.get("ETag", ""),
                )
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransportError(
                "TimeoutError" if deadline.over else type(error).__name__
            ) from error
        if deadline.over:
            raise TransportError("TimeoutError")
        return answer


class _Deadline:
    """Shuts a connection down when its time is over.

    A socket's own timeout is not enough: a peer that sends a byte every few seconds keeps within it
    for ever, in the headers as well as in the body.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._timer: threading.Timer | None = None

    def __enter__(self) -> _Deadline:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @property
    def left(self) -> float:
        """The seconds that are left, never less than a millisecond."""
        return max(0.001, self._end - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._end

    def watch(self, connection: socket.socket) -> None:
        """Shut `connection` down at the end, unless this is left before."""

        def end() -> None:
            try:
                # Of TLS, too, the socket below: nobody waits for the peer's goodbye.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already

        self._timer = threading.Timer(self.left, end)
        self._timer.daemon = True
        self._timer.start()


class _Plain(http.client.HTTPConnection):
    """A connection with a deadline."""

    deadline: _Deadline

    def connect(self) -> None:
        super().connect()
        self._connected()

    def _connected(self) -> None:
        self.deadline.watch(self.sock)


class _Secure(http.client.HTTPSConnection, _Plain):
    """The same over TLS, whose handshake gets the time that connecting left."""

    def connect(self) -> None:
        super().connect()
        self.deadline.watch(self.sock)

    def _connected(self) -> None:
        # There is nothing to watch yet: the handshake makes another socket of this one.
        self.sock.settimeout(self.deadline.left)


class _Opener(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Opens connections with one deadline."""

    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._make(_Plain), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._make(_Secure), req)

    def _make(self, kind: type[_Plain]) -> Callable[..., _Plain]:
        def make(host: str, /, **options: Any) -> _Plain:
            connection = kind(host, **options)
            connection.deadline = self._deadline
            return connection

        return make


def _read(response: http.client.HTTPResponse) -> bytes:
    body = bytearray()
    while chunk := response.read1(16 * 1024):
        body += chunk
        if len(body) > MAX_ANSWER:
            raise TransportError("the answer is too long")
    return bytes(body)
