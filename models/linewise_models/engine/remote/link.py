"""Requests to a server: with its key, again where that is safe, with errors in words.

In: a path and a body. Out: an open response of status 200. A request is sent again only where
nobody works on it: the connection was refused, or was kept from an earlier request and the server
had closed it meanwhile, or the server was busy (429, 503). What only asks for facts (GET) is sent
again after any break. It never follows a redirect, which would take code and key to a host that
nobody chose.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from linewise_models.engine.remote.address import Address
from linewise_models.engine.remote.key import Key, advise
from linewise_models.engine.remote.stream import explain
from linewise_models.errors import EngineError, EngineLost

BUSY = (429, 503)
RECONNECTS = 2
"""How often a connection is tried again; a server that restarts is not back within these."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between tries, doubled each time, with a quarter of jitter, unless the server says."""
CONNECT_SECONDS, SILENCE_SECONDS = 5.0, 60.0
"""How long a host may take to answer, and a server to say the next thing."""
LARGEST_ANSWER = 8 << 20
"""Bytes of an answer that is read whole."""

Sleep = Callable[[float], Awaitable[None]]


class RefusedError(EngineError):
    """The server answered, with an error."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def new_http(address: Address) -> httpx.AsyncClient:
    """Return the HTTP client for an address; it belongs to whoever closes it."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
        headers={"User-Agent": "linewise"},
        # A proxy of the environment would take what is meant for this machine elsewhere. A
        # transport of our own has none, but still reads SSL_CERT_FILE.
        transport=httpx.AsyncHTTPTransport() if address.loopback else None,
    )


