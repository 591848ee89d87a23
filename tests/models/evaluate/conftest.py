"""Engines that say what a test tells them to, each in a process of its own that ends with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from linewise_models.host.address import Served
from linewise_models.host.client import HostClient
from tests.scripts import write_script

Say = Callable[..., HostClient]


@pytest.fixture
async def say(tmp_path: Path) -> AsyncIterator[Say]:
    """Give a client of an engine with these rules."""
    clients: list[HostClient] = []

    def make(*rules: dict[str, Any], context: int = 2048, **facts: Any) -> HostClient:
        served = Served(write_script(tmp_path, *rules, **facts), context)
        clients.append(HostClient(served, tmp_path / "run"))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "linewise_models.host" in line and any(str(tmp_path) in part for part in line):
            process.kill()
            process.wait()
