"""`linewise docs` as its users run it."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from linewise_server.apidocs.inventory import Inventory, Symbol, write_inventory
from linewise_server.cli.docs import docs
from linewise_server.errors import LinewiseError

CLICK = Inventory("Click", "8.1", (Symbol("click.command", "py:function", "api#$"),))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(docs, arguments)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("os.path.join", "/library/os.path.html#os.path.join"),
        ("str.join", "/library/stdtypes.html#str.join"),
        ("Array.map", "/docs/Web/JavaScript/Reference/Global_Objects/Array/map"),
        ("std::vector", "https://en.cppreference.com/w/cpp/container/vector"),
    ],
)
def test_lookup_prints_the_link(name: str, url: str) -> None:
    result = run("lookup", name)
    assert result.exit_code == 0, result.output
    assert url in result.stdout
    assert json.loads(run("lookup", "--json", name).stdout)["url"].endswith(url)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("click.command", "linewise docs refresh click"),
        ("no_such_package.thing", "no import, builtin or inferred type"),
        ("os.no_such_name", "no entry of this name"),
    ],
)
def test_lookup_says_why_there_is_no_link(name: str, reason: str) -> None:
    result = run("lookup", name)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert json.loads(run("lookup", "--json", name).stdout)["url"] is None


def test_open_opens_the_browser_at_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert run("open", "json.dumps").exit_code == 0
    assert [url.rpartition("/")[2] for url in opened] == ["json.html#json.dumps"]
    assert isinstance(run("open", "no.such").exception, LinewiseError)


def test_added_docs_are_listed_and_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "objects.inv"
    path.write_bytes(write_inventory(CLICK))
    added = run("add", str(path), "--package", "click", "--base", "https://mirror.example/click")
    assert added.exit_code == 0, added.output
    assert "https://mirror.example/click/api#click.command" in run("lookup", "click.command").stdout
    listed = json.loads(run("list", "--json").stdout)
    packages = {row["package"]: row["origin"] for row in listed}
    assert packages["click"] == "added"
    assert packages["python"] == packages["web/css"] == packages["std/cpp"] == "bundled"


def test_what_cannot_be_added_or_refreshed_says_so(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html>")
    assert "first line" in str(run("add", str(path)).exception)
    assert "is not installed" in str(run("refresh", "no-such-package").exception)


def test_gaps_and_coverage_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    path.write_text(
        "import click, json, os\n"
        "def mine(): return json.dumps(1)\n"
        "mine()\n"
        "click.echo(os.environ.get('x'))\n"
        "unknown.thing()\n"
    )
    gaps = json.loads(run("gaps", "--json", str(path)).stdout)
    assert [(gap["line"], gap["name"], gap["reason"]) for gap in gaps] == [
        (4, "click.echo", "notFetched"),
        (4, "os.environ.get", None),
    ]
    assert f"{path}:4: click.echo: " in run("gaps", str(path)).stdout
    counted = json.loads(run("coverage", "--json", str(tmp_path)).stdout)
    kinds = {kind: counted[kind] for kind in ("exact", "parent", "gap", "own", "unresolved")}
    assert kinds == {"exact": 1, "parent": 1, "gap": 1, "own": 1, "unresolved": 1}
    assert counted["files"] == 1
    assert "5 calls in 1 files" in run("coverage", str(tmp_path)).stdout
