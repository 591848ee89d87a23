"""The pages of the dashboard.

In: requests of staff. Out: HTML made here, from templates and readings. There is no page about one
person, because no reading is about one.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from linewise_telemetry.collector import tables
from linewise_telemetry.collector.inbox import Wanted
from linewise_telemetry.collector.store import now_utc
from linewise_telemetry.dashboard import exports
from linewise_telemetry.dashboard.access import Access
from linewise_telemetry.dashboard.desk import Desk
from linewise_telemetry.dashboard.entrance import Entrance
from linewise_telemetry.dashboard.frame import Frame
from linewise_telemetry.figures import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from linewise_telemetry.collector.accounts import Session
    from linewise_telemetry.collector.app import Collector
    from linewise_telemetry.dashboard.readings import Readings

EXPIRES_SOON = timedelta(days=60)
RELEASE_KINDS = ("docs", "catalogue", "model", "product")


def routes(collector: Collector) -> Sequence[BaseRoute]:
    """Return the dashboard's routes over the parts of a collector."""
    frame = Frame(collector)
    pages = Pages(collector, frame)
    desk = Desk(collector, frame)
    entrance = Entrance(collector, frame)
    guard = Access(collector).guard
    project = "/p/{project}"
    return [
        Route("/", guard(entrance.home)),
        Route("/login", entrance.login, methods=["GET", "POST"]),
        Route("/logout", guard(entrance.logout), methods=["POST"]),
        Route("/static/style.css", entrance.style),
        Route(f"{project}/", guard(pages.overview)),
        Route(f"{project}/apis", guard(pages.apis)),
        Route(f"{project}/apis/{{symbol:path}}", guard(pages.symbol)),
        Route(f"{project}/gaps", guard(pages.gaps)),
        Route(f"{project}/samples", guard(pages.samples)),
        Route(f"{project}/feedback", guard(desk.feedback)),
        Route(f"{project}/feedback/{{id:int}}", guard(desk.item), methods=["GET", "POST"]),
        Route(f"{project}/releases", guard(pages.releases), methods=["GET", "POST"]),
        Route(f"{project}/health", guard(pages.health), methods=["GET", "POST"]),
        Route(f"{project}/export.{{kind}}", guard(pages.export)),
        Route(f"{project}/digest.{{kind}}", guard(pages.digest)),
    ]


class Pages:
    """The pages over one collector's parts."""

    def __init__(self, collector: Collector, frame: Frame) -> None:
        self._collector = collector
        self._access = Access(collector)
        self._frame = frame

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
        view = self._frame.view(request, session)
        readings: Readings = view["readings"]
        active = readings.weekly("active")
        known = view["project"].installs_known
        opted = None
        if known and active:
            opted = share(min(active[-1][1].share.den, known), known)
        return self._frame.render(
            "overview.html",
            **view,
            active=active,
            opted=opted,
            answers=readings.total("latency"),
            p50=readings.quantile("latency", 0.5),
            p95=readings.quantile("latency", 0.95),
        )

    def _apis(self, request: Request, session: Session) -> Response:
        view = self._frame.view(request, session)
        readings: Readings = view["readings"]
        metrics = ("unanswered", "api_acceptance", "api_survival", "deprecated_use")
        found = {name: {r.value: r for r in readings.by(name, "symbol")} for name in metrics}
        symbols = sorted(set().union(*found.values()))
        symbols.sort(key=lambda name: -_base(found["unanswered"].get(name)))
        rows = [(name, [found[metric].get(name) for metric in metrics]) for name in symbols]
        return self._frame.render("apis.html", **view, metrics=metrics, rows=rows)

    def _symbol(self, request: Request, session: Session) -> Response:
        view = self._frame.view(request, session)
        name = str(request.path_params["symbol"])
        found = self._collector.inbox.find(view["project"].id, Wanted(subject=name))
        metrics = [
            metric
            for metric in self._collector.registry.metrics.values()
            if "symbol" in metric.by and view["readings"].weekly(metric.name, "symbol", name)
        ]
        return self._frame.render("symbol.html", **view, symbol=name, metrics=metrics, items=found)

    def _gaps(self, request: Request, session: Session) -> Response:
        view = self._frame.view(request, session)
        readings: Readings = view["readings"]
        missing = {reading.value: reading for reading in readings.by("gaps", "symbol")}
        unanswered = {reading.value: reading for reading in readings.by("unanswered", "symbol")}
        rated = {reading.value: reading for reading in readings.by("rating", "symbol")}
        names = sorted(
            missing.keys() | {name for name, reading in unanswered.items() if reading.share.num},
            key=lambda name: (-_base(missing.get(name)), -_hits(unanswered.get(name)), name),
        )
        rows = [(name, missing.get(name), unanswered.get(name), rated.get(name)) for name in names]
        return self._frame.render("gaps.html", **view, rows=rows)

    def _samples(self, request: Request, session: Session) -> Response:
        view = self._frame.view(request, session)
        survival = {r.value: r for r in view["readings"].by("sample_survival", "symbol")}
        rows = [(r, survival.get(r.value)) for r in view["readings"].by("samples", "symbol")]
        return self._frame.render("samples.html", **view, rows=rows)

    def _releases(
        self, request: Request, session: Session, form: dict[str, str] | None
    ) -> Response:
        view = self._frame.view(request, session)
        problem = None
        if form is not None:
            problem = self._add_release(view["project"].id, session, form)
            if problem is None:
                return RedirectResponse(request.url.path, status_code=303)
        readings: Readings = view["readings"]
        rows = [(release, readings.around(release.day)) for release in readings.releases()]
        return self._frame.render(
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
        if not name or len(name) > 64 or kind not in RELEASE_KINDS:
            return "Give a name of at most 64 characters and a kind."
        with self._collector.engine.begin() as connection:
            connection.execute(
                tables.release.insert().values(project=project, day=day, name=name, kind=kind)
            )
        now = now_utc(self._collector.clock())
        self._collector.accounts.note(session.staff, "release marked", name, now)
        return None

    def _health(self, request: Request, session: Session, form: dict[str, str] | None) -> Response:
        view = self._frame.view(request, session)
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
        return self._frame.render(
            "health.html",
            **view,
            withheld=view["readings"].withheld(),
            deletions=deletions,
            audit=done,
            expiring=[e for e in self._collector.registry.events.values() if e.expires <= soon],
        )

    def _export(self, request: Request, session: Session) -> Response:
        view = self._frame.view(request, session)
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
        view = self._frame.view(request, session)
        project = view["project"]
        waiting = self._collector.inbox.find(project.id, Wanted(status="new"))
        registry = self._collector.registry
        text = exports.digest(registry, view["readings"], project.name, view["today"], len(waiting))
        if request.path_params["kind"] == "md":
            return PlainTextResponse(text, media_type="text/markdown")
        if request.path_params["kind"] == "html":
            return self._frame.render("digest.html", **view, text=text)
        raise HTTPException(404, "digests are md or html")


def _base(reading: Any) -> int:
    return 0 if reading is None else int(reading.share.den)


def _hits(reading: Any) -> int:
    return 0 if reading is None else int(reading.share.num)
