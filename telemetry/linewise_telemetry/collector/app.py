"""The collector's process: its parts put together, once.

In: settings. Out: an ASGI application, with a job that deletes what is past its time every hour.
Routes for staff are passed in by whoever knows the dashboard.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from linewise_telemetry.collector.accounts import Accounts
from linewise_telemetry.collector.endpoints import Endpoints, tell_error
from linewise_telemetry.collector.inbox import Inbox
from linewise_telemetry.collector.measures import Logged, Measures
from linewise_telemetry.collector.rates import Rates
from linewise_telemetry.collector.store import EventStore, now_utc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from argon2 import PasswordHasher
    from sqlalchemy import Engine
    from starlette.routing import BaseRoute

    from linewise_telemetry.events import Registry

SWEEP_SECONDS = 3600.0
ADMIN = "admin"
_log = logging.getLogger("linewise.collector")


@dataclass(frozen=True, slots=True)
class Collector:
    """The parts of one collector process, over one database."""

    engine: Engine
    registry: Registry
    events: EventStore
    inbox: Inbox
    accounts: Accounts
    rates: Rates
    measures: Measures
    clock: Callable[[], float]


def assemble(
    engine: Engine,
    registry: Registry,
    *,
    publish_open_week: bool = False,
    unlimited: bool = False,
    hasher: PasswordHasher | None = None,
    clock: Callable[[], float] = time.time,
) -> Collector:
    """Return the parts, with retention carried out once.

    `unlimited` takes rate limits away, for measurements; `hasher` is argon2id as it comes.
    """
    collector = Collector(
        engine=engine,
        registry=registry,
        events=EventStore(engine, registry, publish_open_week=publish_open_week),
        inbox=Inbox(engine),
        accounts=Accounts(engine, hasher),
        rates=Rates(unlimited=unlimited),
        measures=Measures(),
        clock=clock,
    )
    collector.events.sweep(now_utc(clock()))
    return collector


def ensure_admin(collector: Collector) -> str | None:
    """Make the first account if there is none; return its generated password, or None."""
    if collector.accounts.has_staff():
        return None
    password = secrets.token_urlsafe(12)
    collector.accounts.set_password(ADMIN, password)
    return password


def build(collector: Collector, staff_routes: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the application of `collector`."""
    endpoints = Endpoints(
        registry=collector.registry,
        events=collector.events,
        inbox=collector.inbox,
        rates=collector.rates,
        measures=collector.measures,
        clock=collector.clock,
    )

    @asynccontextmanager
    async def live(_app: Starlette) -> AsyncIterator[None]:
        job = asyncio.create_task(_sweep_hourly(collector))
        try:
            yield
        finally:
            job.cancel()
            with suppress(asyncio.CancelledError):
                await job

    return Starlette(
        routes=[*endpoints.routes(), *staff_routes],
        middleware=[Middleware(Logged, measures=collector.measures)],
        exception_handlers={HTTPException: tell_error},
        lifespan=live,
    )


async def _sweep_hourly(collector: Collector) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            gone = await run_in_threadpool(collector.events.sweep, now_utc(collector.clock()))
            _log.info('{"job": "retention", "deleted": %d}', gone)
        except SQLAlchemyError:
            _log.exception("retention could not be carried out; it is tried again in an hour")
