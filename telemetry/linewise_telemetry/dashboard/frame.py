"""What every page of the dashboard is set in: the templates, and the project with its readings.

In: requests of staff. Out: what templates are given, and HTML. Never a figure of its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from linewise_telemetry.collector.store import now_utc
from linewise_telemetry.dashboard import charts
from linewise_telemetry.dashboard.readings import Readings

if TYPE_CHECKING:
    from starlette.requests import Request

    from linewise_telemetry.collector.accounts import Session
    from linewise_telemetry.collector.app import Collector

WEEKS = (4, 12, 26, 52)


class Frame:
    """The frame of one collector's pages."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._templates = Environment(
            loader=PackageLoader("linewise_telemetry.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def view(self, request: Request, session: Session) -> dict[str, Any]:
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

    def render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page made of a template and what it is given."""
        page = self._templates.get_template(template)
        return HTMLResponse(
            page.render(charts=charts, here=template.removesuffix(".html"), **values),
            status_code=status,
        )
