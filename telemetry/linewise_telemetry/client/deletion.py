"""Deletion of what was sent: asked of each collector under every key that this machine still knows.

In: collectors and keys. Out: requests that are kept and retried until answered, and receipts that
the collector confirms when asked. The keys are capabilities: only this machine has them.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from linewise_telemetry import atomic
from linewise_telemetry.client.transport import Send, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """One key's deletion; `receipt` is empty until the collector has carried it out."""

    origin: str
    project: str
    key: str
    receipt: str
    events: int


class Deletions:
    """The deletions that this user asked for, kept in one file."""

    def __init__(self, path: Path, send: Send) -> None:
        self._path = path
        self._send = send
        self._lock = threading.Lock()

    def ask(self, requests: Iterable[Request]) -> None:
        """Keep requests until they are carried out. Raises OSError where they cannot be kept."""
        with self._lock:
            known = self.requests()
            keys = {(request.origin, request.key) for request in known if not request.receipt}
            fresh = [request for request in requests if (request.origin, request.key) not in keys]
            self._keep(known + fresh)

    def deliver(self) -> list[Request]:
        """Send what was not carried out yet, and return every request as it is now."""
        with self._lock:
            requests = [self._deliver(request) for request in self.requests()]
            if requests:
                self._keep(requests)
            return requests

    def verify(self, request: Request) -> bool:
        """Return whether the collector confirms the receipt."""
        url = f"{request.origin}/v1/deletions/{request.receipt}"
        try:
            answer = self._send("GET", url, None, {"User-Agent": "linewise"})
            return answer.status == 200 and json.loads(answer.body)["status"] == "done"
        except (TransportError, ValueError, KeyError, TypeError, RecursionError):
            return False

    def requests(self) -> list[Request]:
        """Return every request, oldest first."""
        try:
            return [
                Request(**entry) for entry in json.loads(self._path.read_text(encoding="utf-8"))
            ]
        except (OSError, ValueError, TypeError):
            return []

    def _deliver(self, request: Request) -> Request:
        if request.receipt:
            return request
        headers = {
            "Linewise-Project": request.project,
            "Linewise-Install": request.key,
            "User-Agent": "linewise",
        }
        try:
            answer = self._send("DELETE", request.origin + "/v1/me", None, headers)
            if answer.status != 200:
                return request
            data = json.loads(answer.body)
            return replace(request, receipt=str(data["receipt"])[:64], events=int(data["events"]))
        except (TransportError, ValueError, KeyError, TypeError, RecursionError):
            return request

    def _keep(self, requests: list[Request]) -> None:
        atomic.write(self._path, json.dumps([asdict(request) for request in requests]))
