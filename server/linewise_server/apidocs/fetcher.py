"""When a window fetches: URLs in, what `fetch` gives out, over one client that is made late.

The HTTP library and its certificates are ten megabytes and a tenth of a second, which most windows
never need: neither is loaded before the first fetch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from linewise_server.apidocs.inventory import MAX_BYTES

if TYPE_CHECKING:
    import httpx

    from linewise_server.apidocs.fetch import Fetched


class Fetcher:
    """Fetches with one client, which `new_client` makes at the first fetch."""

    def __init__(self, new_client: Callable[[], httpx.AsyncClient] | None = None) -> None:
        self._new_client = new_client
        self._client: httpx.AsyncClient | None = None

    async def fetch(
        self, url: str, etag: str = "", limit: int | None = None, deadline: float | None = None
    ) -> Fetched:
        """Return what is at `url`, within `fetch`'s own bounds or these; raises FetchError."""
        from linewise_server.apidocs import fetch

        if self._client is None:
            self._client = (self._new_client or fetch.new_client)()
        return await fetch.fetch(
            self._client, url, etag, limit or MAX_BYTES, deadline or fetch.DEADLINE
        )

    async def aclose(self) -> None:
        """Close the client, if there is one."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
