"""A collector in memory, with what a test says to it."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from argon2 import PasswordHasher
from sqlalchemy import Engine, func, select

from linewise_telemetry.client.otlp import encode
from linewise_telemetry.client.records import HOUR, Batch, Queued
from linewise_telemetry.collector import tables
from linewise_telemetry.collector.app import Collector, assemble, build
from tests.telemetry.world import REGISTRY, START, Clock

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from linewise_telemetry.events import Wire

SYMBOLS = ("acme.Client.send", "acme.Client.close", "acme.quickstart")
WHO = "0" * 32


@dataclass
class Site:
    """The collector, its application, and the public keys of its two projects."""

    clock: Clock
    collector: Collector
    app: Starlette
    keys: dict[str, str]

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://collector")

    def count(self, name: str) -> int:
        with self.collector.engine.connect() as connection:
            table = tables.metadata.tables[name]
            return int(connection.execute(select(func.count()).select_from(table)).scalar() or 0)

    def headers(self, project: str = "acme", who: str = WHO) -> dict[str, str]:
        return {
            "Linewise-Project": self.keys[project],
            "Linewise-Install": who,
            "Content-Type": "application/json",
        }

    async def post(
        self, body: bytes | dict[str, Any], project: str = "acme", who: str = WHO, **headers: str
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = httpx.Headers(self.headers(project, who))
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        async with self.client() as client:
            return await client.post("/v1/logs", content=content, headers=sent)


def make_site(engine: Engine, *, unlimited: bool = True, publish_open_week: bool = False) -> Site:
    """A collector at START, with the product's project and the catalogue `acme`."""
    clock = Clock()
    collector = assemble(
        engine,
        REGISTRY,
        publish_open_week=publish_open_week,
        unlimited=unlimited,
        hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1),
        clock=clock.wall,
    )
    keys = {
        "acme": collector.accounts.add_project("acme", "Acme", "catalogue", SYMBOLS),
        "linewise": collector.accounts.add_project("linewise", "Linewise", "product", ()),
    }
    return Site(clock, collector, build(collector), keys)


def lookup(
    i: int, *, symbol: str = SYMBOLS[0], answered: bool = True, hour: int | None = None
) -> Queued:
    """One lookup, with an id made of `i`."""
    attributes: dict[str, Wire] = {
        "catalogue": "acme",
        "symbol": symbol,
        "surface": "hover",
        "answered": answered,
    }
    return Queued(
        i, f"{i:032x}", int(START) // HOUR if hour is None else hour, "docs.shown", attributes, None
    )


def batch(*events: Queued) -> bytes:
    """The body of a request, as the client writes it."""
    return encode(Batch("t", "k", events), REGISTRY.schema)


def zipped(body: bytes) -> bytes:
    return gzip.compress(body)
