"""What the real server records of its use: each event with the registry's fields, and no more."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types

from linewise_server.lsp.editor import Editor, Ghost
from linewise_telemetry.catalogue.envelope import new_key, sign
from linewise_telemetry.catalogue.shelf import Pulled, Shelf
from linewise_telemetry.events import load
from tests.e2e.conftest import Start
from tests.scripts import write_script

REGISTRY = load()
CANARY = "zebra_quartz_canary"
"""Stands in paths, code and answers; it may stand nowhere else."""
COLLECTOR = "http://127.0.0.1:9"
"""Nobody listens there, so what was recorded stays in the spool."""
PAGE = "https://click.example/"
SYMBOLS = (
    "click",
    "click.echo",
    "click.Context",
    "click.Context.invoke",
    "click.secho",
    "click.command",
)
TEXT = f"import click\n\n{CANARY} = click.echo\nclick.secho\nclick.Context.{CANARY}\n"
RULES = (
    {"after": "answer = ", "text": f"click.echo({CANARY})\n"},
    {"after": "second = ", "text": "click.secho(TEXT)\n"},
    {"after": "method = ", "text": f"{CANARY}_context.invoke({CANARY})\n"},
    {"after": "refused = ", "text": f"{CANARY}_context.invoke(None)\n"},
    {"after": "rubbish = ", "text": ",\n"},
    {"after": "silence = ", "text": ""},
    {"after": "slow = ", "text": "abcdefghij\n", "delay_ms": 200},
)


@dataclass
class Window:
    """An editor on the file TEXT, whose user agreed to send events."""

    editor: Editor
    home: Path
    uri: str

    def at(self, spelled: str) -> types.Position:
        """Return the end of a line's text."""
        lines = TEXT.splitlines()
        line = next(i for i, text in enumerate(lines) if text.endswith(spelled))
        return types.Position(line, len(lines[line]))

    async def hover(self, spelled: str) -> None:
        where = types.TextDocumentIdentifier(self.uri)
        await self.editor.request(
            types.TEXT_DOCUMENT_HOVER, types.HoverParams(where, self.at(spelled))
        )

    async def actions(self, spelled: str) -> list[Any]:
        at = self.at(spelled)
        context = types.CodeActionContext([], trigger_kind=types.CodeActionTriggerKind.Invoked)
        where = types.TextDocumentIdentifier(self.uri)
        params = types.CodeActionParams(where, types.Range(at, at), context)
        found: list[Any] = await self.editor.request(types.TEXT_DOCUMENT_CODE_ACTION, params)
        return found

    async def run(self, action: str, spelled: str) -> None:
        """Run the command of a code action, as editors do once they made its edit."""
        (found,) = (each for each in await self.actions(spelled) if each.title == action)
        params = types.ExecuteCommandParams(found.command.command, found.command.arguments)
        await self.editor.request(types.WORKSPACE_EXECUTE_COMMAND, params)

    async def write(self, text: str, *, invoked: bool = False) -> Ghost | None:
        """Type on a line of its own and return the first ghost."""
        self.editor.insert("\n" + text)
        ghosts = (await self.editor.ask(invoked=invoked)).ghosts
        return ghosts[0] if ghosts else None


Open = Callable[[], Window]


