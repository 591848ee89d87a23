"""Which engine the settings ask for, and what is said of where code goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from linewise_models.choice import choose_model
from linewise_models.engine.remote.client import RemoteClient
from linewise_models.errors import AddressError, LoadError
from linewise_models.home import Home
from linewise_models.index import load_index
from linewise_server.engines import Engines, ModelMissingError
from linewise_server.lsp.session import Session
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


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        (Settings(model="smollm2-135m"), True),
        (Settings(), True),
        (Settings(model="gone"), False),
        (Settings(model="smollm2-135m", remote_url="http://127.0.0.1:1"), False),
    ],
)
def test_what_a_model_is_good_for_is_said_where_it_is_known(
    engines: Engines, settings: Settings, known: bool
) -> None:
    entry = load_index().find("smollm2-135m")
    said = (entry.does_well, entry.does_badly) if known else (None, None)
    assert engines.verdict(settings) == said


async def test_a_url_names_the_engine_to_use(engines: Engines) -> None:
    settings, problems = read_settings(
        {"remote": {"url": "http://gpu.example:8000", "model": "m", "fim": "qwen"}}
    )
    assert problems == []
    client = engines.client(settings, lambda share: None)
    assert isinstance(client, RemoteClient)
    await client.close()
    assert "gpu.example:8000" in (engines.warning(settings) or "")


def test_a_url_that_is_none_is_told(engines: Engines) -> None:
    settings = Settings(remote_url="gpu")
    with pytest.raises(AddressError):
        engines.warning(settings)
    with pytest.raises(LoadError, match=r"linewise\.remote\.url"):
        engines.client(settings, lambda share: None)


def test_a_format_that_there_is_not_is_a_problem() -> None:
    settings, problems = read_settings({"remote.fim": "quwen"})
    assert settings.remote_fim == "auto"
    assert len(problems) == 1
    assert "codestral" in problems[0]


def test_who_names_no_model_gets_the_chosen_one(engines: Engines, tmp_path: Path) -> None:
    index = load_index()
    assert engines.entry("").name == engines.usual_model() == index.default
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF")
    choose_model(engines.home, str(mine))
    assert engines.served(Settings()).model == mine
    assert engines.entry(index.default).name == index.default
    (tmp_path / "choice.json").write_text("damaged")
    assert engines.usual_model() == index.default


@pytest.mark.parametrize(("section", "served"), [({}, "mine"), ({"model": "other"}, "other")])
async def test_a_session_serves_the_chosen_model_unless_its_settings_name_one(
    engines: Engines, section: dict[str, str], served: str
) -> None:
    choose_model(engines.home, "mine")
    ignore = lambda _: None  # noqa: E731
    session = Session(engines, ignore, ignore, ignore, ignore)
    await session.configure(section)
    assert session.settings.model == served


def test_the_picker_shows_what_was_pulled_by_its_source(engines: Engines) -> None:
    source = "hf:o/r/f.gguf@main"
    entry = load_index().resolve(source)
    path = engines.store.path(entry)
    path.parent.mkdir()
    path.write_bytes(b"GGUF")
    receipt = {"source": source, "revision": "c", "sha256": "0" * 64, "size": 4}
    path.with_suffix(".json").write_text(json.dumps(receipt))
    *listed, last = engines.models(source)
    assert [model.name for model in listed] == load_index().names()
    assert (last.name, last.title, last.size, last.licence) == (source, "f.gguf", 4, "NOASSERTION")
    assert last.active
    assert last.installed
