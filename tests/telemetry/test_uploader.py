"""The uploader obeys verdicts, waits as long as it should, and never sends too much."""

from __future__ import annotations

import gzip
import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linewise_telemetry.client.records import HOUR, Record
from linewise_telemetry.client.spool import Bounds, Spool
from linewise_telemetry.client.transport import Answer, TransportError
from linewise_telemetry.client.uploader import Uploader, _clamp, _verdicts
from linewise_telemetry.consent import Level
from tests.telemetry.world import START, Clock, Wire, records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGET = "https://a.example#p"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spool(tmp_path: Path, clock: Clock) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool.db", Bounds(), clock.wall)
    yield made
    made.close()


def fill(spool: Spool, n: int, target: str = TARGET) -> None:
    hour = int(START) // HOUR
    for i in range(n):
        attributes = {"catalogue": "acme", "symbol": f"s{i}"}
        targets = ((target, "k" * 32),)
        spool.add(
            [Record("sample.inserted", attributes, attributes, 1, hour, Level.EVENTS, targets)]
        )


def uploader(spool: Spool, clock: Clock, wire: Wire, *, allowed: bool = True) -> Uploader:
    return Uploader(
        spool,
        schema=1,
        allowed=lambda: allowed,
        known=lambda _: True,
        note=lambda *_: None,
        send=wire.send,
        monotonic=clock.monotonic,
        chance=random.Random(1),
    )


def test_batches_of_a_hundred(spool: Spool, clock: Clock) -> None:
    fill(spool, 250)
    wire = Wire()
    sending = uploader(spool, clock, wire)
    while sending.run_once():
        pass
    sizes = [len(records(gzip.decompress(body or b""))) for _, _, body, _ in wire.requests]
    assert sizes == [100, 100, 50]
    assert spool.size() == (0, 0)
    method, url, _, headers = wire.requests[0]
    assert (method, url) == ("POST", "https://a.example/v1/logs")
    assert headers["Linewise-Project"] == "p"


@pytest.mark.parametrize(
    ("answer", "left", "pause"),
    [
        (Answer(200, None, b"{}"), 0, (0, 0)),
        (Answer(200, None, b"malformed"), 0, (0, 0)),
        (Answer(400, None, b""), 0, (1.6, 2.4)),
        (Answer(404, None, b""), 0, (1.6, 2.4)),
        (Answer(302, None, b""), 10, (1.6, 2.4)),
        (Answer(408, None, b""), 10, (1.6, 2.4)),
        (Answer(429, "120", b""), 10, (120, 120)),
        (Answer(429, "1e9", b""), 10, (3600, 3600)),
        (Answer(429, "-5", b""), 10, (1.6, 2.4)),
        (Answer(503, "Wed, 21 Oct 2099 07:28:00 GMT", b""), 10, (60, 60)),
        (Answer(503, "nan", b""), 10, (1, 3600)),
        (Answer(500, None, b""), 10, (1.6, 2.4)),
        (TransportError("timeout"), 10, (1.6, 2.4)),
    ],
)
def test_answers(
    spool: Spool,
    clock: Clock,
    answer: Answer | TransportError,
    left: int,
    pause: tuple[float, float],
) -> None:
    fill(spool, 10)
    sending = uploader(spool, clock, Wire([], [answer]))
    sending.run_once()
    assert spool.size()[0] == left
    assert pause[0] <= sending.wait(TARGET) <= pause[1]


def test_verdict_per_event(spool: Spool, clock: Clock) -> None:
    fill(spool, 3)
    first, second, third = (event.id for event in spool.waiting())
    body = json.dumps({"verdicts": {first: "fields", second: "retry"}}).encode()
    sending = uploader(spool, clock, Wire([], [Answer(200, None, body)]))
    sending.run_once()
    assert [event.id for event in spool.waiting()] == [second]
    assert spool.drops() == {"refused": 1, "sent": 1}
    assert third not in {event.id for event in spool.waiting()}


def test_silent_collector_is_asked_three_times_and_then_hourly(spool: Spool, clock: Clock) -> None:
    fill(spool, 10)
    wire = Wire([], [], Answer(503, None, b""))
    sending = uploader(spool, clock, wire)
    for _ in range(24 * 60):
        sending.run_once()
        clock.move(60)
    assert 24 <= len(wire.requests) <= 32
    assert spool.size()[0] == 10


def test_dead_collector_does_not_starve_another(spool: Spool, clock: Clock) -> None:
    fill(spool, 10)
    fill(spool, 10, "https://b.example#p")
    wire = Wire([], [TransportError("refused")])
    sending = uploader(spool, clock, wire)
    while sending.run_once():
        pass
    assert [url for _, url, *_ in wire.requests] == [
        "https://a.example/v1/logs",
        "https://b.example/v1/logs",
    ]
    assert spool.size()[0] == 10


def test_at_most_fifteen_uploads_a_minute(spool: Spool, clock: Clock) -> None:
    wire = Wire()
    sending = uploader(spool, clock, wire)
    for _ in range(40):
        fill(spool, 1)
        sending.run_once()
    assert len(wire.requests) == 15
    clock.move(61)
    sending.run_once()
    assert len(wire.requests) == 16


def test_without_consent_nothing_is_claimed_or_sent(spool: Spool, clock: Clock) -> None:
    fill(spool, 10)
    wire = Wire()
    assert not uploader(spool, clock, wire, allowed=False).run_once()
    assert (wire.requests, spool.size()[0]) == ([], 10)


def test_consent_withdrawn_between_claim_and_send(spool: Spool, clock: Clock) -> None:
    fill(spool, 10)
    wire = Wire()
    words = iter([True, False])
    sending = Uploader(
        spool, schema=1, allowed=lambda: next(words), known=lambda _: True, note=lambda *_: None,
        send=wire.send, monotonic=clock.monotonic,
    )  # fmt: skip
    assert not sending.run_once()
    assert wire.requests == []


def test_unsubscribed_collector_gets_nothing(spool: Spool, clock: Clock) -> None:
    fill(spool, 3)
    wire = Wire()
    sending = Uploader(
        spool, schema=1, allowed=lambda: True, known=lambda _: False, note=lambda *_: None,
        send=wire.send, monotonic=clock.monotonic,
    )  # fmt: skip
    sending.run_once()
    assert (wire.requests, spool.drops()) == ([], {"refused": 3})


def test_nothing_is_sent_to_whom_nobody_could_ask_to_delete_it(spool: Spool, clock: Clock) -> None:
    fill(spool, 3)
    wire = Wire()

    def refuse(*_: str) -> None:
        raise OSError("the disk is full")

    sending = Uploader(
        spool, schema=1, allowed=lambda: True, known=lambda _: True, note=refuse, send=wire.send,
        monotonic=clock.monotonic,
    )  # fmt: skip
    sending.run_once()
    assert (wire.requests, spool.size()[0]) == ([], 3)
    assert sending.wait(TARGET) > 0


@given(st.binary(max_size=200))
def test_no_answer_body_can_do_harm(body: bytes) -> None:
    assert isinstance(_verdicts(body), dict)


def test_deeply_nested_answer() -> None:
    assert _verdicts(b"[" * 60_000) == {}


@given(st.text(max_size=40) | st.floats().map(str) | st.integers().map(str))
def test_retry_after_is_clamped(header: str) -> None:
    assert 1 <= _clamp(header) <= 3600
