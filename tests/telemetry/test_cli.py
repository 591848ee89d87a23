"""The command line, and the whole loop through a real collector process."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from linewise_telemetry.catalogue.build import build_document
from linewise_telemetry.catalogue.document import Entry
from linewise_telemetry.catalogue.envelope import new_key, sign
from linewise_telemetry.catalogue.errors import CatalogueError
from linewise_telemetry.cli import collector, feedback, telemetry
from linewise_telemetry.client.places import COLLECTOR_VARIABLE
from linewise_telemetry.client.subscriptions import Collector
from linewise_telemetry.client.telemetry import Places, Telemetry
from linewise_telemetry.collector import tables
from linewise_telemetry.collector.database import connect
from linewise_telemetry.consent import Level
from linewise_telemetry.errors import CollectorError, FeedbackError
from tests.telemetry.world import REGISTRY, Catalogues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def nobody_forbids(monkeypatch: pytest.MonkeyPatch) -> None:
    """CI and DO_NOT_TRACK of the machine that runs the tests are not this test's."""
    for name in ("CI", "DO_NOT_TRACK", COLLECTOR_VARIABLE):
        monkeypatch.delenv(name, raising=False)


YAML = """
id: acme
title: Acme SDK
maker: {name: Acme}
package: acme
release: 1
samples: [{id: first-steps, title: First, symbols: [acme.send], code: acme.send()}]
announcements: [{id: survey, title: Tell us, until: "2027-12-31"}]
"""


