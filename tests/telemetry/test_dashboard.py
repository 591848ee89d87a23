"""The dashboard: closed to strangers, every figure with its base, nothing small or injected."""

from __future__ import annotations

import csv
import io
import re
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, insert

from linewise_telemetry.collector import tables
from linewise_telemetry.collector.app import build, ensure_admin
from linewise_telemetry.collector.inbox import Change
from linewise_telemetry.collector.store import now_utc
from linewise_telemetry.dashboard.pages import routes
from tests.telemetry.site import SYMBOLS, Site, make_site
from tests.telemetry.world import REGISTRY, START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    import httpx

MONDAY = date(2026, 11, 9)
PAGES = ("", "apis", f"apis/{SYMBOLS[0]}", "gaps", "samples", "feedback", "releases", "health")
EVIL = "<script>alert('x')</script>"
WORDS = {
    "kind": "problem", "about": "product", "subject": None, "text": "Same here",
    "rating": None, "attachments": "[]", "contact": None,
}  # fmt: skip


def fill(site: Site) -> None:
    """Six installs over eight weeks, for every metric: 40 % at first, then 60 %."""
    rows = []
    for week in range(8):
        monday = MONDAY - timedelta(weeks=week)
        for metric in REGISTRY.metrics.values():
            event = REGISTRY.events[metric.of.event]
            cells = [("", "")]
            for by in metric.by:
                values = event.fields[by].values or SYMBOLS[:2]
                cells.append((by, values[0]))
            for project in ("acme", "linewise"):
                for split, value in cells:
                    rows += [
                        {
                            "project": project, "week": monday, "metric": metric.name,
                            "split": split, "value": value, "contributor": f"{i:032x}",
                            "event": metric.of.event, "num": 60 if week < 4 else 40, "den": 100,
                        }
                        for i in range(6)
                    ]  # fmt: skip
    with site.collector.engine.begin() as connection:
        connection.execute(insert(tables.tally), rows)
    feedback = {
        "kind": "problem", "about": "symbol", "subject": SYMBOLS[0], "text": f"It hangs {EVIL}",
        "rating": 2, "attachments": f'["{EVIL}"]', "contact": EVIL,
    }  # fmt: skip
    site.collector.inbox.add("acme", "1" * 32, feedback, MONDAY)
    site.collector.events.sweep(now_utc(START))


@pytest.fixture
def site(engine: Engine) -> Site:
    made = make_site(engine)
    made.app = build(made.collector, routes(made.collector))
    fill(made)
    return made


@asynccontextmanager
async def logged_in(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    password = ensure_admin(site.collector)
    assert password is not None
    async with site.client() as client:
        answer = await client.post("/login", data={"name": "admin", "password": password})
        assert answer.status_code == 303
        yield client


async def get_all(client: httpx.AsyncClient, project: str, paths: Iterable[str]) -> str:
    return "".join([(await client.get(f"/p/{project}/{path}")).text for path in paths])


async def token(client: httpx.AsyncClient, path: str = "/p/acme/releases") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', (await client.get(path)).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("project", ["acme", "linewise"])
async def test_page_is_served_to_staff_alone_and_loads_nothing_foreign(
    site: Site, path: str, project: str
) -> None:
    async with site.client() as stranger:
        answer = await stranger.get(f"/p/{project}/{path}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    async with logged_in(site) as client:
        answer = await client.get(f"/p/{project}/{path}")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    # With `no-referrer` a browser sends `Origin: null`, and every form of ours would be refused.
    assert answer.headers["referrer-policy"] == "same-origin"
    text = answer.text
    assert "<script" not in text
    assert "style=" not in text
    assert re.findall(r'(?:src|href)="(?!/|\?|#|[a-z]+\.)[^"]*"', text) == []


async def test_every_chart_of_the_registry_is_drawn(site: Site) -> None:
    async with logged_in(site) as client:
        text = await get_all(client, "linewise", PAGES)
    for chart in REGISTRY.charts.values():
        assert chart.question.replace("'", "&#39;") in text
        for name in chart.metrics:
            assert REGISTRY.metrics[name].title in text


async def test_figures_have_their_base_and_interval(site: Site) -> None:
    async with logged_in(site) as client:
        text = (await client.get("/p/linewise/?weeks=12")).text
    assert "2,400 of 4,800; 95 % interval 48.6 to 51.4 %" in text


async def test_before_and_after_a_release(site: Site) -> None:
    async with logged_in(site) as client:
        form = {"csrf": await token(client), "day": "2026-10-21", "name": EVIL, "kind": "docs"}
        assert (await client.post("/p/acme/releases", data=form)).status_code == 303
        text = (await client.get("/p/acme/releases")).text
        chart = (await client.get("/p/acme/apis")).text
    assert "+20.0" in text
    assert "<script" not in text + chart
    assert "&lt;script&gt;" in chart, "the mark is on the charts"


async def test_feedback_is_answered_and_the_sender_sees_it(site: Site) -> None:
    async with logged_in(site) as client:
        text = (await client.get("/p/acme/feedback/1")).text
        assert "<script" not in text
        form = {
            "csrf": await token(client), "status": "fixed", "assignee": "Ada",
            "answer": "See the changelog.", "release": "2.4",
        }  # fmt: skip
        assert (await client.post("/p/acme/feedback/1", data=form)).status_code == 303
        assert "Ada" in (await client.get("/p/acme/feedback?status=fixed")).text
        assert "Nothing here" in (await client.get("/p/acme/feedback?status=new")).text
        assert (await client.get("/p/linewise/feedback/1")).status_code == 404
    with site.collector.engine.connect() as connection:
        row = connection.execute(tables.feedback.select()).one()
    assert (row.status, row.assignee, row.release) == ("fixed", "Ada", "2.4")


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [4, 3, 2, 1]),
        ("assignee=@me", [3, 2]),
        ("assignee=@nobody", [4, 1]),
        ("assignee=ada", [4]),
        ("assignee=@me&status=fixed", [3]),
        ("assignee=who", []),
    ],
)
async def test_inbox_is_filtered_by_assignee(site: Site, query: str, numbers: list[int]) -> None:
    inbox = site.collector.inbox
    for i in (2, 3, 4):
        inbox.add("acme", f"{i:032x}", WORDS, MONDAY)
    for number, assignee in ((2, "admin"), (3, "Admin"), (4, "Ada")):
        inbox.change("acme", number, Change("fixed" if number == 3 else None, assignee, None, None))
    if "ada" not in query:
        inbox.change("acme", 4, Change(None, "", None, None))
    async with logged_in(site) as client:
        text = (await client.get(f"/p/acme/feedback?{query}")).text
    found = re.findall(r'class="number"><a href="/p/acme/feedback/(\d+)"', text)
    assert [int(number) for number in found] == numbers


