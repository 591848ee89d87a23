"""Docs that cannot drift: settings, commands and names that the README promises."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from attrs import fields

from linewise_models.engine.remote.fim import family_of
from linewise_server.cli import COMMANDS
from linewise_server.settings import Settings

README = Path("README.md").read_text("utf-8")


@pytest.mark.parametrize("attribute", fields(Settings), ids=lambda a: a.metadata["key"])
def test_every_setting_is_in_the_readme_with_its_default(attribute: object) -> None:
    key = attribute.metadata["key"]  # type: ignore[attr-defined] # attrs' Attribute is generic
    row = next(
        (line for line in README.splitlines() if line.startswith("|") and f"`{key}`" in line), ""
    )
    default = getattr(Settings(), attribute.name)  # type: ignore[attr-defined]
    shown = json.dumps(list(default) if isinstance(default, tuple) else default).strip('"')
    assert (f"`{shown}`" in row) or (default == "" and "empty" in row)


def test_the_readme_begins_with_the_two_commands() -> None:
    assert README.index("make run") < README.index("make test") < 600


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "engine"])
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"linewise {command}" in README


@pytest.mark.parametrize(
    "pattern", [r"vllm serve (\S+)", r"--model-id (\S+)", r'"model_id": "([^"]+)"']
)
def test_the_models_of_the_commands_for_servers_fill_in_by_their_names(pattern: str) -> None:
    (name,) = re.findall(pattern, README)
    assert family_of(name) is not None
