"""Fetching one file from a docs host: a URL and an ETag in, bytes or "not modified" out.

https only (http on the loopback interface, for docs that are served there), three redirects at
most, none of which may leave https; a limit on time and on size. Nothing but the URL and the ETag
is sent: no cookies, no user, no version of the editor.
"""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass

import httpx

from linewise_server.apidocs.errors import FetchError
from linewise_server.apidocs.inventory import MAX_BYTES

DEADLINE = 15.0
_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a host gave; `data` is None where it has nothing newer. `url` is the last redirect's."""

    url: str
    data: bytes | None
    etag: str


def new_client() -> httpx.AsyncClient:
    """Return the client for `fetch`, which follows redirects itself in order to check them."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(10.0, connect=5.0),
        follow_redirects=False,
        headers={"User-Agent": "linewise", "Accept": "*/*"},
    )


async def fetch(
    client: httpx.AsyncClient,
    url: str,
    etag: str = "",
    limit: int = MAX_BYTES,
    deadline: float = DEADLINE,
) -> Fetched:
    """Return what is at `url`; raises FetchError."""
    try:
        async with asyncio.timeout(deadline):
            return await _follow(client, url, etag, limit)
    except TimeoutError:
        raise FetchError(url, f"no answer within {deadline:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(url, str(error) or type(error).__name__) from error


async def _follow(client: httpx.AsyncClient, url: str, etag: str, limit: int) -> Fetched:
    here = httpx.URL(url)
    local = _is_loopback(here)
    for _ in range(_REDIRECTS + 1):
        if here.scheme != "https" and not (local and _is_loopback(here)):
            raise FetchError(str(here), "only https is fetched")
        headers = {"If-None-Match": etag} if etag else {}
        async with client.stream("GET", here, headers=headers) as response:
            if response.has_redirect_location:
                here = here.join(response.headers["Location"])
                continue
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return Fetched(str(here), None, etag)
            if response.status_code != httpx.codes.OK:
                raise FetchError(str(here), f"the host answered {response.status_code}")
            data = await _read(response, limit)
            return Fetched(str(here), data, response.headers.get("ETag", ""))
    raise FetchError(url, f"more than {_REDIRECTS} redirects")


async def _read(response: httpx.Response, limit: int) -> bytes:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > limit:
            raise FetchError(str(response.url), f"more than {limit:,} bytes")
    return bytes(data)


def _is_loopback(url: httpx.URL) -> bool:
    if url.host == "localhost":
        return True
    try:
        return url.scheme == "http" and ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False
