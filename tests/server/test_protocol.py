"""One name for one thing: what Python defines, the extension repeats word for word."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from attrs import fields

from linewise_server import __version__
from linewise_server.settings import Settings, read_settings
from linewise_server.typescript import typescript

EXTENSION = Path(__file__).parents[2] / "extension"
MANIFEST: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
PROPERTIES: dict[str, Any] = {
    name.removeprefix("linewise."): schema
    for group in MANIFEST["contributes"]["configuration"]
    for name, schema in group["properties"].items()
}

CLIENT_ONLY = {"server.path", "server.python", "engine.backend"}
"""Settings by which the extension finds or installs the server, before there is one to tell."""


def test_messages_are_those_of_python() -> None:
    written = (EXTENSION / "src" / "protocol.ts").read_text(encoding="utf-8")
    assert written == typescript(), "run `make protocol`"


def test_no_message_is_defined_by_hand() -> None:
    sources = (EXTENSION / "src").rglob("*.ts")
    by_hand = {
        path.name
        for path in sources
        if re.search(r"new (Notification|Request)Type|\"(linewise|textDocument)/", path.read_text())
    }
    assert by_hand == {"protocol.ts"}


def test_versions_agree() -> None:
    assert MANIFEST["version"] == __version__


def test_every_setting_is_known_on_both_sides() -> None:
    assert set(PROPERTIES) - CLIENT_ONLY == {field.metadata["key"] for field in fields(Settings)}


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.metadata["key"])
def test_defaults_agree(field: Any) -> None:
    default = PROPERTIES[field.metadata["key"]]["default"]
    settings, problems = read_settings({field.metadata["key"]: default})
    assert problems == []
    if field.name == "languages":
        # The editor also knows languages that are prose; the server has no such list of its own.
        assert settings.serves("*") == Settings().serves("*")
    else:
        assert plain(getattr(settings, field.name)) == plain(getattr(Settings(), field.name))


@pytest.mark.parametrize("name", sorted(set(PROPERTIES) - CLIENT_ONLY))
def test_what_the_editor_lets_through_the_server_takes(name: str) -> None:
    schema = PROPERTIES[name]
    bounds = [schema[key] for key in ("minimum", "maximum") if key in schema]
    for value in [*schema.get("enum", []), *bounds]:
        assert read_settings({name: value})[1] == []


def test_a_workspace_names_no_command_host_or_path() -> None:
    restricted = set(MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"])
    for name in ("server.path", "server.python", "model", "remote.url", "remote.model"):
        assert f"linewise.{name}" in restricted
    for name in ("server.path", "server.python", "remote.url", "remote.model"):
        assert PROPERTIES[name]["scope"] == "machine"


def test_every_command_of_the_palette_is_in_the_readme() -> None:
    readme = (EXTENSION / "README.md").read_text(encoding="utf-8")
    hidden = {
        entry["command"]
        for entry in MANIFEST["contributes"]["menus"]["commandPalette"]
        if entry["when"] == "false"
    }
    for command in MANIFEST["contributes"]["commands"]:
        if command["command"] not in hidden:
            assert f"| {command['category']}: {command['title']} |" in readme


@pytest.mark.parametrize(
    "page",
    [EXTENSION / "README.md", *sorted((EXTENSION / "media" / "walkthrough").glob("*.md"))],
    ids=lambda page: page.name,
)
def test_every_picture_is_there_and_is_packed(page: Path) -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert pictures or page.name == "privacy.md"
    for picture in pictures:
        file = (page.parent / picture).resolve()
        assert file.is_file()
        assert file.relative_to(EXTENSION).parts[0] in MANIFEST["files"]


def test_every_picture_is_used() -> None:
    pages = [*EXTENSION.glob("*.md"), *EXTENSION.glob("media/walkthrough/*.md")]
    text = "".join(
        page.read_text(encoding="utf-8") for page in [*pages, EXTENSION / "../README.md"]
    )
    for picture in (EXTENSION / "media" / "pictures").glob("*.png"):
        assert picture.name in text or picture.name == "ghost-text-dark.png"


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value
