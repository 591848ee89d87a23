"""The desk at which feedback is read and answered.

In: requests of staff. Out: the inbox, one feedback, and what staff said about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from linewise_telemetry.collector import inbox
from linewise_telemetry.collector.store import now_utc
from linewise_telemetry.dashboard.access import Access
from linewise_telemetry.dashboard.frame import Frame

if TYPE_CHECKING:
    from starlette.requests import Request

    from linewise_telemetry.collector.accounts import Session
    from linewise_telemetry.collector.app import Collector

MINE, NOBODYS = "@me", "@nobody"
"""What the filter by assignee says of whoever looks, and of what nobody has."""


class Desk:
    """The inbox of one collector."""

    def __init__(self, collector: Collector, frame: Frame) -> None:
        self._collector = collector
        self._access = Access(collector)
        self._frame = frame

    async def feedback(self, request: Request, session: Session) -> Response:
        """Show the inbox."""
        return await run_in_threadpool(self._feedback, request, session)

    async def item(self, request: Request, session: Session) -> Response:
        """Show one feedback, or take what staff say about it."""
        form = await self._access.form(request, session) if request.method == "POST" else None
        fields = None if form is None else {name: str(value) for name, value in form.items()}
        return await run_in_threadpool(self._item, request, session, fields)

    def _feedback(self, request: Request, session: Session) -> Response:
        view = self._frame.view(request, session)
        status = request.query_params.get("status", "")
        kind = request.query_params.get("kind", "")
        subject = request.query_params.get("subject", "")
        whose = request.query_params.get("assignee", "")
        assignee = {"": None, MINE: session.staff, NOBODYS: ""}.get(whose, whose[:64])
        project = view["project"].id
        wanted = inbox.Wanted(
            status=status if status in inbox.STATUSES else None,
            kind=kind if kind in inbox.KINDS else None,
            subject=subject[:160] or None,
            assignee=assignee,
        )
        return self._frame.render(
            "feedback.html",
            **view,
            items=self._collector.inbox.find(project, wanted),
            chosen={"status": status, "kind": kind, "subject": subject, "assignee": whose},
            statuses=inbox.STATUSES,
            kinds=inbox.KINDS,
            most=inbox.MOST_LISTED,
            whose=[(MINE, "me"), (NOBODYS, "nobody")]
            + [(name, name) for name in self._collector.inbox.assignees(project)],
        )

    def _item(self, request: Request, session: Session, form: dict[str, str] | None) -> Response:
        view = self._frame.view(request, session)
        project, id_ = view["project"].id, int(request.path_params["id"])
        item = self._collector.inbox.get(project, id_) if 0 < id_ < 2**31 else None
        if item is None:
            raise HTTPException(404, "there is no such feedback")
        problem = None
        if form is not None:
            problem = self._answer(project, id_, session, form)
            if problem is None:
                return RedirectResponse(f"/p/{project}/feedback/{id_}", status_code=303)
        duplicates = self._collector.inbox.merged(project, id_)
        return self._frame.render(
            "item.html",
            **view,
            item=item,
            attachments=inbox.attachments(item),
            duplicates=duplicates,
            statuses=inbox.STATUSES,
            staff=self._collector.accounts.names(),
            problem=problem,
            status=200 if problem is None else 422,
        )

    def _answer(self, project: str, id_: int, session: Session, form: dict[str, str]) -> str | None:
        now = now_utc(self._collector.clock())
        into = form.get("merge", "").strip()
        if into:
            number = int(into) if into.isdecimal() and len(into) < 10 else 0
            if not self._collector.inbox.merge(project, id_, number):
                return f"There is no feedback {into[:20]} into which this could be merged."
            self._collector.accounts.note(session.staff, "feedback merged", f"{id_} {number}", now)
            return None
        if form.get("separate"):
            if self._collector.inbox.separate(project, id_):
                self._collector.accounts.note(session.staff, "feedback separated", str(id_), now)
            return None
        if len(form.get("answer", "")) > inbox.MAX_TEXT:
            return f"The answer is longer than {inbox.MAX_TEXT} characters; nothing was saved."
        change = inbox.Change(
            status=form.get("status"),
            assignee=form.get("assignee", "").strip()[:64],
            answer=form.get("answer", ""),
            release=form.get("release", "")[:64],
        )
        if not self._collector.inbox.change(project, id_, change):
            return "This is a duplicate: its sender gets the other's answer. Nothing was saved."
        self._collector.accounts.note(session.staff, "feedback changed", str(id_), now)
        return None
