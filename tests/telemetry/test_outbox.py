"""Feedback is taken whole or refused whole, kept until it arrived, and its answer comes back."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from linewise_telemetry.client.feedback import Feedback
from linewise_telemetry.client.transport import Answer, TransportError
from linewise_telemetry.consent import Level
from linewise_telemetry.errors import FeedbackError
from tests.telemetry.world import Clock, Wire, telemetry

if TYPE_CHECKING:
    from pathlib import Path

FEEDBACK = Feedback(
    kind="problem",
    about="symbol",
    subject="acme.Client.send",
    text="It hangs.\nSometimes — über and über 🐢",
    rating=2,
    attachments=("client.send()\n",),
    contact=None,
)
OFFLINE = TransportError("URLError")


def test_preview_is_what_is_sent_byte_for_byte(tmp_path: Path) -> None:
    wire = Wire([], [Answer(201, None, b"{}")])
    client = telemetry(tmp_path, Clock(), wire.send)
    shown = client.preview_feedback(FEEDBACK)
    item = client.send_feedback(FEEDBACK)
    client.stop()
    assert shown.recipient == "Acme (https://acme.example)"
    ((method, url, sent, headers),) = wire.requests
    assert (method, url, sent) == ("POST", "https://acme.example/v1/feedback", shown.body.encode())
    assert item.status == "received"
    assert "Linewise-Install" not in headers


@pytest.mark.parametrize(
    ("about", "subject", "host"),
    [
        ("symbol", "acme.Client.send", "https://acme.example"),
        ("symbol", "somebody.else", "https://product.example"),
        ("catalogue", "acme", "https://acme.example"),
        ("catalogue", "unknown", "https://product.example"),
        ("completion", None, "https://product.example"),
        ("product", None, "https://product.example"),
    ],
)
def test_recipient(tmp_path: Path, about: str, subject: str | None, host: str) -> None:
    client = telemetry(tmp_path, Clock(), Wire().send)
    assert client.recipient(replace(FEEDBACK, about=about, subject=subject)).origin == host
    client.stop()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "x" * 4097}, "1 characters too long"),
        ({"text": " \n"}, "write something"),
        ({"kind": "rant"}, "kind must be one of"),
        ({"about": "weather"}, "about one of"),
        ({"rating": 6}, "from 1 to 5"),
        ({"attachments": ("x",) * 6}, "at most 5"),
        ({"attachments": ("x" * 20_000,)}, "attachment 1 is longer"),
        ({"contact": "x" * 300}, "contact is longer"),
        ({"subject": "x" * 300}, "subject is longer"),
    ],
)
def test_refused_whole(tmp_path: Path, change: dict[str, object], message: str) -> None:
    wire = Wire()
    client = telemetry(tmp_path, Clock(), wire.send)
    with pytest.raises(FeedbackError, match=message):
        client.send_feedback(replace(FEEDBACK, **change))  # type: ignore[arg-type]  # data of the test
    client.stop()
    assert (wire.requests, client.my_feedback(ask=False)) == ([], [])


def test_longest_text_is_taken(tmp_path: Path) -> None:
    wire = Wire()
    client = telemetry(tmp_path, Clock(), wire.send)
    client.send_feedback(replace(FEEDBACK, text="🐢" * 4096))
    client.stop()
    assert json.loads(wire.requests[0][2] or b"")["text"] == "🐢" * 4096


@pytest.mark.parametrize("level", Level)
def test_works_at_every_level(tmp_path: Path, level: Level) -> None:
    wire = Wire()
    client = telemetry(tmp_path, Clock(), wire.send, editor=False)
    client.choose(level)
    assert client.send_feedback(FEEDBACK).sent
    client.stop()
    assert len(wire.requests) == 1


def test_kept_while_offline_and_sent_by_a_later_process(tmp_path: Path) -> None:
    wire = Wire([], [OFFLINE])
    client = telemetry(tmp_path, Clock(), wire.send)
    item = client.send_feedback(FEEDBACK)
    client.stop()
    assert (item.status, item.problem) == ("waiting", "not reachable (URLError)")
    later = telemetry(tmp_path, Clock(), wire.send)
    (item,) = later.my_feedback(ask=True)
    later.stop()
    assert item.sent
    bodies = {request[2] for request in wire.requests if request[0] == "POST"}
    receipts = {request[3]["Linewise-Receipt"] for request in wire.requests}
    assert (len(bodies), receipts) == (1, {item.receipt})


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(202, None, b""), "received"),
        (Answer(503, None, b""), "waiting"),
        (Answer(429, None, b""), "waiting"),
        (Answer(413, None, b'{"error": "too large"}'), "refused"),
        (Answer(400, None, b"<html>"), "refused"),
    ],
)
def test_delivery(tmp_path: Path, answer: Answer, status: str) -> None:
    client = telemetry(tmp_path, Clock(), Wire([], [answer], Answer(503, None, b"")).send)
    assert client.send_feedback(FEEDBACK).status == status
    client.stop()


def test_answer_comes_back(tmp_path: Path) -> None:
    reply = json.dumps({"status": "fixed", "answer": "Fixed in 2.4, see the changelog."}).encode()
    wire = Wire([], [Answer(201, None, b"{}"), Answer(200, None, reply)])
    client = telemetry(tmp_path, Clock(), wire.send)
    client.send_feedback(FEEDBACK)
    (item,) = client.my_feedback(ask=True)
    client.stop()
    assert (item.status, item.answer) == ("fixed", "Fixed in 2.4, see the changelog.")


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'{"status": 3}', b'{"answer": {}}', b"[" * 60_000, b"\xff"]
)
def test_hostile_answer_changes_nothing(tmp_path: Path, body: bytes) -> None:
    wire = Wire([], [Answer(201, None, b"{}"), Answer(200, None, body)])
    client = telemetry(tmp_path, Clock(), wire.send)
    client.send_feedback(FEEDBACK)
    (item,) = client.my_feedback(ask=True)
    client.stop()
    assert (item.status, item.answer) == ("received", None)


def test_without_an_address_it_is_kept_and_said(tmp_path: Path) -> None:
    from linewise_telemetry.catalogue.holding import Holding
    from linewise_telemetry.catalogue.shelf import Shelf
    from linewise_telemetry.client.subscriptions import Shelved
    from linewise_telemetry.client.telemetry import Places, Telemetry
    from tests.telemetry.world import REGISTRY

    wire = Wire()
    nowhere = Places(
        tmp_path, tmp_path / "policy.json", {}, None, Shelved(Holding(Shelf(tmp_path)))
    )
    client = Telemetry(REGISTRY, nowhere, send=wire.send)
    client.start()
    shown = client.preview_feedback(FEEDBACK)
    item = client.send_feedback(FEEDBACK)
    client.stop()
    assert "kept here" in shown.recipient
    assert shown.afterwards == ""
    assert (item.status, wire.requests) == ("waiting", [])


def answers(*said: tuple[str, str | None]) -> list[Answer | TransportError]:
    """What a collector says of one feedback, one after the other."""
    return [
        Answer(200, None, json.dumps({"status": status, "answer": answer}).encode(), f'"{i}"')
        for i, (status, answer) in enumerate(said)
    ]


def test_answer_is_news_once_and_asked_for_until_it_is_final(tmp_path: Path) -> None:
    wire = Wire([], [Answer(201, None, b"{}")])
    client = telemetry(tmp_path, Clock(), wire.send)
    client.send_feedback(FEEDBACK)
    wire.requests.clear()
    wire.answers = [
        *answers(("seen", None)), Answer(304, None, b"", '"0"'), OFFLINE,
        *answers(("planned", "Soon."), ("planned", "Soon."), ("fixed", "In release 2.4.")),
    ]  # fmt: skip
    told = [[item.word for item in client.feedback_news()] for _ in range(9)]
    client.stop()
    assert told == [[], [], [], ["Soon."], [], ["In release 2.4."], [], [], []]
    assert {(method, url) for method, url, *_ in wire.requests} == {
        ("GET", "https://acme.example/v1/feedback")
    }
    assert len(wire.requests) == 6
    assert [headers.get("If-None-Match") for *_, headers in wire.requests] == [
        None, '"0"', '"0"', '"0"', '"0"', '"1"',
    ]  # fmt: skip


def test_maker_who_changes_the_answer_again_and_again_is_not_heard_for_ever(tmp_path: Path) -> None:
    wire = Wire([], [Answer(201, None, b"{}")])
    client = telemetry(tmp_path, Clock(), wire.send)
    client.send_feedback(FEEDBACK)
    wire.requests.clear()
    wire.answers = answers(*(("planned", f"Soon, {i}.") for i in range(20)))
    told = [len(client.feedback_news()) for _ in range(20)]
    client.stop()
    assert (sum(told), len(wire.requests)) == (5, 5)


def test_settled_without_a_word_is_news_too(tmp_path: Path) -> None:
    wire = Wire([], [Answer(201, None, b"{}"), *answers(("declined", None))])
    client = telemetry(tmp_path, Clock(), wire.send)
    client.send_feedback(FEEDBACK)
    assert [item.word for item in client.feedback_news()] == ["declined"]
    client.stop()


def test_what_was_read_in_my_feedback_is_no_news(tmp_path: Path) -> None:
    wire = Wire([], [Answer(201, None, b"{}"), *answers(("seen", "Thanks."))])
    client = telemetry(tmp_path, Clock(), wire.send)
    client.send_feedback(FEEDBACK)
    client.my_feedback(ask=True)
    wire.usual = Answer(304, None, b"")
    assert client.feedback_news() == []
    client.stop()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(200, None, b"{}"), None),
        (Answer(404, None, b""), None),
        (Answer(503, None, b""), "did not delete"),
        (OFFLINE, "not reachable"),
    ],
)
def test_what_was_sent_can_be_taken_back(
    tmp_path: Path, answer: Answer | TransportError, why: str | None
) -> None:
    wire = Wire([], [Answer(201, None, b"{}"), answer])
    client = telemetry(tmp_path, Clock(), wire.send)
    receipt = client.send_feedback(FEEDBACK).receipt
    with pytest.raises(FeedbackError, match=why) if why else nullcontext():
        client.withdraw_feedback(receipt)
    method, url, body, headers = wire.requests[1]
    assert (method, url, body) == ("DELETE", "https://acme.example/v1/feedback", None)
    assert headers["Linewise-Receipt"] == receipt
    assert [item.receipt for item in client.my_feedback(ask=False)] == ([receipt] if why else [])
    client.stop()


@pytest.mark.parametrize("receipt", ["", "0" * 32, "../identity", "x"])
def test_unknown_feedback_cannot_be_taken_back(tmp_path: Path, receipt: str) -> None:
    client = telemetry(tmp_path, Clock(), Wire().send)
    with pytest.raises(FeedbackError, match="there is no feedback"):
        client.withdraw_feedback(receipt)
    client.stop()


@pytest.mark.parametrize("why", ["nothing sent", "never arrived", "off", "too old"])
def test_nobody_is_asked_for_an_answer(tmp_path: Path, why: str) -> None:
    clock = Clock()
    wire = Wire([], [OFFLINE if why == "never arrived" else Answer(201, None, b"{}")])
    client = telemetry(tmp_path, clock, wire.send)
    if why != "nothing sent":
        client.send_feedback(FEEDBACK)
    if why == "off":
        client.choose(Level.OFF)
    if why == "too old":
        clock.move(366 * 86_400)
    client.stop()
    wire.requests.clear()
    wire.usual = Answer(503, None, b"")  # so that it does not arrive meanwhile
    later = telemetry(tmp_path, clock, wire.send)
    assert later.feedback_news() == []
    later.stop()
    assert [method for method, *_ in wire.requests if method == "GET"] == []


@pytest.mark.parametrize(
    ("level", "said"),
    [
        (Level.OFF, "only when you open My Feedback"),
        (Level.LOCAL, "https://acme.example is asked for the answer"),
        (Level.EVENTS, "https://acme.example is asked for the answer"),
    ],
)
def test_preview_says_who_is_asked_for_the_answer(tmp_path: Path, level: Level, said: str) -> None:
    wire = Wire()
    client = telemetry(tmp_path, Clock(), wire.send)
    client.choose(level)
    assert said in client.preview_feedback(FEEDBACK).afterwards
    client.stop()
    assert wire.requests == []


def test_who_does_not_answer_is_asked_once_a_round(tmp_path: Path) -> None:
    wire = Wire([], [Answer(201, None, b"{}")] * 3)
    client = telemetry(tmp_path, Clock(), wire.send)
    for about in ("symbol", "symbol", "product"):
        client.send_feedback(replace(FEEDBACK, about=about))
    wire.requests.clear()
    wire.answers = [OFFLINE, OFFLINE]
    assert client.feedback_news() == []
    client.stop()
    assert sorted(url for _, url, *_ in wire.requests) == [
        "https://acme.example/v1/feedback", "https://product.example/v1/feedback",
    ]  # fmt: skip


def test_windows_tell_an_answer_once(tmp_path: Path) -> None:
    wire = Wire([], [Answer(201, None, b"{}")])
    one = telemetry(tmp_path, Clock(), wire.send)
    one.send_feedback(FEEDBACK)
    other = telemetry(tmp_path, Clock(), wire.send)
    wire.usual = Answer(200, None, b'{"status": "fixed", "answer": "Yes."}')
    assert len(one.feedback_news() + other.feedback_news()) == 1
    one.stop()
    other.stop()
