"""`linewise docs` as its users run it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from linewise_server.apidocs.index import Index
from linewise_server.apidocs.inventory import Inventory, Symbol, write_inventory
from linewise_server.cli.docs import docs
from linewise_server.errors import LinewiseError
from tests.catalogues import document, subscribe
from tests.server.apidocs.conftest import install

CLICK = Inventory("Click", "8.1", (Symbol("click.command", "py:function", "api#$"),))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(docs, arguments)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("os.path.join", "/library/os.path.html#os.path.join"),
        ("str.join", "/library/stdtypes.html#str.join"),
        ("collections.OrderedDict.get", "/library/stdtypes.html#dict.get"),
        ("pathlib.PosixPath.exists", "/library/pathlib.html#pathlib.Path.exists"),
        ("os.environ.get", "/library/os.html#os.environ"),
        ("Array.map", "/docs/Web/JavaScript/Reference/Global_Objects/Array/map"),
        ("Array.prototype.map", "/docs/Web/JavaScript/Reference/Global_Objects/Array/map"),
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
        ("no_such_package.thing", "no package that is installed in"),
        ("no such name", "no package that is installed in"),
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
    assert "name the packages" in run("refresh").stderr
    inventory = tmp_path / "objects.inv"
    inventory.write_bytes(write_inventory(CLICK))
    for base in ("docs.example", "javascript:alert(1)", "/usr/share/doc"):
        refused = run("add", str(inventory), "--package", "click", "--base", base).exception
        assert isinstance(refused, LinewiseError)
        assert "no address that a browser opens" in str(refused)


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
    assert "5 calls in 1 file\n" in run("coverage", str(tmp_path)).stdout


def test_coverage_of_nothing_says_so(tmp_path: Path) -> None:
    assert "no Python files" in str(run("coverage", str(tmp_path)).exception)
    (tmp_path / "empty.py").write_text("x = 1\n")
    assert run("coverage", str(tmp_path)).stdout == "0 calls in 1 file\n"


SUBSCRIBED = "https://click.example/"


def test_what_makers_say_of_their_apis_counts_as_in_the_editor(
    linewise_home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "app.py"
    path.write_text("import click\nclick.echo('x')\nclick.style('x')\n")
    assert run("lookup", "click.echo").exit_code == 1
    symbols = document("click", ["click.echo"])
    shelf = asyncio.run(subscribe(linewise_home / "catalogues", symbols))
    assert run("lookup", "click.echo").stdout.startswith(SUBSCRIBED)
    listed = json.loads(run("list", "--json").stdout)
    assert [row["origin"] for row in listed if row["package"] == "click"] == ["catalogue"]
    gaps = json.loads(run("gaps", "--json", str(path)).stdout)
    assert [(gap["name"], gap["reason"]) for gap in gaps] == [("click.style", "notInInventory")]
    counted = json.loads(run("coverage", "--json", str(path)).stdout)
    assert (counted["exact"], counted["gap"]) == (1, 1)
    shelf.remove("click")
    assert run("lookup", "click.echo").exit_code == 1


def test_a_damaged_list_of_catalogues_is_told_and_costs_no_other_docs(linewise_home: Path) -> None:
    (linewise_home / "catalogues").mkdir(parents=True)
    (linewise_home / "catalogues" / "subscriptions.json").write_text("[")
    found = run("lookup", "json.dumps")
    assert found.exit_code == 0
    assert "subscriptions.json is damaged" in found.stderr


_LAST = b"\0"
"""No TLS handshake begins so."""


class Door:
    """A host of docs that hears who knocks, and lets nobody in."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"https://127.0.0.1:{self._socket.getsockname()[1]}/docs/"
        self._knocks = 0
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def knocks(self) -> int:
        """Return how often somebody knocked, and hear nobody any more."""
        if self._thread.is_alive():
            with socket.create_connection(self._socket.getsockname()) as last:
                last.sendall(_LAST)
            self._thread.join()
            self._socket.close()
        return self._knocks

    def _listen(self) -> None:
        while True:
            caller, _ = self._socket.accept()
            with caller:
                if caller.recv(1) == _LAST:
                    return
                self._knocks += 1


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.knocks()


@pytest.fixture
def workspace(tmp_path: Path, door: Door, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder whose environment has a package with docs at the door, fetched before."""
    folder = tmp_path / "workspace"
    packages = folder / ".venv" / "lib" / "python3.12" / "site-packages"
    packages.mkdir(parents=True)
    (folder / ".venv" / "bin").mkdir()
    (folder / ".venv" / "bin" / "python").touch()
    urls = (f"Documentation, {door.address}",)
    install(packages, "Acme_Tools", "1.0", modules="acme\n", urls=urls)
    index = Index(tmp_path / "linewise-home" / "docs" / "index.sqlite")
    held = Inventory("Acme", "0.9", (Symbol("acme.run", "py:function", "api#$"),))
    for package in ("acme-tools", "gone"):
        index.put(package, held, base=door.address, origin="fetched", source="before")
    index.close()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("package", [[], ["acme-tools"]], ids=["all", "named"])
@pytest.mark.parametrize(
    ("variable", "option", "asked"),
    [
        (None, [], True),
        ("other-*", ["--private", "something"], True),
        ("acme-*", [], False),
        ("x, acme", [], False),
        (None, ["--private", "acme_*"], False),
        ("acme-*", ["--private", "other"], False),
        ("other", ["--private", "x", "--private", "ACME-TOOLS"], False),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_the_host_of_a_private_package_hears_nothing(
    door: Door,
    monkeypatch: pytest.MonkeyPatch,
    package: list[str],
    variable: str | None,
    option: list[str],
    asked: bool,
) -> None:
    if variable is not None:
        monkeypatch.setenv("LINEWISE_PRIVATE_PACKAGES", variable)
    result = run("refresh", *option, *package)
    assert (door.knocks() > 0) is asked
    said = f"{result.stderr}{result.exception or ''}"
    assert ("acme-tools is private" in said) is not asked
    if not asked:
        # What was named and is refused is a failure; of all, the private ones are passed over.
        assert (result.exit_code != 0) is bool(package)
