"""The pages of the dashboard.

In: requests of staff. Out: HTML made here, from templates and readings. There is no page about one
person, because no reading is about one.
"""

from __future__ import annotations

from datetime import date, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from linewise_telemetry.collector import inbox, tables
from linewise_telemetry.collector.store import now_utc
from linewise_telemetry.dashboard import charts, exports
from linewise_telemetry.dashboard.access import COOKIE, Access, harden, read_form
from linewise_telemetry.dashboard.readings import Readings
from linewise_telemetry.figures import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from linewise_telemetry.collector.accounts import Session
    from linewise_telemetry.collector.app import Collector

WEEKS = (4, 12, 26, 52)
EXPIRES_SOON = timedelta(days=60)
RELEASE_KINDS = ("docs", "catalogue", "model", "product")


def routes(collector: Collector) -> Sequence[BaseRoute]:
    """Return the dashboard's routes over the parts of a collector."""
    pages = Pages(collector)
    guard = Access(collector).guard
    project = "/p/{project}"
    return [
        Route("/", guard(pages.home)),
        Route("/login", pages.login, methods=["GET", "POST"]),
        Route("/logout", guard(pages.logout), methods=["POST"]),
        Route("/static/style.css", pages.style),
        Route(f"{project}/", guard(pages.overview)),
        Route(f"{project}/apis", guard(pages.apis)),
        Route(f"{project}/apis/{{symbol:path}}", guard(pages.symbol)),
        Route(f"{project}/gaps", guard(pages.gaps)),
        Route(f"{project}/samples", guard(pages.samples)),
        Route(f"{project}/feedback", guard(pages.feedback)),
        Route(f"{project}/feedback/{{id:int}}", guard(pages.item), methods=["GET", "POST"]),
        Route(f"{project}/releases", guard(pages.releases), methods=["GET", "POST"]),
        Route(f"{project}/health", guard(pages.health), methods=["GET", "POST"]),
        Route(f"{project}/export.{{kind}}", guard(pages.export)),
        Route(f"{project}/digest.{{kind}}", guard(pages.digest)),
    ]