class Link:
    """The way to one server."""

    def __init__(
        self,
        address: Address,
        http: httpx.AsyncClient,
        key: Key | None = None,
        find_key: Callable[[], Key | None] = lambda: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Take `key` if there is one; else `find_key` is asked, in a thread, once one is wanted."""
        self.address = address
        self._http = http
        self._key = key
        self._find_key: Callable[[], Key | None] | None = None if key else find_key
        self._sleep = sleep

    async def get(self, url: str, patience: float) -> Any:
        """Return the JSON that is at `url`. Raises RefusedError or EngineLost."""
        async with self.open("GET", url, None, patience) as response:
            return await self._read_json(response)

    async def post(self, url: str, body: dict[str, Any], patience: float) -> Any:
        """Return the JSON that answers `body`. Raises RefusedError or EngineLost."""
        async with self.open("POST", url, body, patience) as response:
            return await self._read_json(response)

    @asynccontextmanager
    async def open(
        self, method: str, url: str, body: dict[str, Any] | None, patience: float
    ) -> AsyncGenerator[httpx.Response, None]:
        """Yield the response, its body still to come; leaving closes it, which ends the work there.

        A busy server is asked again for `patience` seconds. Raises RefusedError or EngineLost, also
        when the connection breaks while the response is read.
        """
        response = await self._send(method, url, body, patience)
        try:
            yield response
        except httpx.TransportError as error:
            raise self._lost(error) from error
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _send(
        self, method: str, url: str, body: dict[str, Any] | None, patience: float
    ) -> httpx.Response:
        pauses = _pauses()
        reconnects = 0
        while True:
            connection = _Connection()
            headers = {"Authorization": f"Bearer {self._key.secret}"} if self._key else {}
            request = self._http.build_request(
                method, url, json=body, headers=headers, extensions={"trace": connection.trace}
            )
            try:
                response = await self._http.send(request, stream=True, follow_redirects=False)
            except httpx.TransportError as error:
                idle = method == "GET" or not connection.fresh
                if reconnects == RECONNECTS or not _is_safe_to_repeat(error, idle):
                    raise self._lost(error) from error
                reconnects += 1
                if isinstance(error, httpx.ConnectError):
                    await self._sleep(next(pauses))
                continue
            if response.status_code == httpx.codes.OK:
                return response
            refusal = await self._refusal(response)
            if refusal.status in (401, 403) and self._find_key is not None:
                find, self._find_key = self._find_key, None
                self._key = await asyncio.to_thread(find)
                if self._key is not None:
                    continue
                refusal = self._unwelcome(refusal.status)
            pause = _asked_for(response) or next(pauses)
            if refusal.status not in BUSY or pause > patience:
                raise refusal
            patience -= pause
            await self._sleep(pause)

    async def _refusal(self, response: httpx.Response) -> RefusedError:
        try:
            body = await read(response)
        except httpx.TransportError:
            body = b""
        finally:
            await response.aclose()
        status, host = response.status_code, self.address.host
        if status in (401, 403):
            return self._unwelcome(status)
        if response.has_redirect_location:
            return RefusedError(
                f"{host} sends on to {response.headers['Location'][:200]}. If that is your server, "
                "put its address into linewise.remote.url.",
                status,
            )
        said = explain(_parse(body))
        told = f": {said}" if said else f" with status {status} and no reason."
        if status in BUSY:
            return RefusedError(f"{host} is busy and was so each time it was asked{told}", status)
        return RefusedError(f"{host} refused the request{told}", status)

    def _unwelcome(self, status: int) -> RefusedError:
        host = self.address.host
        if self._key is None:
            return RefusedError(f"{host} wants a key, and there is none. {advise(host)}.", status)
        return RefusedError(
            f"{host} does not accept the key from {self._key.source}. {advise(host)}.", status
        )

    async def _read_json(self, response: httpx.Response) -> Any:
        data = await read(response)
        parsed = _parse(data)
        if parsed is None:
            raise RefusedError(
                f"{response.url} does not answer in JSON; it is no server of the OpenAI protocol.",
                response.status_code,
            )
        return parsed

    def _lost(self, error: httpx.TransportError) -> EngineLost:
        """Return what a user is told of a connection that failed."""
        host = self.address.host
        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return EngineLost(
                    f"The certificate of {host} is not trusted: {cause.verify_message}. If your "
                    "organisation signs its own, name its authority's file in SSL_CERT_FILE."
                )
            if isinstance(cause, ssl.SSLError):
                return EngineLost(
                    f"{host} does not speak TLS as it should ({cause.reason or cause}). "
                    "Is it a server for http:// rather than https://?"
                )
            if isinstance(cause, socket.gaierror):
                return EngineLost(f"No host is called {host}. Check linewise.remote.url.")
        match error:
            case httpx.ProxyError():
                told = f"The proxy to {host} failed: {error}."
            case httpx.ConnectTimeout() | httpx.ConnectError():
                told = f"Nothing answers at {host}. Is the server running, and is the port right?"
            case httpx.TimeoutException():
                told = f"{host} said nothing for too long, and the request was given up."
            case _:
                told = f"{host} broke the connection off before its answer was complete."
        return EngineLost(told)


async def read(response: httpx.Response) -> bytes:
    """Return the body of a response, or as much as we take."""
    data = bytearray()
    async for piece in response.aiter_bytes():
        data += piece
        if len(data) > LARGEST_ANSWER:
            break
    return bytes(data)


class _Connection:
    """Whether a request has a connection made for it, as httpcore tells whoever traces it."""

    def __init__(self) -> None:
        self.fresh = False

    async def trace(self, event: str, _: dict[str, Any]) -> None:
        self.fresh = self.fresh or event.startswith("connection.connect_")


def _is_safe_to_repeat(error: httpx.TransportError, idle: bool) -> bool:
    """Say whether trying again may help and does no work twice that might be under way.

    `idle` where nobody can be at work on it: the connection had served before, and a server that
    had closed it meanwhile reads as a reset.
    """
    if any(isinstance(cause, ssl.SSLError | socket.gaierror) for cause in _causes(error)):
        return False
    if isinstance(error, httpx.ConnectError | httpx.WriteError):
        return True
    return idle and isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE
    while True:
        # Jitter, so that many windows do not come back at once.
        yield pause * random.uniform(0.75, 1.25)  # noqa: S311 # no secret
        pause = min(2 * pause, LONGEST_PAUSE)


def _asked_for(response: httpx.Response) -> float:
    """Return the seconds that Retry-After asks for (RFC 9110, section 10.2.3), 0 without it."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