@pytest_asyncio.fixture
async def window(
    start: Start, linewise_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Window]:
    for variable in ("CI", "DO_NOT_TRACK"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LINEWISE_COLLECTOR", f"{COLLECTOR}#product")

    async def pull(_: str, __: str) -> Pulled:
        return Pulled(sign(json.dumps(catalogue()).encode(), new_key()), "1")

    await Shelf(linewise_home / "catalogues").add("http://127.0.0.1:9/click.catalogue", pull)
    async with start(*RULES) as editor:
        uri = (tmp_path / CANARY / "main.py").as_uri()
        said = await editor.request("linewise/telemetry", {"level": "events"})
        assert said["effective"] == "events", said["reason"]
        await editor.open(uri, "python", TEXT)
        await editor.ready()
        yield Window(editor, linewise_home, uri)


def catalogue() -> dict[str, Any]:
    return {
        "format": "linewise-catalogue/1",
        "id": "click",
        "title": "Click",
        "maker": {"name": "Click Makers"},
        "release": 1,
        "package": "click",
        "symbols": [{"name": n, "kind": "function", "url": f"{PAGE}#{n}"} for n in SYMBOLS],
        "deprecations": [
            {"symbol": "click.secho", "since": "1.0", "replacement": "click.echo",
             "mechanical": True}
        ],
        "samples": [
            {"id": "hello", "title": "Say hello", "symbols": ["click.echo"],
             "code": "click.echo('hello')"}
        ],
        "announcements": [{"id": "nine", "title": "Nine", "until": "2099-01-01", "url": PAGE}],
        "support": [{"title": "Forum", "url": f"{PAGE}forum"}],
        "telemetry": {"origin": COLLECTOR, "project": "click-key"},
    }  # fmt: skip


def recorded(home: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the spool's events by name; there is no second spool that could hide any."""
    found: dict[str, list[dict[str, Any]]] = {}
    with closing(sqlite3.connect(home / "telemetry" / "spool.db")) as database:
        for name, attributes in database.execute("SELECT name, attributes FROM event"):
            found.setdefault(name, []).append(json.loads(attributes))
    return found


async def eventually(home: Path, name: str, **wanted: Any) -> None:
    """Wait until an event with these fields is in the spool."""
    async with asyncio.timeout(120):
        # The recorder writes in a thread of the server; nothing tells when. Types take seconds.
        while not any(  # noqa: ASYNC110
            wanted.items() <= event.items() for event in recorded(home).get(name, [])
        ):
            await asyncio.sleep(0.05)


async def test_docs_samples_deprecations_and_announcements(window: Window) -> None:
    home = window.home
    await eventually(home, "deprecation.met", symbol="click.secho", act="seen")
    await window.hover("import click")
    await eventually(home, "announcement.met", symbol="nine", act="delivered")
    await window.run("Open: Nine", "import click")
    await eventually(home, "announcement.met", symbol="nine", act="opened")

    await window.hover("click.echo")
    await eventually(home, "docs.shown", symbol="click.echo", surface="hover", answered=True)
    # The catalogue leaves this member out; the class that holds it stands for it.
    await window.hover(f"click.Context.{CANARY}")
    await eventually(home, "docs.shown", symbol="click.Context", surface="hover", answered=False)
    await eventually(home, "docs.gap", symbol="click.Context", kind="no_page")

    listed = await window.editor.request(
        "linewise/apisAt", {"uri": window.uri, **position(window.at("click.echo"))}
    )
    assert [(api["name"], api["maker"]) for api in listed] == [("click.echo", "Click Makers")]
    await eventually(home, "docs.shown", symbol="click.echo", surface="palette", answered=True)
    window.editor.notify("linewise/docsOpened", {"name": "click.echo"})
    await eventually(home, "docs.opened", symbol="click.echo", target="reference")
    rating = {"name": "click.echo", "helped": False, "reason": "outdated"}
    window.editor.notify("linewise/docsRated", rating)
    await eventually(home, "docs.rated", symbol="click.echo", helped=False, reason="outdated")
    where = {"textDocument": {"uri": window.uri}}
    await window.editor.request(
        "experimental/externalDocs", where | {"position": position(window.at("click.secho"))}
    )
    await eventually(home, "docs.opened", symbol="click.secho", target="reference")

    await window.run("Insert sample: Say hello", "click.echo")
    await eventually(home, "sample.inserted", symbol="hello")
    await window.run("Ask for help: Forum", "click.echo")
    await eventually(home, "docs.opened", symbol="click.echo", target="support")
    await window.run("Use echo", "click.secho")
    await eventually(home, "deprecation.met", symbol="click.secho", act="fixed")
    await eventually(home, "docs.gap", symbol="click.secho", kind="no_sample")
    check(home)


async def test_completions(window: Window) -> None:
    home, editor = window.home, window.editor
    await eventually(home, "session.started", editor="other", family="other")

    ghost = await window.write("answer = ")
    assert ghost is not None
    editor.notify("linewise/completionShown", {"id": ghost.id, "basis": "inferred", "shownMs": 0})
    await editor.accept(ghost)
    await eventually(home, "completion.answered", outcome="produced", origin="model")
    await eventually(home, "completion.ended", end="accepted", read=True, basis="inferred")
    await eventually(
        home, "completion.api_used", symbol="click.echo", end="accepted", deprecated=False
    )

    ghost = await window.write("second = ", invoked=True)
    assert ghost is not None
    partly = {"item": {"command": {"arguments": [ghost.id]}}, "acceptedLength": 5}
    editor.notify("textDocument/didPartiallyAcceptCompletion", partly)
    gone = {"id": ghost.id, "reason": "typedOver", "shownMs": 900}
    editor.notify("linewise/completionDismissed", gone)
    await eventually(home, "completion.ended", end="partial")
    await eventually(
        home, "completion.api_used", symbol="click.secho", end="partial", deprecated=True
    )

    assert await window.write("rubbish = ") is None
    await eventually(home, "completion.answered", outcome="filtered")
    assert await window.write("silence = ") is None
    await eventually(home, "completion.answered", outcome="empty")
    editor.insert("\nslow = ")
    assert (await editor.ask(cancel_after=0.1)).cancelled
    await eventually(home, "completion.answered", outcome="canceled")
    check(home)


async def test_methods_on_variables_count_for_their_class(window: Window) -> None:
    home, editor = window.home, window.editor
    editor.insert(f"\n{CANARY}_context = click.Context(click.Command('x'))")
    for end, line in (("accepted", "method = "), ("rejected", "refused = ")):
        ghost = await window.write(line)
        assert ghost is not None
        if end == "accepted":
            await editor.accept(ghost)
        else:
            gone = {"id": ghost.id, "reason": end, "shownMs": 900}
            editor.notify("linewise/completionDismissed", gone)
        await eventually(
            home, "completion.api_used", symbol="click.Context.invoke", end=end, read=True
        )
    check(home)


async def test_no_two_suggestions_bear_one_id(start: Start, tmp_path: Path) -> None:
    model = write_script(tmp_path / "other", *RULES)
    async with start(*RULES) as editor:
        await editor.open("file:///a.py", "python", "")
        await editor.ready()
        window = Window(editor, tmp_path, "file:///a.py")
        before = await window.write("answer = ")
        settings = {"linewise": {"model": str(model), "engine.idleMinutes": 5}}
        editor.notify(
            types.WORKSPACE_DID_CHANGE_CONFIGURATION, types.DidChangeConfigurationParams(settings)
        )
        after = await window.write("second = ")
    assert before is not None
    assert after is not None
    assert before.id != after.id


async def test_what_is_recorded_before_consent_never_waits_to_be_sent(
    start: Start, linewise_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("CI", "DO_NOT_TRACK"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LINEWISE_COLLECTOR", f"{COLLECTOR}#product")
    async with start(*RULES) as editor:
        await editor.open("file:///a.py", "python", "answer = ")
        await editor.ready()
        assert (await editor.ask(invoked=True)).ghosts
        said = await editor.request("linewise/telemetry", {})
        assert (said["effective"], said["recipients"]) == ("local", ["the makers of Linewise"])
        assert "Your last 28 days, on this machine only" in said["preview"]
        await editor.request("linewise/telemetry", {"level": "events"})
        # The session that takes part begins with the yes.
        await eventually(linewise_home, "session.started")
    assert recorded(linewise_home).keys() == {"session.started"}


def check(home: Path) -> None:
    """Every event has exactly the registry's fields, and the canary stands in no file."""
    found = recorded(home)
    for name, events in found.items():
        for attributes in events:
            assert REGISTRY.events[name].check(attributes) is None
    for path in (home / "telemetry").iterdir():
        assert CANARY.encode() not in path.read_bytes(), path


def position(at: types.Position) -> dict[str, int]:
    return {"line": at.line, "character": at.character}
