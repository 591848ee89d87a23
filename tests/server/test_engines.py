"""Which engine the settings ask for, and what is said of where code goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from linewise_models.engine.remote.client import RemoteClient
from linewise_models.errors import LoadError
from linewise_models.home import Home
from linewise_server.engines import Engines, ModelMissingError
from linewise_server.settings import Settings, read_settings


@pytest.fixture
def engines(tmp_path: Path) -> Engines:
    return Engines(Home(tmp_path), {})


def test_nothing_leaves_this_machine_unless_the_setting_says_so(engines: Engines) -> None:
    settings = Settings()
    assert settings.remote_url == ""
    assert engines.warning(settings) is None
    with pytest.raises(ModelMissingError):
        engines.client(settings, lambda share: None)


async def test_a_url_names_the_engine_to_use(engines: Engines) -> None:
    settings, problems = read_settings(
        {"remote": {"url": "http://gpu.example:8000", "model": "m", "fim": "qwen"}}
    )
    assert problems == []
    client = engines.client(settings, lambda share: None)
    assert isinstance(client, RemoteClient)
    await client.close()
    assert "gpu.example:8000" in (engines.warning(settings) or "")


def test_a_url_that_is_none_is_told_and_not_warned_of(engines: Engines) -> None:
    settings = Settings(remote_url="gpu")
    assert engines.warning(settings) is None
    with pytest.raises(LoadError, match=r"linewise\.remote\.url"):
        engines.client(settings, lambda share: None)


def test_a_format_that_there_is_not_is_a_problem() -> None:
    settings, problems = read_settings({"remote.fim": "quwen"})
    assert settings.remote_fim == "auto"
    assert len(problems) == 1
    assert "codestral" in problems[0]