class Pages:
    """The pages over one collector's parts."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._access = Access(collector)
        self._templates = Environment(
            loader=PackageLoader("linewise_telemetry.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def home(self, _request: Request, session: Session) -> Response:
        """List the projects, or show the only one."""
        projects = await run_in_threadpool(self._collector.accounts.projects)
        if len(projects) == 1:
            return RedirectResponse(f"/p/{projects[0].id}/", status_code=303)
        return self._render("home.html", session=session, projects=projects)

    async def login(self, request: Request) -> Response:
        """Show the login, or take it."""
        if request.method == "GET":
            return harden(self._render("login.html", problem=None))
        address = request.client.host if request.client else ""
        if self._collector.rates.wait_for_login(address) is not None:
            problem = "Too many tries; wait a minute."
            return harden(self._render("login.html", status=429, problem=problem))
        form = await read_form(request)
        now = now_utc(self._collector.clock())
        name, password = str(form.get("name", "")), str(form.get("password", ""))
        token = await run_in_threadpool(self._collector.accounts.log_in, name, password, now)
        if token is None:
            problem = "The name or the password is wrong."
            return harden(self._render("login.html", status=403, problem=problem))
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

    async def overview(self, request: Request, session: Session) -> Response:
        """Who takes part, and are completions wanted, right and fast."""
        return await run_in_threadpool(self._overview, request, session)

    async def apis(self, request: Request, session: Session) -> Response:
        """Which symbols are looked up, not answered, mis-completed, deprecated."""
        return await run_in_threadpool(self._apis, request, session)

    async def symbol(self, request: Request, session: Session) -> Response:
        """Show one symbol week by week, with its feedback."""
        return await run_in_threadpool(self._symbol, request, session)

    async def gaps(self, request: Request, session: Session) -> Response:
        """Give the work list of the people who write the docs."""
        return await run_in_threadpool(self._gaps, request, session)

    async def samples(self, request: Request, session: Session) -> Response:
        """Show samples and announcements."""
        return await run_in_threadpool(self._samples, request, session)

    async def feedback(self, request: Request, session: Session) -> Response:
        """Show the inbox."""
        return await run_in_threadpool(self._feedback, request, session)

    async def item(self, request: Request, session: Session) -> Response:
        """Show one feedback, or take what staff say about it."""
        form = await self._access.form(request, session) if request.method == "POST" else None
        fields = None if form is None else {name: str(value) for name, value in form.items()}
        return await run_in_threadpool(self._item, request, session, fields)

    async def releases(self, request: Request, session: Session) -> Response:
        """Show releases with the figures before and after, or take a new one."""
        form = await self._access.form(request, session) if request.method == "POST" else None
        fields = None if form is None else {name: str(value) for name, value in form.items()}
        return await run_in_threadpool(self._releases, request, session, fields)

    async def health(self, request: Request, session: Session) -> Response:
        """Show what was lost, hidden and deleted, and who did what; or take the known installs."""
        form = await self._access.form(request, session) if request.method == "POST" else None
        fields = None if form is None else {name: str(value) for name, value in form.items()}
        return await run_in_threadpool(self._health, request, session, fields)

    async def export(self, request: Request, session: Session) -> Response:
        """Give the visible figures as CSV or Parquet."""
        return await run_in_threadpool(self._export, request, session)

    async def digest(self, request: Request, session: Session) -> Response:
        """Give the week as Markdown or HTML."""
        return await run_in_threadpool(self._digest, request, session)

    def _overview(self, request: Request, session: Session) -> Response:
        view = self._view(request, session)
        readings: Readings = view["readings"]
        active = readings.weekly("active")
        known = view["project"].installs_known
        opted = None
        if known and active:
            opted = share(min(active[-1][1].share.den, known), known)
        return self._render(
            "overview.html",
            **view,
            active=active,
            opted=opted,
            p50=readings.quantile("latency", 0.5),
            p95=readings.quantile("latency", 0.95),
        )

    def _apis(self, request: Request, session: Session) -> Response:
        view = self._view(request, session)
        readings: Readings = view["readings"]
        metrics = ("unanswered", "api_acceptance", "api_survival", "deprecated_use")
        found = {name: {r.value: r for r in readings.by(name, "symbol")} for name in metrics}
        symbols = sorted(set().union(*found.values()))
        symbols.sort(key=lambda name: -_base(found["unanswered"].get(name)))
        rows = [(name, [found[metric].get(name) for metric in metrics]) for name in symbols]
        return self._render("apis.html", **view, metrics=metrics, rows=rows)

    def _symbol(self, request: Request, session: Session) -> Response:
        view = self._view(request, session)
        name = str(request.path_params["symbol"])
        found = self._collector.inbox.find(view["project"].id, status=None, kind=None, subject=name)
        metrics = [
            metric
            for metric in self._collector.registry.metrics.values()
            if "symbol" in metric.by and view["readings"].weekly(metric.name, "symbol", name)
        ]
        return self._render("symbol.html", **view, symbol=name, metrics=metrics, items=found)

    def _gaps(self, request: Request, session: Session) -> Response:
        view = self._view(request, session)
        readings: Readings = view["readings"]
        missing = {reading.value: reading for reading in readings.by("gaps", "symbol")}
        unanswered = {reading.value: reading for reading in readings.by("unanswered", "symbol")}
        rated = {reading.value: reading for reading in readings.by("rating", "symbol")}
        names = sorted(
            missing.keys() | {name for name, reading in unanswered.items() if reading.share.num},
            key=lambda name: (-_base(missing.get(name)), -_hits(unanswered.get(name)), name),
        )
        rows = [(name, missing.get(name), unanswered.get(name), rated.get(name)) for name in names]
        return self._render("gaps.html", **view, rows=rows)

    def _samples(self, request: Request, session: Session) -> Response:
        view = self._view(request, session)
        survival = {r.value: r for r in view["readings"].by("sample_survival", "symbol")}
        rows = [(r, survival.get(r.value)) for r in view["readings"].by("samples", "symbol")]
        return self._render("samples.html", **view, rows=rows)

    def _feedback(self, request: Request, session: Session) -> Response:
        view = self._view(request, session)
        status = request.query_params.get("status", "")
        kind = request.query_params.get("kind", "")
        subject = request.query_params.get("subject", "")
        items = self._collector.inbox.find(
            view["project"].id,
            status=status if status in inbox.STATUSES else None,
            kind=kind if kind in inbox.KINDS else None,
            subject=subject[:160] or None,
        )
        return self._render(
            "feedback.html",
            **view,
            items=items,
            chosen={"status": status, "kind": kind, "subject": subject},
            statuses=inbox.STATUSES,
            kinds=inbox.KINDS,
        )

    def _item(self, request: Request, session: Session, form: dict[str, str] | None) -> Response:
        view = self._view(request, session)
        project, id_ = view["project"].id, int(request.path_params["id"])
        problem = None
        if form is not None:
            problem = self._answer(project, id_, session, form)
            if problem is None:
                return RedirectResponse(f"/p/{project}/feedback/{id_}", status_code=303)
        item = self._collector.inbox.get(project, id_) if 0 < id_ < 2**31 else None
        if item is None:
            raise HTTPException(404, "there is no such feedback")
        duplicates = self._collector.inbox.merged(project, id_)
        return self._render(
            "item.html",
            **view,
            item=item,
            attachments=inbox.attachments(item),
            duplicates=duplicates,
            statuses=inbox.STATUSES,
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
        if len(form.get("answer", "")) > inbox.MAX_TEXT:
            return f"The answer is longer than {inbox.MAX_TEXT} characters; nothing was saved."
        if "\x00" in "".join(form.values()):
            return "The text holds a character that cannot be kept."
        change = inbox.Change(
            status=form.get("status"),
            assignee=form.get("assignee", "")[:64],
            answer=form.get("answer", ""),
            release=form.get("release", "")[:64],
        )
        self._collector.inbox.change(project, id_, change)
        self._collector.accounts.note(session.staff, "feedback changed", str(id_), now)
        return None

    def _releases(
        self, request: Request, session: Session, form: dict[str, str] | None
    ) -> Response:
        view = self._view(request, session)
        problem = None
        if form is not None:
            problem = self._add_release(view["project"].id, session, form)
            if problem is None:
                return RedirectResponse(request.url.path, status_code=303)
        readings: Readings = view["readings"]
        rows = [(release, readings.around(release.day)) for release in readings.releases()]
        return self._render(
            "releases.html",
            **view,
            rows=rows,
            kinds=RELEASE_KINDS,
            problem=problem,
            status=200 if problem is None else 422,
        )

    def _add_release(self, project: str, session: Session, form: dict[str, str]) -> str | None:
        name, kind = form.get("name", "").strip(), form.get("kind", "")
        try:
            day = date.fromisoformat(form.get("day", ""))
        except ValueError:
            return "Give the day as YYYY-MM-DD."
        if not name or len(name) > 64 or "\x00" in name or kind not in RELEASE_KINDS:
            return "Give a name of at most 64 characters and a kind."
        with self._collector.engine.begin() as connection:
            connection.execute(
                tables.release.insert().values(project=project, day=day, name=name, kind=kind)
            )
        now = now_utc(self._collector.clock())
        self._collector.accounts.note(session.staff, "release marked", name, now)
        return None

    def _health(self, request: Request, session: Session, form: dict[str, str] | None) -> Response:
        view = self._view(request, session)
        if form is not None:
            text = form.get("installs", "").strip()
            known = int(text) if text.isdecimal() and len(text) < 10 else None
            self._collector.accounts.set_installs_known(view["project"].id, known)
            now = now_utc(self._collector.clock())
            self._collector.accounts.note(session.staff, "installs set", str(known), now)
            return RedirectResponse(request.url.path, status_code=303)
        soon = view["today"] + EXPIRES_SOON
        with self._collector.engine.connect() as connection:
            audit = tables.audit
            done = list(connection.execute(select(audit).order_by(audit.c.id.desc()).limit(50)))
            deletions = connection.execute(
                select(func.count(), func.coalesce(func.sum(tables.deletion.c.events), 0))
            ).one()
        return self._render(
            "health.html",
            **view,
            withheld=view["readings"].withheld(),
            deletions=deletions,
            audit=done,
            expiring=[e for e in self._collector.registry.events.values() if e.expires <= soon],
        )

    def _export(self, request: Request, session: Session) -> Response:
        view = self._view(request, session)
        rows = view["readings"].rows()
        outside = request.query_params.get("outside") == "1"
        kind = request.path_params["kind"]
        name = f"{view['project'].id}-{view['today']}"
        now = now_utc(self._collector.clock())
        self._collector.accounts.note(session.staff, "export", f"{kind} {len(rows)} cells", now)
        headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
        if kind == "csv":
            text = exports.as_csv(rows, outside=outside)
            return Response(text, media_type="text/csv", headers=headers)
        if kind == "parquet":
            data = exports.as_parquet(rows, outside=outside)
            return Response(data, media_type="application/vnd.apache.parquet", headers=headers)
        raise HTTPException(404, "exports are csv or parquet")

    def _digest(self, request: Request, session: Session) -> Response:
        view = self._view(request, session)
        project = view["project"]
        waiting = self._collector.inbox.find(project.id, status="new", kind=None, subject=None)
        registry = self._collector.registry
        text = exports.digest(registry, view["readings"], project.name, view["today"], len(waiting))
        if request.path_params["kind"] == "md":
            return PlainTextResponse(text, media_type="text/markdown")
        if request.path_params["kind"] == "html":
            return self._render("digest.html", **view, text=text)
        raise HTTPException(404, "digests are md or html")

    def _view(self, request: Request, session: Session) -> dict[str, Any]:
        """Return what every page of a project needs."""
        wanted = request.path_params["project"]
        projects = self._collector.accounts.projects()
        project = next((row for row in projects if row.id == wanted), None)
        if project is None:
            raise HTTPException(404, "there is no such project")
        asked = request.query_params.get("weeks", "")
        weeks = int(asked) if asked in {str(choice) for choice in WEEKS} else 12
        today = now_utc(self._collector.clock()).date()
        since = today - timedelta(days=today.weekday() + 7 * weeks)
        readings = Readings(self._collector.engine, self._collector.registry, project.id, since)
        return {
            "session": session,
            "project": project,
            "today": today,
            "weeks": weeks,
            "choices": WEEKS,
            "readings": readings,
            "registry": self._collector.registry,
            "marks": [(release.day, release.name) for release in readings.releases()],
        }

    def _render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        page = self._templates.get_template(template)
        return HTMLResponse(
            page.render(charts=charts, here=template.removesuffix(".html"), **values),
            status_code=status,
        )


def _base(reading: Any) -> int:
    return 0 if reading is None else int(reading.share.den)


def _hits(reading: Any) -> int:
    return 0 if reading is None else int(reading.share.num)
