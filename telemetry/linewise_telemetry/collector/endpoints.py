"""The collector's HTTP interface for clients; staff use the dashboard.

In: requests from anywhere. Out: verdicts, receipts, statuses. Trusts nobody: every body is bounded,
every field checked by the registry, every key rate-limited, and no address is kept.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from linewise_telemetry.collector import body, inbox, otlp
from linewise_telemetry.collector.intake import Project, Verdicts, judge
from linewise_telemetry.collector.store import EventStore, contributor, now_utc

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from linewise_telemetry.collector.inbox import Inbox
    from linewise_telemetry.collector.measures import Measures
    from linewise_telemetry.collector.rates import Rates
    from linewise_telemetry.events import Registry

PROJECT_CACHE_SECONDS = 10.0
MAX_FEEDBACK = 512 * 1024
_KEY = re.compile(r"[0-9a-f]{32}")
_PROJECT_KEY = re.compile(r"[0-9a-f]{16,64}")
_log = logging.getLogger("linewise.collector")


@dataclass
class Endpoints:
    """The endpoints over their stores; `clock` gives Unix seconds."""

    registry: Registry
    events: EventStore
    inbox: Inbox
    rates: Rates
    measures: Measures
    clock: Callable[[], float] = time.time
    _projects: dict[str, tuple[float, Project]] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/v1/logs", self.take_logs, methods=["POST"]),
            Route("/v1/feedback", self.take_feedback, methods=["POST"]),
            Route("/v1/feedback", self.tell_feedback, methods=["GET"]),
            Route("/v1/feedback", self.forget_feedback, methods=["DELETE"]),
            Route("/v1/me", self.forget_me, methods=["DELETE"]),
            Route("/v1/deletions/{receipt}", self.tell_deletion, methods=["GET"]),
            Route("/healthz", self.tell_health, methods=["GET"]),
            Route("/metrics", self.tell_measures, methods=["GET"]),
            Route("/openapi.json", self.tell_interface, methods=["GET"]),
        ]

    async def take_logs(self, request: Request) -> Response:
        """Keep the events of one OTLP request; answer with a verdict for each that was not kept."""
        project = await self._project(request)
        key = self._install_key(request)
        self._check_rate(self.rates.wait_for_key(key))
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/json", "application/x-protobuf"):
            raise HTTPException(
                415, "the content type must be application/json or application/x-protobuf"
            )
        data = await body.read(request)
        decode = otlp.decode_json if kind == "application/json" else otlp.decode_protobuf

        def keep() -> Verdicts:
            verdicts = judge(self.registry, project, decode(data), self.clock())
            new = self.events.add(project.id, contributor(project.id, key), verdicts.accepted)
            self.measures.events.labels("new").inc(new)
            self.measures.events.labels("repeated").inc(len(verdicts.accepted) - new)
            self.measures.events.labels("dropped").inc(len(verdicts.dropped) + verdicts.unnamed)
            return verdicts

        try:
            verdicts = await run_in_threadpool(keep)
        except otlp.MalformedError as error:
            raise HTTPException(400, "not an OTLP logs request") from error
        rejected = len(verdicts.dropped) + verdicts.unnamed
        if kind == "application/x-protobuf":
            message = "events that the registry does not allow were not kept"
            answer = otlp.encode_protobuf(rejected, message)
            return Response(answer, media_type="application/x-protobuf")
        content: dict[str, object] = {"verdicts": verdicts.dropped}
        if rejected:
            content["partialSuccess"] = {"rejectedLogRecords": str(rejected)}
        return JSONResponse(content)

    async def take_feedback(self, request: Request) -> Response:
        """Keep one feedback; the same receipt again changes nothing."""
        project = await self._project(request)
        receipt = self._receipt(request)
        self._check_rate(self.rates.wait_for_key(receipt))
        data = await body.read(request, MAX_FEEDBACK)
        try:
            columns = inbox.parse(data)
        except inbox.RefusedError as error:
            raise HTTPException(422, str(error)) from error
        today = now_utc(self.clock()).date()
        new = await run_in_threadpool(self.inbox.add, project.id, receipt, columns, today)
        return JSONResponse({"status": "received"}, status_code=201 if new else 200)

    async def tell_feedback(self, request: Request) -> Response:
        """Tell whoever has the receipt what became of a feedback."""
        self._check_address(request)
        receipt = self._receipt(request)
        status = await run_in_threadpool(self.inbox.status, receipt)
        if status is None:
            raise HTTPException(404, "there is no feedback with this receipt")
        answer = JSONResponse(status)
        etag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        answer.headers["ETag"] = etag
        return answer

    async def forget_feedback(self, request: Request) -> Response:
        """Delete a feedback for whoever has its receipt."""
        self._check_address(request)
        if not await run_in_threadpool(self.inbox.remove, self._receipt(request)):
            raise HTTPException(404, "there is no feedback with this receipt")
        return JSONResponse({"status": "deleted"})

    async def forget_me(self, request: Request) -> Response:
        """Delete everything that was sent under a key, and give a receipt."""
        project = await self._project(request)
        key = self._install_key(request)
        self._check_rate(self.rates.wait_for_key(key))
        today = now_utc(self.clock()).date()
        receipt = await run_in_threadpool(self.events.forget, contributor(project.id, key), today)
        return JSONResponse(
            {"receipt": receipt.receipt, "events": receipt.events, "status": "done"}
        )

    async def tell_deletion(self, request: Request) -> Response:
        """Confirm a deletion."""
        self._check_address(request)
        receipt = str(request.path_params["receipt"])
        if not _KEY.fullmatch(receipt):
            raise HTTPException(404, "there is no deletion with this receipt")
        found = await run_in_threadpool(self.events.deletion, receipt)
        if found is None:
            raise HTTPException(404, "there is no deletion with this receipt")
        return JSONResponse(
            {"status": "done", "day": found.day.isoformat(), "events": found.events}
        )

    async def tell_health(self, _request: Request) -> Response:
        """Say whether the database answers."""
        try:
            await run_in_threadpool(self.events.is_alive)
        except SQLAlchemyError:
            _log.exception("the database does not answer")
            return JSONResponse({"status": "no database"}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def tell_measures(self, _request: Request) -> Response:
        """Give the figures of this process."""
        text, kind = self.measures.text()
        return Response(text, media_type=kind)

    async def tell_interface(self, _request: Request) -> Response:
        """Give the description of this interface."""
        return JSONResponse(read_interface())

    async def _project(self, request: Request) -> Project:
        self._check_address(request)
        key = request.headers.get("linewise-project", "")
        if not _PROJECT_KEY.fullmatch(key):
            raise HTTPException(403, "the header Linewise-Project names no project")
        cached = self._projects.get(key)
        if cached is not None and time.monotonic() - cached[0] < PROJECT_CACHE_SECONDS:
            return cached[1]
        project = await run_in_threadpool(self.events.project, key)
        if project is None:
            raise HTTPException(403, "the header Linewise-Project names no project")
        # Only keys of projects get here, so that the cache cannot grow beyond them.
        self._projects[key] = (time.monotonic(), project)
        return project

    def _check_address(self, request: Request) -> None:
        self._check_rate(self.rates.wait_for_address(request.client.host if request.client else ""))

    def _check_rate(self, wait: int | None) -> None:
        if wait is not None:
            raise HTTPException(429, "too many requests", {"Retry-After": str(wait)})

    def _install_key(self, request: Request) -> str:
        key = request.headers.get("linewise-install", "")
        if not _KEY.fullmatch(key):
            raise HTTPException(400, "the header Linewise-Install must be 32 hexadecimal digits")
        return key

    def _receipt(self, request: Request) -> str:
        receipt = request.headers.get("linewise-receipt", "")
        if not _KEY.fullmatch(receipt):
            raise HTTPException(400, "the header Linewise-Receipt must be 32 hexadecimal digits")
        return receipt


def read_interface() -> Any:
    """Return the OpenAPI description of the endpoints."""
    text = (files("linewise_telemetry.collector") / "openapi.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


async def tell_error(_request: Request, error: Exception) -> Response:
    """Answer an HTTPException as JSON."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
