"""Hostile requests: never a server error, and nothing stored that the registry does not allow."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings

from linewise_telemetry.collector import body
from linewise_telemetry.collector.app import build
from linewise_telemetry.collector.database import connect
from tests.telemetry.hostile import Hostile, attack, attacked_site, hostile, stored_wrongly
from tests.telemetry.site import Site, batch, lookup, make_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One collector for all requests, so that what one of them breaks the next one meets."""
    with attacked_site(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@given(hostile())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_server_error(site: Site, request: Hostile) -> None:
    assert attack(site, request) < 500


def test_nothing_wrong_was_stored(site: Site) -> None:
    """After all of the above; some were right by chance, and they are there."""
    assert stored_wrongly(site.collector.engine) == []


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int, Site]]:
    """A collector on a real socket that allows a body a fifth of a second."""
    monkeypatch.setattr(body, "MAX_SECONDS", 0.2)
    engine = connect(f"sqlite:///{tmp_path / 'collector.db'}")
    site = make_site(engine)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(build(site.collector), access_log=False, log_level=logging.CRITICAL)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield (*listening.getsockname(), site)
    server.should_exit = True
    thread.join()
    listening.close()
    engine.dispose()


def test_slow_body_is_ended_and_others_are_served(serving: tuple[str, int, Site]) -> None:
    host, port, site = serving
    headers = "".join(f"{name}: {value}\r\n" for name, value in site.headers().items())
    start = f"POST /v1/logs HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 1000\r\n\r\n".encode()
    slow = [socket.create_connection((host, port)) for _ in range(20)]
    for connection in slow:
        connection.sendall(start + b"{")
    answer = httpx.post(
        f"http://{host}:{port}/v1/logs", content=batch(lookup(1)), headers=site.headers()
    )
    assert answer.status_code == 200
    for connection in slow:
        assert b" 408 " in connection.recv(1000)
        connection.close()


def test_broken_connections_lose_nothing_else(serving: tuple[str, int, Site]) -> None:
    host, port, site = serving
    for _ in range(20):
        with socket.create_connection((host, port)) as connection:
            connection.sendall(b"POST /v1/logs HTTP/1.1\r\nContent-Length: 99\r\n\r\n{")
    answer = httpx.post(
        f"http://{host}:{port}/v1/logs", content=batch(lookup(1)), headers=site.headers()
    )
    assert answer.status_code == 200
    assert site.count("event") == 1
