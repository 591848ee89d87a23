"""The way in and out of the dashboard: the list of projects, the login, and the style sheet.

In: requests of anybody. Out: pages that show nothing of a project to those who are not logged in.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from linewise_telemetry.collector.store import now_utc
from linewise_telemetry.dashboard.access import COOKIE, Access, harden, read_form
from linewise_telemetry.dashboard.frame import Frame

if TYPE_CHECKING:
    from starlette.requests import Request

    from linewise_telemetry.collector.accounts import Session
    from linewise_telemetry.collector.app import Collector


class Entrance:
    """What stands before a collector's pages."""

    def __init__(self, collector: Collector, frame: Frame) -> None:
        self._collector = collector
        self._access = Access(collector)
        self._frame = frame

    async def home(self, _request: Request, session: Session) -> Response:
        """List the projects, or show the only one."""
        projects = await run_in_threadpool(self._collector.accounts.projects)
        if len(projects) == 1:
            return RedirectResponse(f"/p/{projects[0].id}/", status_code=303)
        return self._frame.render("home.html", session=session, projects=projects)

    async def login(self, request: Request) -> Response:
        """Show the login, or take it."""
        if request.method == "GET":
            return harden(self._frame.render("login.html", problem=None))
        address = request.client.host if request.client else ""
        if self._collector.rates.wait_for_login(address) is not None:
            problem = "Too many tries; wait a minute."
            return harden(self._frame.render("login.html", status=429, problem=problem))
        form = await read_form(request)
        now = now_utc(self._collector.clock())
        name, password = str(form.get("name", "")), str(form.get("password", ""))
        token = await run_in_threadpool(self._collector.accounts.log_in, name, password, now)
        if token is None:
            problem = "The name or the password is wrong."
            return harden(self._frame.render("login.html", status=403, problem=problem))
        response = RedirectResponse("/", status_code=303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure)
        return harden(response)

    async def logout(self, request: Request, session: Session) -> Response:
        """End the session."""
        await self._access.form(request, session)
        token = request.cookies[COOKIE]
        await run_in_threadpool(self._collector.accounts.log_out, token)
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(COOKIE)
        return response

    async def style(self, _request: Request) -> Response:
        """Give the style sheet."""
        text = (files("linewise_telemetry.dashboard") / "static" / "style.css").read_text("utf-8")
        return harden(Response(text, media_type="text/css"))
