"""The collector keeps what the registry allows, once, and forgets what it is asked to forget."""

from __future__ import annotations

import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from sqlalchemy import Engine, select

from linewise_telemetry.client.records import HOUR, Queued
from linewise_telemetry.collector import tables
from linewise_telemetry.collector.body import MAX_INFLATED, MAX_WIRE
from linewise_telemetry.collector.database import connect
from linewise_telemetry.collector.inbox import Change, Wanted
from linewise_telemetry.collector.store import EventStore, contributor, now_utc
from tests.telemetry.site import SYMBOLS, WHO, Site, batch, lookup, make_site, zipped
from tests.telemetry.world import REGISTRY, START

if TYPE_CHECKING:
    from pathlib import Path

FEEDBACK: dict[str, Any] = {
    "kind": "problem",
    "about": "symbol",
    "subject": "acme.Client.send",
    "text": "It hangs — sometimes 🐢",
    "rating": 2,
    "attachments": ["client.send()"],
    "contact": None,
}
RECEIPT = "a" * 32


@pytest.fixture
def site(engine: Engine) -> Site:
    return make_site(engine)


async def test_batch_is_kept_and_counted(site: Site) -> None:
    answer = await site.post(
        zipped(batch(*(lookup(i) for i in range(100)))), content_encoding="gzip"
    )
    assert (answer.status_code, answer.json()) == (200, {"verdicts": {}})
    assert site.count("event") == 100
    with site.collector.engine.connect() as connection:
        rows = connection.execute(
            select(tables.tally).where(
                tables.tally.c.metric == "unanswered", tables.tally.c.split == ""
            )
        ).all()
    assert [(row.num, row.den, row.week) for row in rows] == [(0, 100, date(2026, 11, 23))]


