"""What a user sees before they are asked, and that nobody is asked in vain."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Shelf
from linewise_telemetry.client.preview import render
from linewise_telemetry.client.subscriptions import Shelved
from linewise_telemetry.client.telemetry import Telemetry
from linewise_telemetry.consent import ASK_AFTER, ASK_AGAIN_AFTER, Level
from tests.telemetry.test_completions import answered
from tests.telemetry.world import REGISTRY, Clock, Wire, places, telemetry

if TYPE_CHECKING:
    from pathlib import Path


def lookup(client: Telemetry, times: int = 3) -> None:
    for _ in range(times):
        client.record(
            "docs.shown",
            catalogue="acme",
            symbol="acme.Client.send",
            surface="hover",
            answered=True,
        )
    assert client.flush(10)


def test_before_any_consent_the_own_counts_stand_for_what_would_go(tmp_path: Path) -> None:
    client = telemetry(tmp_path, Clock(), Wire().send)
    lookup(client)
    page = render(client)
    client.stop()
    assert "Telemetry is local: it is the default.\nNothing is sent" in page
    assert "It would go to: the makers of Linewise, Acme." in page
    assert '"eventName": "docs.shown"' in page
    assert '{"key": "n", "value": {"intValue": "3"}}' in page
    for event in REGISTRY.events.values():
        assert f"  {event.name}: {', '.join(event.fields)}\n" in page


def test_what_waits_is_shown_as_it_travels(tmp_path: Path) -> None:
    client = telemetry(tmp_path, Clock(), Wire().send)
    client.choose(Level.EVENTS)
    lookup(client, 1)
    page = render(client)
    shown = page[page.index("{") :]
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", client.preview())
    client.stop()


def test_the_user_is_asked_after_a_week_twice_and_not_where_nobody_listens(
    tmp_path: Path,
) -> None:
    clock = Clock()
    client = telemetry(tmp_path, clock, Wire().send)
    asked = []
    for day in range(100):
        if client.state().may_ask:
            asked.append(day)
            client.note_asked()
        clock.move(86_400)
    client.stop()
    assert asked == [ASK_AFTER.days, ASK_AFTER.days + ASK_AGAIN_AFTER.days]


def test_nobody_is_asked_where_nobody_listens(tmp_path: Path) -> None:
    clock = Clock()
    nowhere = replace(
        places(tmp_path), product=None, subscriptions=Shelved(Holding(Shelf(tmp_path)))
    )
    client = Telemetry(REGISTRY, nowhere, clock=clock.wall, monotonic=clock.monotonic)
    client.start()
    clock.move(8 * 86_400)
    assert not client.state().may_ask
    assert "There is nobody to send to." in render(client)
    client.stop()


def test_a_completion_that_began_before_the_yes_is_forgotten(tmp_path: Path) -> None:
    client = telemetry(tmp_path, Clock(), Wire().send)
    client.completions.answer(answered("before"), 0.0)
    client.choose(Level.EVENTS)
    client.completions.answer(answered("after"), 1.0)
    client.completions.close(2.0)
    assert client.flush(10)
    names = [event.name for event in client.waiting()]
    client.stop()
    assert names == ["completion.answered", "completion.ended", "completion.api_used"]
