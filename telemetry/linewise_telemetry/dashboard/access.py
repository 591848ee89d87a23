"""Who may see the dashboard, and what a browser may do with its pages.

In: requests. Out: a session, or the way to the login. Forms carry a token; pages load nothing from
other hosts, may not be framed, and are not kept by caches.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from linewise_telemetry.collector.accounts import Session
from linewise_telemetry.collector.store import now_utc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.datastructures import FormData

    from linewise_telemetry.collector.app import Collector

COOKIE = "linewise_session"
MAX_FORM = 64 * 1024
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with that, browsers name the origin of our own forms `null` as well.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Page = Callable[[Request, Session], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Access:
    """The guard of every page."""

    collector: Collector

    def guard(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """Return `page` for those who are logged in; others are led to the login."""

        async def guarded(request: Request) -> Response:
            session = await self.session(request)
            if session is None:
                return harden(RedirectResponse("/login", status_code=303))
            _refuse_nul([*request.query_params.values(), *request.path_params.values()])
            return harden(await page(request, session))

        return guarded

    async def session(self, request: Request) -> Session | None:
        """Return who sends a request, or None."""
        token = request.cookies.get(COOKIE)
        if not token:
            return None
        now = now_utc(self.collector.clock())
        return await run_in_threadpool(self.collector.accounts.session, token, now)

    async def form(self, request: Request, session: Session) -> FormData:
        """Return a form's fields. Raises HTTPException 403 where it is not from our own page."""
        form = await read_form(request)
        if not secrets.compare_digest(str(form.get("csrf", "")).encode(), session.csrf.encode()):
            raise HTTPException(403, "the form is too old; load the page again")
        return form


async def read_form(request: Request) -> FormData:
    """Return a form's fields, bounded. Raises HTTPException for a foreign, huge or odd one."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "the form is from another site")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form must be application/x-www-form-urlencoded")
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MAX_FORM:
        raise HTTPException(413, "the form is too large")
    form = await request.form(max_fields=20)
    _refuse_nul(form.values())
    return form


def harden(response: Response) -> Response:
    """Return a response with the headers that every page has."""
    response.headers.update(HEADERS)
    return response


def _refuse_nul(values: Iterable[object]) -> None:
    # PostgreSQL takes no NUL, neither to keep it nor to look for it.
    if any("\x00" in str(value) for value in values):
        raise HTTPException(400, "the request holds a character that cannot be kept")
