"""What every test gets: a home of its own, and the real model where it asks for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from linewise_models.home import Home
from linewise_models.index import AdapterSource, load_index
from linewise_models.store import Store

USER_HOME = Home.locate(os.environ)
"""The home of the user who runs the tests; only the real model is read from it."""


@pytest.fixture(autouse=True)
def linewise_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point LINEWISE_HOME at an empty directory of this test."""
    home = tmp_path / "linewise-home"
    monkeypatch.setenv("LINEWISE_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def real_model() -> Path:
    """Return the default model, as LINEWISE_TEST_MODEL names it or as it is in the user's store."""
    named = os.environ.get("LINEWISE_TEST_MODEL")
    index = load_index()
    path = Path(named) if named else Store(USER_HOME, os.environ).path(index.find(index.default))
    assert path.is_file(), f"{path} is missing; `make test` pulls it: linewise models pull"
    return path


@pytest.fixture(scope="session")
def left_to_right_model() -> Path:
    """Return the base of the default model, which was never taught to fill in."""
    index = load_index()
    source = index.find(index.default).source
    assert isinstance(source, AdapterSource)
    path = Store(USER_HOME, os.environ).path(source.base)
    assert path.is_file(), f"{path} is missing; `make test` pulls it with what is made from it"
    return path
