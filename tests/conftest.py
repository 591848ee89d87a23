"""What every test gets: a home of its own, so that no test sees the user's models or another test's state."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def linewise_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point LINEWISE_HOME at an empty directory of this test."""
    home = tmp_path / "linewise-home"
    monkeypatch.setenv("LINEWISE_HOME", str(home))
    return home