async def test_replay_changes_nothing(site: Site) -> None:
    body = batch(*(lookup(i, answered=i % 3 > 0) for i in range(50)))

    def everything() -> list[Any]:
        with site.collector.engine.connect() as connection:
            return [
                sorted(map(tuple, connection.execute(select(table)).all()))
                for table in (tables.event, tables.tally)
            ]

    await site.post(body)
    before = everything()
    for _ in range(3):
        assert (await site.post(body)).status_code == 200
    assert everything() == before
    await site.post(batch(*(lookup(i, answered=False) for i in range(25, 75))))
    assert site.count("event") == 75


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "docs.stolen"}, "event"),
        ({"attributes": {"symbol": "mycompany.secret"}}, "symbol"),
        ({"attributes": {"catalogue": "other"}}, "catalogue"),
        ({"attributes": {"surface": "billboard"}}, "field surface"),
        ({"attributes": {"answered": "true"}}, "field answered"),
        ({"attributes": {"path": "/home/ada"}}, "fields"),
        ({"hour": int(START) // HOUR + 24}, "time"),
        ({"hour": int(START) // HOUR - 22 * 24}, "time"),
        ({"n": 5}, None),
        ({"n": 0}, "n"),
        ({"n": 10**7}, "n"),
    ],
)
async def test_verdicts(site: Site, change: dict[str, Any], reason: str | None) -> None:
    change = dict(change)
    good = lookup(1)
    attributes = good.attributes | change.pop("attributes", {})
    answer = await site.post(batch(replace(good, attributes=attributes, **change)))
    assert answer.status_code == 200
    assert answer.json()["verdicts"] == ({} if reason is None else {good.id: reason})
    assert site.count("event") == (1 if reason is None else 0)


async def test_events_go_to_their_own_kind_of_project(site: Site) -> None:
    answer = await site.post(batch(lookup(1)), project="linewise")
    assert answer.json()["verdicts"] == {lookup(1).id: "project"}


async def test_event_without_a_usable_id_is_rejected(site: Site) -> None:
    for id_ in ("", "x" * 32, "A" * 32, "0" * 31):
        event = Queued(1, id_, int(START) // HOUR, "docs.shown", lookup(1).attributes, None)
        assert (await site.post(batch(event))).json()["partialSuccess"] == {
            "rejectedLogRecords": "1"
        }
    assert site.count("event") == 0


async def test_protobuf_is_taken_and_answered_in_protobuf(site: Site) -> None:
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add().scope_logs.add().log_records
    for i, symbol in enumerate([SYMBOLS[0], "mycompany.secret"]):
        record = logs.add(event_name="docs.shown", time_unix_nano=int(START) * 10**9)
        for name, value in (
            ("event.id", f"{i:032x}"),
            ("catalogue", "acme"),
            ("symbol", symbol),
            ("surface", "hover"),
        ):
            record.attributes.add(key=name).value.string_value = value
        record.attributes.add(key="answered").value.bool_value = True
    answer = await site.post(request.SerializeToString(), content_type="application/x-protobuf")
    response = ExportLogsServiceResponse.FromString(answer.content)
    assert response.partial_success.rejected_log_records == 1
    assert site.count("event") == 1


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x" * (MAX_WIRE + 1), {}, 413),
        (gzip.compress(b"\0" * (MAX_INFLATED + 1)), {"content_encoding": "gzip"}, 413),
        (gzip.compress(b"{}") + b"trailing", {"content_encoding": "gzip"}, 400),
        (gzip.compress(b"{}")[:-4], {"content_encoding": "gzip"}, 400),
        (b"not gzip", {"content_encoding": "gzip"}, 400),
        (b"{}", {"content_encoding": "br"}, 415),
        (b"{}", {"content_type": "text/plain"}, 415),
        (b"[" * 100_000, {}, 400),
        (b'{"resourceLogs": 3}', {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"1" * 10_000, {}, 400),
        (batch(*(lookup(i) for i in range(1001))), {}, 400),
        (b"\x0a\xff\xff\xff\xff\x0f", {"content_type": "application/x-protobuf"}, 400),
        (b"{}", {"linewise_install": "nobody"}, 400),
        (b"{}", {"linewise_project": "f" * 32}, 403),
        (b"{}", {"linewise_project": "' OR 1=1 --"}, 403),
        (b"{}", {}, 200),
    ],
)
async def test_refusals(site: Site, body: bytes, headers: dict[str, str], status: int) -> None:
    answer = await site.post(body, **headers)
    assert answer.status_code == status
    assert site.count("event") == 0


@pytest.mark.parametrize(
    ("time", "status"),
    [
        (int("9" * 400), 400), (-int("9" * 400), 400), ("9" * 400, 400), ("-" + "9" * 400, 400),
        (2**64, 400), (-1, 400), (2**64 - 1, 200), ("0", 200),
    ],
)  # fmt: skip
async def test_json_has_the_times_of_protobuf(site: Site, time: int | str, status: int) -> None:
    body = json.loads(batch(lookup(1)))
    body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["timeUnixNano"] = time
    answer = await site.post(body)
    assert answer.status_code == status
    assert answer.json().get("verdicts") == ({lookup(1).id: "time"} if status == 200 else None)
    assert site.count("event") == 0


@pytest.mark.parametrize("time", [0, 2**63, 2**64 - 1])
async def test_no_time_of_protobuf_is_an_error(site: Site, time: int) -> None:
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add().scope_logs.add().log_records
    record = logs.add(event_name="docs.shown", time_unix_nano=time)
    for name, value in (lookup(1).attributes | {"event.id": lookup(1).id}).items():
        kind = "bool_value" if isinstance(value, bool) else "string_value"
        setattr(record.attributes.add(key=name).value, kind, value)
    answer = await site.post(request.SerializeToString(), content_type="application/x-protobuf")
    assert answer.status_code == 200
    response = ExportLogsServiceResponse.FromString(answer.content)
    assert response.partial_success.rejected_log_records == 1
    assert site.count("event") == 0


async def test_rates_are_limited_per_key_and_no_address_is_kept(engine: Engine) -> None:
    site = make_site(engine, unlimited=False)
    statuses = [(await site.post(batch(lookup(i)))).status_code for i in range(61)]
    assert statuses[:60] == [200] * 60
    answer = await site.post(batch(lookup(99)))
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 61
    assert (await site.post(batch(lookup(99)), who="1" * 32)).status_code == 200


async def test_deletion_takes_everything_of_one_key_and_is_confirmed(site: Site) -> None:
    await site.post(batch(*(lookup(i) for i in range(10))))
    await site.post(batch(*(lookup(i) for i in range(10, 15))), who="1" * 32)
    async with site.client() as client:
        answer = await client.delete("/v1/me", headers=site.headers())
        assert answer.json()["events"] == 10
        receipt = answer.json()["receipt"]
        confirmed = await client.get(f"/v1/deletions/{receipt}")
        assert confirmed.json() == {"status": "done", "day": "2026-11-23", "events": 10}
        assert (await client.get(f"/v1/deletions/{'b' * 32}")).status_code == 404
    assert site.count("event") == 5
    with site.collector.engine.connect() as connection:
        assert set(connection.execute(select(tables.tally.c.contributor)).scalars()) == {
            contributor("acme", "1" * 32)
        }


async def test_what_is_stored_is_no_key_that_could_delete(site: Site) -> None:
    await site.post(batch(lookup(1)))
    with site.collector.engine.connect() as connection:
        stored = connection.execute(select(tables.event.c.contributor)).scalar_one()
    assert WHO not in stored
    async with site.client() as client:
        await client.delete("/v1/me", headers=site.headers(who=stored))
    assert site.count("event") == 1


async def test_retention(site: Site) -> None:
    await site.post(batch(lookup(1)))
    site.collector.events.sweep(now_utc(START) + timedelta(days=90))
    assert site.count("event") == 1
    site.collector.events.sweep(now_utc(START) + timedelta(days=91))
    assert (site.count("event"), site.count("tally")) == (0, 0)


async def test_retention_of_figures(site: Site) -> None:
    for install in range(8):
        events = (lookup(10 * install + i, answered=i > 2) for i in range(6))
        await site.post(batch(*events), who=f"{install:032x}")
    site.collector.events.sweep(now_utc(START) + timedelta(days=400))
    assert site.count("figure") == 3
    site.collector.events.sweep(now_utc(START) + timedelta(days=401))
    assert site.count("figure") == 0


def test_collectors_of_one_database_sweep_at_once(database_url: str) -> None:
    engines = [connect(database_url) for _ in range(4)]
    start = Barrier(len(engines))

    def sweep(engine: Engine) -> None:
        store = EventStore(engine, REGISTRY, publish_open_week=False)
        start.wait()
        for _ in range(20):
            store.sweep(now_utc(START))

    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(sweep, engines))
    with engines[0].connect() as connection:
        rows = connection.execute(select(tables.publication)).all()
    assert [tuple(row) for row in rows] == [(1, date(2026, 11, 16))]
    for engine in engines:
        engine.dispose()


async def send_feedback(site: Site, receipt: str = RECEIPT, **change: Any) -> int:
    headers = {"Linewise-Project": site.keys["acme"], "Linewise-Receipt": receipt}
    async with site.client() as client:
        return (
            await client.post("/v1/feedback", json=FEEDBACK | change, headers=headers)
        ).status_code


async def ask_feedback(site: Site, receipt: str = RECEIPT) -> dict[str, Any]:
    async with site.client() as client:
        answer = await client.get("/v1/feedback", headers={"Linewise-Receipt": receipt})
        found: dict[str, Any] = answer.json()
        return found


async def test_feedback_is_kept_once_and_its_status_told(site: Site) -> None:
    assert [await send_feedback(site), await send_feedback(site)] == [201, 200]
    assert site.count("feedback") == 1
    assert await ask_feedback(site) == {"status": "received", "answer": None}
    assert "error" in await ask_feedback(site, "b" * 32)


async def test_feedback_is_taken_back_by_its_receipt(site: Site) -> None:
    for receipt in (RECEIPT, "b" * 32):
        await send_feedback(site, receipt)
    site.collector.inbox.merge("acme", 2, 1)
    site.collector.inbox.change("acme", 1, Change("fixed", None, "Yes.", None))
    headers = {"Linewise-Receipt": RECEIPT}
    async with site.client() as client:
        statuses = [
            (await client.delete("/v1/feedback", headers=headers)).status_code for _ in range(2)
        ]
    assert statuses == [200, 404]
    assert "error" in await ask_feedback(site)
    assert await ask_feedback(site, "b" * 32) == {"status": "fixed", "answer": "Yes."}


async def test_unchanged_status_is_told_by_its_etag(site: Site) -> None:
    await send_feedback(site)
    headers = {"Linewise-Receipt": RECEIPT}
    async with site.client() as client:
        etag = (await client.get("/v1/feedback", headers=headers)).headers["etag"]
        again = await client.get("/v1/feedback", headers=headers | {"If-None-Match": etag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        site.collector.inbox.change("acme", 1, Change("fixed", None, "Yes.", None))
        news = await client.get("/v1/feedback", headers=headers | {"If-None-Match": etag})
    assert (news.status_code, news.json()["answer"]) == (200, "Yes.")


@pytest.mark.parametrize(
    "change",
    [
        {"text": "x" * 4097}, {"text": " "}, {"text": None}, {"text": "a\x00b"}, {"text": "\ud800"},
        {"kind": "x"}, {"about": []}, {"rating": 6}, {"rating": True}, {"rating": "5"},
        {"attachments": ["x"] * 6}, {"attachments": ["x" * 16_385]}, {"attachments": "x"},
        {"contact": "x" * 255}, {"subject": 3}, {"install": "x"},
    ],
)  # fmt: skip
async def test_feedback_that_is_refused(site: Site, change: dict[str, Any]) -> None:
    headers = {"Linewise-Project": site.keys["acme"], "Linewise-Receipt": RECEIPT}
    async with site.client() as client:
        content = json.dumps(FEEDBACK | change).encode()
        answer = await client.post("/v1/feedback", content=content, headers=headers)
    assert answer.status_code == 422
    assert site.count("feedback") == 0


async def test_longest_feedback_is_kept_whole(site: Site) -> None:
    assert await send_feedback(site, text="🐢" * 4096, attachments=["ß" * 16_384] * 5) == 201


async def test_old_feedback_goes_unless_it_is_open(site: Site) -> None:
    for i, status in enumerate(["new", "seen", "planned", "fixed", "answered", "declined"]):
        await send_feedback(site, f"{i:032x}")
        with site.collector.engine.begin() as connection:
            connection.execute(
                tables.feedback.update().where(tables.feedback.c.id == i + 1).values(status=status)
            )
    site.collector.events.sweep(now_utc(START) + timedelta(days=366))
    assert site.count("feedback") == 3


@pytest.mark.parametrize(
    ("status", "days", "left", "told"),
    [
        # What is open is kept with its duplicates, and so are these where it is closed.
        ("planned", (400, 500), 2, {"status": "planned", "answer": "Yes.\nIn release 2.4."}),
        ("fixed", (10, 20), 2, {"status": "fixed", "answer": "Yes.\nIn release 2.4."}),
        # A duplicate that is younger keeps the answer until its own time is over.
        ("fixed", (400, 20), 1, {"status": "fixed", "answer": "Yes.\nIn release 2.4."}),
        ("fixed", (20, 400), 1, None),
        ("fixed", (400, 400), 0, None),
    ],
)
def test_duplicate_is_kept_and_answered_as_what_it_was_merged_into(
    site: Site,
    status: str,
    days: tuple[int, int],
    left: int,
    told: dict[str, str] | None,
) -> None:
    """Days ago: of the feedback, and of its duplicate."""
    inbox, today = site.collector.inbox, now_utc(START).date()
    columns = FEEDBACK | {"attachments": "[]"}
    receipts = ("1" * 32, "2" * 32)
    for receipt, ago in zip(receipts, days, strict=True):
        inbox.add("acme", receipt, columns, today - timedelta(ago))
    assert inbox.merge("acme", 2, 1)
    assert inbox.change("acme", 1, Change(status, None, "Yes.", "2.4"))
    assert not inbox.change("acme", 2, Change("declined", None, "No.", None))
    assert inbox.status(receipts[1]) == inbox.status(receipts[0])
    for _ in range(2):
        site.collector.events.sweep(now_utc(START))
        assert (site.count("feedback"), inbox.status(receipts[1])) == (left, told)


def test_duplicates_of_a_duplicate_go_along_and_can_be_separated(site: Site) -> None:
    inbox, today = site.collector.inbox, now_utc(START).date()
    for i in (1, 2, 3):
        inbox.add("acme", f"{i:032x}", FEEDBACK | {"attachments": "[]"}, today)
    assert inbox.merge("acme", 1, 2)
    assert inbox.merge("acme", 2, 3)
    assert not inbox.merge("acme", 3, 1)
    assert [row.id for row in inbox.merged("acme", 3)] == [1, 2]
    inbox.change("acme", 3, Change("answered", None, "Yes.", None))
    assert inbox.status(f"{1:032x}") == {"status": "answered", "answer": "Yes."}
    assert inbox.separate("acme", 1)
    assert not inbox.separate("acme", 3)
    assert inbox.status(f"{1:032x}") == {"status": "received", "answer": None}
    assert [row.id for row in inbox.find("acme", Wanted())] == [3, 1]


def test_two_that_are_merged_into_each_other_at_once_do_not_both_vanish(site: Site) -> None:
    inbox, today = site.collector.inbox, now_utc(START).date()
    for i in range(1, 21):
        inbox.add("acme", f"{i:032x}", FEEDBACK | {"attachments": "[]"}, today)
    start = Barrier(2)

    def merge(first: int, second: int) -> list[bool]:
        done = []
        for i in range(0, 20, 2):
            start.wait()
            done.append(inbox.merge("acme", i + first, i + second))
        return done

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(merge, 1, 2), pool.submit(merge, 2, 1)
        done = zip(one.result(), other.result(), strict=True)
    assert [sum(pair) for pair in done] == [1] * 10
    assert len(inbox.find("acme", Wanted())) == 10


def test_newest_are_listed(site: Site) -> None:
    rows = [
        FEEDBACK
        | {
            "project": "acme", "receipt_hash": f"{i:064x}", "day": now_utc(START).date(),
            "attachments": "[]", "status": "new",
        }
        for i in range(501)
    ]  # fmt: skip
    with site.collector.engine.begin() as connection:
        connection.execute(tables.feedback.insert(), rows)
    assert [row.id for row in site.collector.inbox.find("acme", Wanted())] == [*range(501, 1, -1)]


async def test_health_and_measures(site: Site) -> None:
    await site.post(batch(lookup(1)))
    async with site.client() as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        text = (await client.get("/metrics")).text
    assert 'linewise_events_total{verdict="new"} 1.0' in text
    assert re.search(r'linewise_requests_total\{route="/v1/logs",status="200"\} 1\.0', text)


async def test_logs_hold_no_payload_and_no_path(
    site: Site, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level("INFO", logger="linewise.collector"):
        await site.post(batch(lookup(1)))
        async with site.client() as client:
            await client.get(f"/v1/deletions/{'c' * 32}")
            await client.get("/home/ada/secret")
    lines = [
        json.loads(record.getMessage())
        for record in caplog.records
        if record.name == "linewise.collector"
    ]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/v1/logs", 200), ("/v1/deletions/{receipt}", 404), ("unknown", 404),
    ]  # fmt: skip
    assert all(line.keys() == {"method", "route", "status", "ms"} for line in lines)
