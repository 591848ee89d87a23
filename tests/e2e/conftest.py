"""Real servers in processes of their own, driven as an editor drives them."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from linewise_server.lsp.editor import Editor
from tests.models.conftest import registry as registry
from tests.scripts import write_script

Start = Callable[..., Editor]
PATIENT = {"automatic": 10_000, "invoked": 60_000}
"""Milliseconds: what is said is tested here, not how fast on a busy machine."""
SERVE = [sys.executable, "-m", "linewise_server", "serve"]


@pytest.fixture
async def start(linewise_home: Path, tmp_path: Path) -> AsyncIterator[Start]:
    """Give editors whose servers share this test's home; what they started ends with the test."""

    def make(
        *rules: dict[str, Any],
        model: Path | None = None,
        leans: dict[str, float] | None = None,
        script: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Editor:
        facts = {"leans": leans or {}} | (script or {})
        path = model or write_script(tmp_path / "model", *rules, **facts)
        environ = os.environ | {"LINEWISE_HOME": str(linewise_home)}
        chosen = {"model": str(path), "latency": PATIENT} | settings
        return Editor(SERVE, chosen, environ)

    yield make
    for process in engines(linewise_home):
        process.kill()
        process.wait()


def engines(home: Path) -> list[psutil.Process]:
    """Return the engine processes of a home."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "linewise_models.host" in (line := process.info["cmdline"] or [])
        and any(str(home) in part for part in line)
    ]