async def test_assignees_can_be_chosen(site: Site) -> None:
    async with logged_in(site) as client:
        form = {"csrf": await token(client), "status": "seen", "assignee": f" {EVIL} "}
        assert (await client.post("/p/acme/feedback/1", data=form)).status_code == 303
        text = (await client.get("/p/acme/feedback?assignee=@nobody")).text
        assert '<option value="@nobody" selected>nobody</option>' in text
        assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</option>" in text
        assert '<option value="admin">' in (await client.get("/p/acme/feedback/1")).text


async def test_duplicate_is_answered_at_the_other_and_can_be_separated(site: Site) -> None:
    site.collector.inbox.add("acme", "d" * 32, WORDS, MONDAY)
    async with logged_in(site) as client:
        csrf = await token(client)
        await client.post("/p/acme/feedback/2", data={"csrf": csrf, "merge": "1"})
        page = (await client.get("/p/acme/feedback/2")).text
        assert 'name="answer"' not in page
        form = {"csrf": csrf, "status": "fixed", "answer": "Lost?"}
        answer = await client.post("/p/acme/feedback/2", data=form)
        assert answer.status_code == 422
        assert "Nothing was saved" in answer.text
        await client.post("/p/acme/feedback/2", data={"csrf": csrf, "separate": "1"})
        assert (await client.post("/p/acme/feedback/2", data=form)).status_code == 303
        assert (await client.post("/p/acme/feedback/9", data=form)).status_code == 404
        assert (await client.post(f"/p/acme/feedback/{10**30}", data=form)).status_code == 404
    assert site.collector.inbox.status("d" * 32) == {"status": "fixed", "answer": "Lost?"}


