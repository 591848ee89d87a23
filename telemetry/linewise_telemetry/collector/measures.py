"""What the collector tells of itself: Prometheus figures and one log line a request.

In: outcomes. Out: text for /metrics, JSON lines. Neither ever holds a payload, a key or an address.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("linewise.collector")


class Measures:
    """The figures of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "linewise_requests", "Requests", ["route", "status"], registry=self._registry
        )
        self.events = Counter("linewise_events", "Events", ["verdict"], registry=self._registry)
        self.seconds = Histogram(
            "linewise_request_seconds", "Time to an answer", ["route"], registry=self._registry
        )

    def text(self) -> tuple[bytes, str]:
        """Return the page and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class Logged:
    """ASGI middleware that counts and logs every request by its route, never by its path."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            took = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "unknown")
            self._measures.requests.labels(route, str(status)).inc()
            self._measures.seconds.labels(route).observe(took)
            line = {
                "method": scope["method"],
                "route": route,
                "status": status,
                "ms": round(took * 1e3),
            }
            _log.info(json.dumps(line))
