"""One HTTP request to a collector, with a budget that a hostile or silent peer cannot exceed.

In: an address and a body. Out: the status, the Retry-After header and at most 64 KiB of the answer.
Plain HTTP only to this machine itself; redirects are not followed, so that what the user agreed to
send to one host never goes to another. Cookies and stored credentials are never sent.
"""

from __future__ import annotations

import http.client
import ipaddress
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


def send(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """Return the answer to one request, within about `TIMEOUT` seconds.

    Raises TransportError where there is none, also for an address that is not acceptable.
    """
    if not is_acceptable(url):
        raise TransportError("the collector's address is neither https nor on this machine")
    request = urllib.request.Request(  # noqa: S310 (the scheme was checked)
        url, data=body, headers=dict(headers), method=method
    )
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    deadline = time.monotonic() + TIMEOUT
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            return Answer(
                response.status, response.headers.get("Retry-After"), _read(response, deadline)
            )
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TransportError(type(error).__name__) from error


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    # A peer that sends a byte every few seconds keeps within the socket's timeout for ever.
    body = bytearray()
    while chunk := response.read1(16 * 1024):
        body += chunk
        if len(body) > MAX_ANSWER or time.monotonic() > deadline:
            raise TransportError("the answer is too long or too slow")
    return bytes(body)