async def test_duplicates_get_the_answer_of_what_they_were_merged_into(site: Site) -> None:
    receipt = "d" * 32
    site.collector.inbox.add("acme", receipt, WORDS, MONDAY)
    async with logged_in(site) as client:
        csrf = await token(client)
        bad = await client.post("/p/acme/feedback/2", data={"csrf": csrf, "merge": "99"})
        assert bad.status_code == 422
        await client.post("/p/acme/feedback/2", data={"csrf": csrf, "merge": "1"})
        await client.post(
            "/p/acme/feedback/1", data={"csrf": csrf, "status": "answered", "answer": "Yes."}
        )
        assert "Same here" not in (await client.get("/p/acme/feedback")).text
    assert site.collector.inbox.status(receipt) == {"status": "answered", "answer": "Yes."}


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        ({"day": "2026-10-21", "name": "x", "kind": "docs"}, {}, 403),
        ({"csrf": "wrong", "day": "2026-10-21", "name": "x", "kind": "docs"}, {}, 403),
        (
            {"csrf": "RIGHT", "day": "2026-10-21", "name": "x", "kind": "docs"},
            {"Origin": "http://evil.example"},
            403,
        ),
        ({"csrf": "RIGHT", "day": "soon", "name": "x", "kind": "docs"}, {}, 422),
        ({"csrf": "RIGHT", "day": "2026-10-21", "name": "", "kind": "docs"}, {}, 422),
        (
            {"csrf": "RIGHT", "day": "2026-10-21", "name": "x", "kind": "docs"},
            {"Origin": "http://collector"},
            303,
        ),
    ],
)
async def test_forms_are_ours(
    site: Site, data: dict[str, str], headers: dict[str, str], status: int
) -> None:
    async with logged_in(site) as client:
        if data.get("csrf") == "RIGHT":
            data = data | {"csrf": await token(client)}
        answer = await client.post("/p/acme/releases", data=data, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "path",
    ["feedback?subject=%00", "feedback?status=%00", "apis/a%00b", "?weeks=%00", "export.csv?x=%00"],
)
async def test_nul_in_an_address_is_refused(site: Site, path: str) -> None:
    async with logged_in(site) as client:
        assert (await client.get(f"/p/acme/{path}")).status_code == 400


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/login", {"name": "\x00", "password": "x"}),
        ("/login", {"name": "admin", "password": "\x00"}),
        ("/p/acme/feedback/1", {"status": "fixed", "answer": "a\x00b"}),
        ("/p/acme/feedback/1", {"status": "fixed", "assignee": "\x00"}),
        ("/p/acme/releases", {"day": "2026-10-21", "name": "a\x00b", "kind": "docs"}),
        ("/p/acme/health", {"installs": "\x00"}),
    ],
)
async def test_nul_in_a_form_is_refused(site: Site, path: str, data: dict[str, str]) -> None:
    async with logged_in(site) as client:
        answer = await client.post(path, data=data | {"csrf": await token(client)})
        assert answer.status_code == 400
        assert "a\x00b" not in await get_all(client, "acme", PAGES)


async def test_login(engine: Engine) -> None:
    site = make_site(engine, unlimited=False)
    site.app = build(site.collector, routes(site.collector))
    password = ensure_admin(site.collector)
    assert ensure_admin(site.collector) is None
    async with site.client() as client:
        for name, word in (("admin", "wrong"), ("nobody", password), ("' OR 1=1 --", "")):
            answer = await client.post("/login", data={"name": name, "password": word or ""})
            assert answer.status_code == 403
        answer = await client.post("/login", data={"name": "admin", "password": password or ""})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert (await client.get("/p/acme/")).status_code == 200
        site.clock.move(13 * 3600)
        assert (await client.get("/p/acme/")).status_code == 303
        statuses = [
            (await client.post("/login", data={"name": "admin", "password": "no"})).status_code
            for _ in range(10)
        ]
        assert statuses[-1] == 429


async def test_logging_out_ends_the_session(site: Site) -> None:
    async with logged_in(site) as client:
        cookie = dict(client.cookies)
        await client.post("/logout", data={"csrf": await token(client)})
    async with site.client() as client:
        client.cookies.update(cookie)
        assert (await client.get("/p/acme/")).status_code == 303


async def test_exports_hold_what_is_visible_and_no_more(site: Site) -> None:
    async with logged_in(site) as client:
        text = (await client.get("/p/acme/export.csv?weeks=52")).text
        parquet = (await client.get("/p/acme/export.parquet?weeks=52")).content
        rounded = (await client.get("/p/acme/export.csv?outside=1")).text
        assert (await client.get("/p/acme/export.xls")).status_code == 404
    rows = list(csv.DictReader(io.StringIO(text)))
    with site.collector.engine.connect() as connection:
        visible = connection.execute(tables.published.select()).all()
    assert len(rows) == len([row for row in visible if row.project == "acme"])
    assert pq.read_table(io.BytesIO(parquet)).num_rows == len(rows)
    assert {int(row["den"]) % 5 for row in csv.DictReader(io.StringIO(rounded))} == {0}


@pytest.mark.parametrize("kind", ["md", "html"])
async def test_digest(site: Site, kind: str) -> None:
    async with logged_in(site) as client:
        text = (await client.get(f"/p/acme/digest.{kind}")).text
    assert "What to write next" in text
    assert "360 of 600" in text
    assert "1 waiting for an answer" in text


async def test_small_installs_are_nowhere(site: Site) -> None:
    """A symbol of one install is on no page and in no export."""
    with site.collector.engine.begin() as connection:
        connection.execute(
            insert(tables.tally),
            [
                {
                    "project": "acme", "week": MONDAY, "metric": metric, "split": "symbol",
                    "value": "acme.lonely", "contributor": "f" * 32, "num": 50, "den": 99,
                    "event": REGISTRY.metrics[metric].of.event,
                }
                for metric in ("unanswered", "gaps", "api_acceptance", "samples")
            ],
        )  # fmt: skip
    async with logged_in(site) as client:
        text = await get_all(client, "acme", (*PAGES, "export.csv", "digest.md"))
    assert "lonely" not in text
