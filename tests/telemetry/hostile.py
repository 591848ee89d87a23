"""Requests that nobody friendly would send, and what must hold after each of them."""

from __future__ import annotations

import asyncio
import gzip
import json
import struct
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from sqlalchemy import Engine, select

from linewise_telemetry.collector import tables
from linewise_telemetry.collector.app import build
from linewise_telemetry.collector.body import MAX_INFLATED
from linewise_telemetry.collector.database import connect
from linewise_telemetry.dashboard.pages import routes
from linewise_telemetry.events import Field, load
from tests.telemetry.site import SYMBOLS, Site, make_site
from tests.telemetry.world import START

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGISTRY = load()
NOW_NS = int(START) * 10**9
PROJECT = "ab" * 16

INJECTIONS = st.sampled_from(
    [
        "'; DROP TABLE event; --",
        "' OR '1'='1",
        "{{7*7}}",
        "<script>alert(1)</script>",
        "${jndi:x}",
        "../../etc/passwd",
        "\x00",
        "\ud800",
        "a" * 70_000,
        "%s%n%x",
        "=cmd|' /C calc'!A0",
        "\u202e",
        "NaN",
        "1e999",
        "-0",
        "null",
        "true",
    ]
)
HUGE = "9" * 400
TIMES = st.sampled_from(
    [str(NOW_NS)] * 30 + [HUGE, f"-{HUGE}", int(HUGE), -int(HUGE), "-1", str(2**64), "9" * 5000]
)
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | INJECTIONS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request: where to, and what with; header values as they go on the wire."""

    method: str
    path: str
    headers: dict[str, bytes]
    body: bytes


def _dump(value: object) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


KINDS = st.sampled_from(["stringValue", "stringValue", "intValue", "arrayValue", "x"])


def _mostly(draw: st.DrawFn, right: Any) -> Any:
    return right if draw(st.integers(0, 19)) else draw(JUNK)


def _right(field: Field) -> st.SearchStrategy[Any]:
    if field.kind == "bool":
        return st.booleans()
    if field.kind == "symbol":
        return st.sampled_from(SYMBOLS)
    return st.sampled_from(field.values) if field.values else st.just("acme")


@st.composite
def _records(draw: st.DrawFn) -> object:
    """An OTLP request that is right but for one thing, or for many."""
    event = REGISTRY.events[draw(st.sampled_from(sorted(REGISTRY.events)))]
    id_ = draw(st.text("0123456789abcdef", min_size=32, max_size=32) | INJECTIONS)
    attributes: list[Any] = [{"key": "event.id", "value": {"stringValue": id_}}]
    for field in event.fields.values():
        value = _mostly(draw, draw(_right(field)))
        kind = "boolValue" if isinstance(value, bool) else "stringValue"
        kind = kind if draw(st.integers(0, 9)) else draw(KINDS)
        attributes.append({"key": field.name, "value": {kind: value}})
    if not draw(st.integers(0, 9)):
        attributes.append(draw(JUNK))
    record: dict[str, Any] = {
        "eventName": _mostly(draw, event.name),
        "timeUnixNano": _mostly(draw, draw(TIMES)),
        "attributes": _mostly(draw, attributes),
    }
    logs = _mostly(draw, [record])
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": logs}]}]}


LOGS = _records().map(_dump)
BODIES = st.one_of(
    *[LOGS] * 8,
    LOGS.map(lambda body: body[: len(body) // 2]),
    JUNK.map(_dump),
    st.binary(max_size=400),
    st.sampled_from(
        [
            b"",
            b"[" * 200_000,
            b'{"resourceLogs":' * 50_000,
            b"9" * 200_000,
            b'"' + b"\\" * 99_999,
            b"\xef\xbb\xbf{}",
            b"x" * 1_100_000,
            struct.pack("<I", 0xFFFFFFFF) * 20,
        ]
    ),
)
BOMBS = st.sampled_from(
    [
        gzip.compress(b"\0" * (MAX_INFLATED * 8)),
        gzip.compress(gzip.compress(b"\0" * 10**7)),
        gzip.compress(b"{}") * 1000,
        zlib.compress(b"{}"),
        gzip.compress(b"{}")[:10],
        b"\x1f\x8b" * 50,
    ]
)
FEEDBACK = st.fixed_dictionaries(
    {
        "kind": st.just("idea") | JUNK,
        "about": st.just("product") | JUNK,
        "subject": st.none() | JUNK,
        "text": st.text(min_size=1, max_size=50) | INJECTIONS | JUNK,
        "rating": st.integers(-1, 9) | JUNK,
        "attachments": st.lists(INJECTIONS, max_size=7) | JUNK,
        "contact": st.none() | INJECTIONS | JUNK,
    }
).map(_dump)
PATHS = st.sampled_from(
    ["/v1/logs"] * 4
    + ["/v1/feedback", "/v1/me", "/v1/deletions/" + "a" * 32, "/login", "/p/acme/", "/healthz"]
    + ["/v1/nothing", "/static/../../etc/passwd"]
)
RIGHT = {
    "linewise-project": PROJECT.encode(),
    "linewise-install": b"0" * 32,
    "linewise-receipt": b"0" * 32,
    "content-type": b"application/json",
}
METHODS = st.sampled_from(["POST"] * 6 + ["GET", "DELETE", "PUT", "HEAD", "PATCH"])
HEADER = st.binary(max_size=80).map(lambda raw: bytes(c for c in raw if c >= 32 and c != 127))
TYPES = (
    st.sampled_from([b"application/json"] * 3 + [b"application/x-protobuf", b"text/plain"]) | HEADER
)


@st.composite
def hostile(draw: st.DrawFn) -> Hostile:
    """One hostile request to the collector of `attacked_site`: in its body, or in all of it."""
    if draw(st.booleans()):
        headers = dict(RIGHT)
        path, method = draw(
            st.sampled_from([("/v1/logs", "POST")] * 3 + [("/v1/feedback", "POST")])
        )
    else:
        path, method = draw(PATHS), draw(METHODS)
        key = draw(st.just(PROJECT.encode()) | HEADER)
        install = draw(st.just(b"f" * 32) | HEADER)
        headers = {"linewise-project": key, "linewise-install": install}
        headers |= {"linewise-receipt": install, "content-type": draw(TYPES)}
    if path == "/login":
        headers["content-type"] = b"application/x-www-form-urlencoded"
    body = draw(FEEDBACK if path == "/v1/feedback" else BODIES)
    zipping = draw(st.sampled_from(["no", "no", "no", "yes", "bomb", "lie"]))
    if zipping == "yes":
        body = gzip.compress(body)
    elif zipping == "bomb":
        body = draw(BOMBS)
    if zipping != "no":
        headers["content-encoding"] = b"gzip"
    return Hostile(method, path, headers, body)


@contextmanager
def attacked_site(directory: Path) -> Iterator[Site]:
    """A collector with its dashboard, over SQLite, whose catalogue project has the key PROJECT."""
    engine = connect(f"sqlite:///{directory / 'collector.db'}")
    made = make_site(engine)
    with engine.begin() as connection:
        acme = tables.project.c.id == "acme"
        connection.execute(tables.project.update().where(acme).values(key=PROJECT))
    made.keys["acme"] = PROJECT
    made.app = build(made.collector, routes(made.collector))
    yield made
    engine.dispose()


def attack(site: Site, request: Hostile) -> int:
    """Send a request; return the status of its answer."""

    async def sending() -> int:
        headers = [(name.encode(), value) for name, value in request.headers.items()]
        async with site.client() as client:
            answer = await client.request(
                request.method, request.path, content=request.body, headers=headers
            )
            return answer.status_code

    return asyncio.run(sending())


def stored_wrongly(engine: Engine) -> list[object]:
    """What is stored and should not be."""
    wrong: list[object] = []
    with engine.connect() as connection:
        for row in connection.execute(select(tables.event)):
            attributes = json.loads(row.attributes)
            event, fields = REGISTRY.events[row.name], REGISTRY.counter_fields[row.name]
            allowed = None in (event.check(attributes), event.check(attributes, fields))
            known = attributes.get("symbol", SYMBOLS[0]) in SYMBOLS
            if not allowed or not known or len(row.contributor) != 32:
                wrong.append(row)
    return wrong