def run(command: object, *arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(command, arguments, input=given, catch_exceptions=False)  # type: ignore[arg-type]  # click's commands have no common type


def test_levels_are_said_and_kept() -> None:
    assert run(telemetry).output == "Telemetry is local: it is the default.\n"
    assert run(telemetry, "on").output == "Telemetry is events: you chose it.\n"
    assert (
        run(telemetry, "on", "--level", "counts").output == "Telemetry is counts: you chose it.\n"
    )
    assert run(telemetry, "off", "--keep-local").output == "Telemetry is local: you chose it.\n"
    assert run(telemetry, "off").output == "Telemetry is off: you chose it.\n"
    assert run(telemetry).output == "Telemetry is off: you chose it.\n"


def test_the_word_that_wins_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    assert (
        run(telemetry, "on").output
        == "Telemetry is local: DO_NOT_TRACK is set.\nYou chose events.\n"
    )


def test_own_page(linewise_home: Path) -> None:
    places = Places(linewise_home, linewise_home / "policy.json", {}, None, Catalogues())
    client = Telemetry(REGISTRY, places)
    client.start()
    for answered in (True, True, True, False):
        client.record(
            "docs.shown",
            catalogue="acme",
            symbol="acme.Client.send",
            surface="hover",
            answered=answered,
        )
    assert client.flush(10)
    client.stop()
    shown = run(telemetry, "show").output
    assert "Lookups without a page: 25 % (1 of 4; 95 % interval 5 to 70 %)" in shown
    assert "nothing was sent" in shown


def test_preview_of_nothing() -> None:
    assert "Nothing waits" in run(telemetry, "preview").output


def test_feedback_is_shown_first_and_kept_without_an_address() -> None:
    refused = run(feedback, "It hangs", given="n\n").output
    assert '"text": "It hangs"' in refused
    assert refused.endswith("Nothing was sent.\n")
    kept = run(feedback, "It hangs", "--yes").output
    assert "Kept, not sent yet: there is no address" in kept
    assert "waiting   product: It hangs" in run(feedback, "--mine").output


def test_text_from_a_pipe_is_shown_and_sent_only_when_told_so() -> None:
    with pytest.raises(FeedbackError, match="add --yes"):
        run(feedback, given="It hangs\n")
    assert run(feedback, "--mine").output == "You have sent no feedback from this machine.\n"
    assert "Kept, not sent yet" in run(feedback, "--yes", given="It hangs\n").output


def test_attachment_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(FeedbackError, match="no text"):
        run(feedback, "See", "--attach", str(path), "--yes")


@pytest.mark.parametrize(
    ("again", "left"),
    [(None, ["acme.close", "acme.send"]), ("acme.open\n", ["acme.open"]), ("", [])],
)
def test_symbols_stay_where_none_are_given(
    tmp_path: Path, again: str | None, left: list[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'collector.db'}"
    names = tmp_path / "names"
    names.write_text("acme.send\nacme.close\n")
    made = run(collector, "project", "acme", "--db", url, "--symbols", str(names)).output
    names.write_text(again or "")
    options = [] if again is None else ["--symbols", str(names)]
    told = run(collector, "project", "acme", "--db", url, *options).output
    assert re.findall("key ([0-9a-f]+)", told) == re.findall("key ([0-9a-f]+)", made)
    engine = connect(url)
    with engine.connect() as connection:
        listed = connection.execute(select(tables.symbol.c.name)).scalars().all()
    engine.dispose()
    assert sorted(listed) == left


@pytest.mark.parametrize("signed", [False, True])
def test_project_takes_what_its_catalogue_lists(tmp_path: Path, signed: bool) -> None:
    """Samples and announcements are told of by their ids, which no list of symbols has."""
    url, path = f"sqlite:///{tmp_path / 'collector.db'}", tmp_path / "acme.catalogue"
    document = build_document(YAML, [Entry("acme.send", "function", "https://docs.example/")])
    path.write_bytes(sign(document, new_key()) if signed else document)
    options = ("--db", url, "--catalogue", str(path))
    assert run(collector, "project", "acme", "--db", url).output.startswith("acme: key ")
    assert run(collector, "project", "acme", *options).output.endswith(", 3 names\n")
    engine = connect(url)
    with engine.connect() as connection:
        listed = set(connection.execute(select(tables.symbol.c.name)).scalars())
        titles = connection.execute(select(tables.project.c.name)).scalars().all()
    engine.dispose()
    assert (listed, titles) == ({"acme.send", "first-steps", "survey"}, ["Acme SDK"])
    with pytest.raises(CollectorError, match="is the catalogue acme, not other"):
        run(collector, "project", "other", *options)
    with pytest.raises(CollectorError, match="1 to 120"):
        run(collector, "project", "acme", *options, "--title", "x" * 121)
    path.write_text("{}")
    with pytest.raises(CatalogueError, match="no valid catalogue"):
        run(collector, "project", "acme", *options)
    both = run(collector, "project", "acme", *options, "--symbols", str(path))
    assert both.exit_code == 2


def test_accounts_and_projects(tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("acme.Client.send\n\nacme.Client.close\n")
    made = run(collector, "project", "acme", "--symbols", str(names)).output
    assert re.fullmatch(r"acme: key [0-9a-f]{32}, 2 names\n", made)
    assert run(collector, "project", "acme", "--symbols", str(names)).output == made
    told = run(collector, "account", "ada", "--password", "analytical engine").output
    assert told == "ada can log in.\n"


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [
        ("ada", "x", "shorter than 12"),
        ("ada", "", "shorter than 12"),
        ("ada", "x" * 11, "shorter than 12"),
        ("ada", "x" * 12, "anybody would guess"),
        ("engine", "Engineengine", "anybody would guess"),
        ("ada", "analytical engine" * 100, "longer than 1024"),
        ("ada", "analytical\x00engine", "no form can send"),
        ("", "analytical engine", "no name"),
        (" ada", "analytical engine", "no name"),
        ("ada" * 22, "analytical engine", "no name"),
    ],
)
def test_account_that_is_refused(name: str, password: str, why: str) -> None:
    with pytest.raises(CollectorError, match=why) as caught:
        run(collector, "account", name, "--password", password)
    assert len(password) < 12 or password not in str(caught.value)


def test_send_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(telemetry, "send").output == "Telemetry is local: nothing leaves.\n"
    monkeypatch.setenv("LINEWISE_COLLECTOR", "http://127.0.0.1:9#key")
    run(telemetry, "on")
    assert run(telemetry, "send").output == "Nothing waits to be sent.\n"


@dataclass
class Running:
    """A collector process and what it said at its start."""

    origin: str
    password: str
    product: Collector


@pytest.fixture
def running(linewise_home: Path) -> Iterator[Running]:
    code = "from linewise_telemetry.cli import collector; collector()"
    command = [sys.executable, "-u", "-c", code, "serve", "--port", "0", "--open-week"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        dashboard, login, project = (next(process.stdout) for _ in range(3))
        origin = dashboard.split()[1].rstrip("/")
        target, _, key = project.partition("=")[2].strip().partition("#")
        password = login.split(" password ")[1].split()[0]
        # It listens already; the first answer comes when it serves.
        assert httpx.get(f"{origin}/healthz", timeout=60).status_code == 200
        yield Running(origin, password, Collector(target, key))
        process.terminate()


def test_the_whole_loop(
    running: Running, linewise_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consent, use, figures, feedback, answer, withdrawal, deletion: all through real sockets."""
    monkeypatch.setenv(COLLECTOR_VARIABLE, running.product.target)
    staff = httpx.Client(base_url=running.origin)
    staff.post("/login", data={"name": "admin", "password": running.password})

    for install in range(6):
        home = linewise_home / f"install{install}"
        client = Telemetry(
            REGISTRY, Places(home, home / "policy.json", {}, running.product, Catalogues())
        )
        client.start()
        client.choose(Level.EVENTS)
        for i in range(4):
            client.record(
                "completion.ended", lang="python", basis="rendered", shown_ms=900, read=True,
                end="accepted" if i < 3 else "rejected", lines=1, chars=20, taken=100,
            )  # fmt: skip
        assert client.flush(10)
        client.send_now()
        client.stop()
    assert "18 of 24" in staff.get("/p/linewise/").text

    sent = run(feedback, "It hangs", "--rating", "2", "--yes").output
    assert f"Sent to Linewise ({running.origin})" in sent
    page = staff.get("/p/linewise/feedback/1").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    form = {"csrf": csrf[1], "status": "fixed", "answer": "See the changelog.", "release": "2.4"}
    staff.post("/p/linewise/feedback/1", data=form)
    mine = run(feedback, "--mine").output
    assert "fixed     product: It hangs" in mine
    assert "In release 2.4." in mine
    receipt = mine.split()[0]
    assert run(feedback, "--delete", receipt).output == "Deleted: It hangs\n"
    assert staff.get("/p/linewise/feedback/1").status_code == 404
    assert run(feedback, "--mine").output == "You have sent no feedback from this machine.\n"

    for install in range(6):
        monkeypatch.setenv("LINEWISE_HOME", str(linewise_home / f"install{install}"))
        assert "off" in run(telemetry, "off").output
        assert re.search(
            r"4 events deleted, receipt [0-9a-f]{32}, confirmed", run(telemetry, "delete").output
        )
    assert "18 of 24" not in staff.get("/p/linewise/").text
    assert "6 requests carried out, 24 events deleted" in staff.get("/p/linewise/health").text
    staff.close()
