"""The whole client: what it records at which level, what leaves, and what never does.

One long file, as what it tests is one list; its canaries and collector serve every test.
"""

from __future__ import annotations

import gzip
import socket
import sqlite3
import time
from contextlib import closing, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linewise_telemetry.client import transport
from linewise_telemetry.client.completions import Answered, ApiUse
from linewise_telemetry.client.sender import FLUSH_AT
from linewise_telemetry.client.subscriptions import Collector
from linewise_telemetry.client.telemetry import Places, Telemetry
from linewise_telemetry.client.transport import Answer
from linewise_telemetry.consent import Level
from tests.telemetry.world import (
    ACME,
    PRODUCT,
    REGISTRY,
    Catalogues,
    Clock,
    Wire,
    records,
    telemetry,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86_400.0


def lookup(client: Telemetry, symbol: str = "acme.Client.send") -> None:
    client.record("docs.shown", catalogue="acme", symbol=symbol, surface="hover", answered=True)


def sent(wire: Wire) -> list[dict[str, object]]:
    bodies = [body for method, url, body, _ in wire.requests if url.endswith("/v1/logs")]
    return [record for body in bodies for record in records(gzip.decompress(body or b""))]


def send_rest(home: Path, clock: Clock, wire: Wire) -> None:
    """Start once more, as the next session does, and send what waits."""
    client = telemetry(home, clock, wire.send)
    assert client.flush(10)
    client.send_now()
    client.stop()


def consent(home: Path, clock: Clock, wire: Wire) -> None:
    client = telemetry(home, clock, wire.send)
    client.choose(Level.EVENTS)
    client.stop()


def use_and_exit(client: Telemetry, times: int = 3) -> None:
    for _ in range(times):
        lookup(client)
    assert client.flush(10)
    client.stop()


@pytest.mark.parametrize("level", [Level.OFF, Level.LOCAL, Level.COUNTS])
def test_no_event_leaves_below_events(tmp_path: Path, level: Level) -> None:
    wire = Wire()
    client = telemetry(tmp_path, Clock(), wire.send)
    client.choose(level)
    use_and_exit(client)
    assert wire.requests == []


def test_off_writes_nothing_but_the_choice(tmp_path: Path) -> None:
    clock, wire = Clock(), Wire()
    client = telemetry(tmp_path, clock, wire.send)
    client.choose(Level.OFF)
    client.stop()
    for path in (tmp_path / "telemetry").glob("spool*"):
        path.unlink()
    later = telemetry(tmp_path, clock, wire.send)
    use_and_exit(later)
    kept = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert kept == {"consent.json", "consent.lock"}


def test_events_leave_to_whom_they_concern(tmp_path: Path) -> None:
    clock, wire = Clock(), Wire()
    client = telemetry(tmp_path, clock, wire.send)
    client.choose(Level.EVENTS)
    client.record(
        "completion.answered", lang="python", trigger="invoked", outcome="empty", origin="none",
        total_ms=3, ttft_ms=3, tokens=0,
    )  # fmt: skip
    use_and_exit(client, times=1)
    send_rest(tmp_path, clock, wire)
    hosts = {
        record["name"]: url
        for (_, url, body, _) in wire.requests
        for record in records(gzip.decompress(body or b""))
    }
    assert hosts == {
        "completion.answered": "https://product.example/v1/logs",
        "docs.shown": "https://acme.example/v1/logs",
    }
    assert all(int(str(record["time"])) % (3600 * 10**9) == 0 for record in sent(wire))


def test_keys_of_two_collectors_differ_and_change_with_consent(tmp_path: Path) -> None:
    clock, wire = Clock(), Wire()
    keys = []
    for _ in range(2):
        client = telemetry(tmp_path, clock, wire.send)
        client.choose(Level.EVENTS)
        client.record(
            "session.started", editor="vscode", os="linux", arch="x86_64", version="0.1.0",
            backend="cpu", family="smollm2", parameters_m=135,
        )  # fmt: skip
        assert client.flush(10)
        client.stop()
        send_rest(tmp_path, clock, wire)
        keys += [(url, headers["Linewise-Install"]) for _, url, _, headers in wire.requests]
        wire.requests.clear()
        client = telemetry(tmp_path, clock, wire.send)
        client.choose(Level.LOCAL)
        client.stop()
    assert {url for url, _ in keys} == {f"{ACME.origin}/v1/logs", f"{PRODUCT.origin}/v1/logs"}
    assert len({key for _, key in keys}) == 4


def test_what_was_recorded_before_consent_never_leaves(tmp_path: Path) -> None:
    clock, wire = Clock(), Wire()
    client = telemetry(tmp_path, clock, wire.send)
    for _ in range(500):
        lookup(client, "acme.Client.close")
    client.choose(Level.EVENTS)
    lookup(client)
    assert client.flush(10)
    client.stop()
    send_rest(tmp_path, clock, wire)
    assert [record["symbol"] for record in sent(wire)] == ["acme.Client.send"]
    assert client.figures(1) == {}


def test_counts_leave_after_the_week_and_only_those_made_under_consent(tmp_path: Path) -> None:
    clock, wire = Clock(), Wire()
    client = telemetry(tmp_path, clock, wire.send)
    for _ in range(100):
        lookup(client)
    assert client.flush(10)
    client.choose(Level.COUNTS)
    use_and_exit(client, times=7)
    assert wire.requests == []
    clock.move(8 * DAY)
    send_rest(tmp_path, clock, wire)
    (record,) = sent(wire)
    assert record["n"] == "7"
    assert set(record) == {
        "name",
        "time",
        "event.id",
        "catalogue",
        "symbol",
        "surface",
        "answered",
        "n",
    }


@pytest.mark.parametrize("how", ["level", "editor", "another window", "broken file"])
def test_consent_withdrawn_between_spool_and_send(tmp_path: Path, how: str) -> None:
    clock, wire = Clock(), Wire()
    client = telemetry(tmp_path, clock, wire.send)
    client.choose(Level.EVENTS)
    lookup(client)
    assert client.flush(10)
    assert len(client.waiting()) == 1
    if how == "level":
        client.choose(Level.LOCAL)
    elif how == "editor":
        client.switch(editor=False)
    elif how == "another window":
        other = telemetry(tmp_path, clock, wire.send)
        other.choose(Level.OFF)
        other.stop()
    else:
        (tmp_path / "telemetry" / "consent.json").write_text("{")
    client.stop()
    assert wire.requests == []
    later = telemetry(tmp_path, clock, wire.send)
    later.choose(Level.EVENTS)
    later.send_now()
    later.stop()
    assert sent(wire) == []


def test_unknown_symbols_are_not_recorded(tmp_path: Path) -> None:
    client = telemetry(tmp_path, Clock(), Wire().send)
    client.choose(Level.EVENTS)
    lookup(client, "mycompany.secret.Function")
    client.record(
        "docs.shown", catalogue="private", symbol="acme.Client.send", surface="hover", answered=True
    )
    client.record("no.such.event", path="/home/ada")
    lookup(client)
    assert client.flush(10)
    assert [event.attributes["symbol"] for event in client.waiting()] == ["acme.Client.send"]
    assert client.drops() == {"invalid": 3}
    client.stop()


@pytest.mark.parametrize("held", ["spool", "disk", "catalogues"])
def test_recording_waits_for_nothing(tmp_path: Path, held: str) -> None:
    """Not for the spool's lock, not for another process's transaction, not for the catalogues."""
    reading = Lock()

    class Slow(Catalogues):
        def lists(self, catalogue: str, symbol: str) -> bool:
            with reading:
                return super().lists(catalogue, symbol)

    wire = Wire()
    there = Places(tmp_path, tmp_path / "policy.json", {}, PRODUCT, Slow())
    client = Telemetry(REGISTRY, there, send=wire.send, clock=Clock().wall)
    client.start()
    client.choose(Level.EVENTS)
    other = sqlite3.connect(tmp_path / "telemetry" / "spool.db", isolation_level=None)
    assert client._spool is not None

    def record() -> None:
        for _ in range(30):
            lookup(client)
            lookup(client, "unknown.symbol")
            client.record("no.such.event")

    with closing(other):
        if held == "disk":
            other.execute("BEGIN EXCLUSIVE")
        with {"spool": client._spool._file._lock, "catalogues": reading}.get(held, nullcontext()):
            recording = Thread(target=record, daemon=True)
            recording.start()
            recording.join(20)
            assert not recording.is_alive()
    assert client.flush(30)
    assert len(client.waiting()) == 30
    assert client.drops() == {"invalid": 60}
    client.stop()


CANARY = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\\\"'"),
    min_size=8,
    max_size=40,
).map(lambda text: f"canary-{text}")


@given(CANARY)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_canaries_never_reach_the_spool_or_the_wire(canary: str) -> None:
    """Whatever stands in code, paths, names and errors: no file and no request contains it."""
    with TemporaryDirectory() as name:
        home, clock, wire = Path(name), Clock(), Wire()
        client = telemetry(home, clock, wire.send)
        client.choose(Level.EVENTS)
        uri = f"file:///home/{canary}/{canary}.py"
        api = ApiUse("acme", canary, deprecated=False)
        known = ApiUse("acme", "acme.Client.send", deprecated=False)
        for outcome in ("produced", "failed", canary):
            client.completions.answer(
                Answered(
                    f"{canary}{outcome}",
                    canary,
                    canary,
                    outcome,
                    "model",
                    5,
                    5,
                    5,
                    canary,
                    (api, known),
                ),
                clock.monotonic(),
            )
            client.completions.show(f"{canary}{outcome}", "rendered", clock.monotonic())
        client.completions.accept(f"{canary}produced", uri, 0, clock.monotonic())
        client.completions.insert_sample(
            "acme", "acme.quickstart", uri, 9, canary, clock.monotonic()
        )
        clock.move(301)
        client.tick(lambda _: canary * 3)
        lookup(client, canary)
        client.record(canary, error=canary)
        client.record("completion.ended", **{canary: canary})
        client.record("session.started", editor=canary, os=canary, arch=canary, version=canary,
                      backend="cpu", family=canary, parameters_m=1)  # fmt: skip
        assert client.flush(10)
        needles = [canary.encode(), canary.encode("utf-16-le"), canary.encode("unicode_escape")]
        kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
        client.stop()
        send_rest(home, clock, wire)
        assert sent(wire), "the test must see something sent"
        for method, url, body, headers in wire.requests:
            kept += f"{method}{url}{headers}".encode() + gzip.decompress(body or gzip.compress(b""))
        assert not any(needle in kept for needle in needles)


def test_health_is_reported(tmp_path: Path) -> None:
    clock, wire = Clock(), Wire()
    client = telemetry(tmp_path, clock, wire.send)
    client.choose(Level.EVENTS)
    for _ in range(FLUSH_AT + 20):
        lookup(client, "unknown.symbol")
    lookup(client)
    assert client.flush(10)
    client.stop()
    for _ in range(2):
        send_rest(tmp_path, clock, wire)
    health = [record for record in sent(wire) if record["name"] == "telemetry.health"]
    # The sender may have sent, and told of it, or have reported while the last were being lost.
    assert {record["reason"] for record in health} <= {"invalid", "sent"}
    told = sum(int(str(r["count"])) for r in health if r["reason"] == "invalid")
    assert FLUSH_AT <= told <= FLUSH_AT + 20


@pytest.fixture
def silent_collector() -> Iterator[str]:
    """A collector that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        yield f"http://{host}:{port}"


def test_collector_that_never_answers_delays_nothing(tmp_path: Path, silent_collector: str) -> None:
    """Neither recording nor the exit waits for it, though each request may take ten seconds."""
    product = Collector(silent_collector, "p")
    places = Places(tmp_path, tmp_path / "policy.json", {}, product, Catalogues())
    client = Telemetry(REGISTRY, places)
    client.start()
    client.choose(Level.EVENTS)
    began = time.monotonic()
    for _ in range(1000):
        client.record(
            "completion.answered", lang="python", trigger="invoked", outcome="empty", origin="none",
            total_ms=3, ttft_ms=3, tokens=0,
        )  # fmt: skip
    assert client.flush(10)
    client.stop()
    assert time.monotonic() - began < transport.TIMEOUT


def answered(client: Telemetry) -> None:
    client.record(
        "completion.answered", lang="python", trigger="invoked", outcome="empty", origin="none",
        total_ms=3, ttft_ms=3, tokens=0,
    )  # fmt: skip


def keys_of(wire: Wire, method: str) -> set[tuple[str, str]]:
    """The hosts and keys of the requests of a method."""
    return {
        (url.partition("/v1/")[0], headers["Linewise-Install"])
        for asked, url, _, headers in wire.requests
        if asked == method
    }


def test_deletion_is_asked_under_every_key_and_verified(tmp_path: Path) -> None:
    receipt = Answer(200, None, b'{"receipt": "abc", "events": 3}')
    clock, wire = Clock(), Wire([], [], receipt)
    consent(tmp_path, clock, wire)
    for _ in range(2):
        client = telemetry(tmp_path, clock, wire.send)
        answered(client)
        use_and_exit(client, times=1)
        send_rest(tmp_path, clock, wire)
        clock.move(35 * DAY)
    client = telemetry(tmp_path, clock, wire.send)
    done = client.delete_my_data()
    client.stop()
    assert len(done) == 4, "two collectors, two periods"
    assert keys_of(wire, "DELETE") == keys_of(wire, "POST")
    assert {request.receipt for request in done} == {"abc"}
    wire.usual = Answer(200, None, b'{"status": "done"}')
    assert client.verify_deletion(done[0])


def test_nobody_is_asked_to_delete_what_was_never_sent(tmp_path: Path) -> None:
    wire = Wire()
    client = telemetry(tmp_path, Clock(), wire.send)
    client.choose(Level.EVENTS)
    lookup(client)
    assert client.flush(10)
    assert client.delete_my_data() == []
    assert client.waiting() == []
    client.choose(Level.OFF)
    client.stop()
    assert wire.requests == []


@given(st.lists(st.tuples(st.integers(-1000, 1000), st.booleans()), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_every_key_is_taken_back_however_the_clock_jumps(
    jumps: list[tuple[int, bool]],
) -> None:
    """Days by which the clock jumps, and whether consent is withdrawn and given again then."""
    with TemporaryDirectory() as name:
        home, clock = Path(name), Clock()
        wire = Wire([], [], Answer(200, None, b'{"receipt": "abc", "events": 1}'))
        for days, anew in [(0, True), *jumps]:
            clock.now += days * DAY
            client = telemetry(home, clock, wire.send)
            if anew:
                client.choose(Level.OFF)
                client.choose(Level.EVENTS)
            use_and_exit(client, times=1)
            send_rest(home, clock, wire)
        assert len(sent(wire)) == len(jumps) + 1
        client = telemetry(home, clock, wire.send)
        client.delete_my_data()
        client.stop()
        assert keys_of(wire, "DELETE") == keys_of(wire, "POST")


def test_damaged_identity_is_made_anew(tmp_path: Path) -> None:
    clock, wire = Clock(), Wire()
    consent(tmp_path, clock, wire)
    keys: list[tuple[str, str]] = []
    for damage in (None, "", "[]", '{"secret": 3, "hour": 1}'):
        if damage is not None:
            (tmp_path / "telemetry" / "identity.json").write_text(damage)
        use_and_exit(telemetry(tmp_path, clock, wire.send), times=1)
        send_rest(tmp_path, clock, wire)
        keys += keys_of(wire, "POST")
        wire.requests.clear()
    assert len(set(keys)) == 4


def test_deletion_is_kept_until_it_is_done(tmp_path: Path) -> None:
    clock, wire = Clock(), Wire()
    client = telemetry(tmp_path, clock, wire.send)
    client.choose(Level.EVENTS)
    answered(client)
    use_and_exit(client, times=1)
    send_rest(tmp_path, clock, wire)
    wire.usual = Answer(503, None, b"")
    client = telemetry(tmp_path, clock, wire.send)
    assert {request.receipt for request in client.delete_my_data()} == {""}
    client.choose(Level.OFF)
    client.stop()
    wire.usual = Answer(200, None, b'{"receipt": "abc", "events": 0}')
    wire.requests.clear()
    send_rest(tmp_path, clock, wire)
    assert {method for method, *_ in wire.requests} == {"DELETE"}
    assert len(wire.requests) == 2


def test_reports_can_be_deleted_after_off(tmp_path: Path) -> None:
    clock, wire = Clock(), Wire([], [], Answer(200, None, b'{"receipt": "abc", "events": 1}'))
    client = telemetry(tmp_path, clock, wire.send)
    client.choose(Level.COUNTS)
    use_and_exit(client)
    clock.move(8 * DAY)
    client = telemetry(tmp_path, clock, wire.send)
    client.send_now()
    client.choose(Level.OFF)
    client.stop()
    (reported,) = {headers["Linewise-Install"] for *_, headers in wire.requests}
    wire.requests.clear()
    later = telemetry(tmp_path, clock, wire.send)
    later.delete_my_data()
    use_and_exit(later)
    assert reported in {headers["Linewise-Install"] for *_, headers in wire.requests}
    assert {method for method, *_ in wire.requests} == {"DELETE"}


@pytest.mark.parametrize("level", [Level.EVENTS, Level.COUNTS])
def test_deletion_reaches_whoever_ever_got_something(tmp_path: Path, level: Level) -> None:
    """A catalogue that was removed since, and a maker who moved: both still hold what was sent."""
    clock, wire = Clock(), Wire([], [], Answer(200, None, b'{"receipt": "abc", "events": 1}'))
    client = telemetry(tmp_path, clock, wire.send)
    client.choose(level)
    use_and_exit(client)
    clock.move(8 * DAY)
    send_rest(tmp_path, clock, wire)
    (key,) = {
        headers["Linewise-Install"] for _, url, _, headers in wire.requests if ACME.origin in url
    }
    wire.requests.clear()

    class Nobody(Catalogues):
        def catalogues(self) -> tuple[str, ...]:
            return ()

        def collector(self, catalogue: str) -> None:
            return None

    there = Places(tmp_path, tmp_path / "policy.json", {}, None, Nobody())
    later = Telemetry(REGISTRY, there, send=wire.send, clock=clock.wall, monotonic=clock.monotonic)
    later.start()
    done = later.delete_my_data()
    later.stop()
    assert {request.receipt for request in done} == {"abc"}
    assert (ACME.origin, ACME.project, key) in {
        (url.removesuffix("/v1/me"), headers["Linewise-Project"], headers["Linewise-Install"])
        for method, url, _, headers in wire.requests
        if method == "DELETE"
    }


def test_thread_that_still_sends_finds_the_spool_closed(
    tmp_path: Path, silent_collector: str
) -> None:
    """At exit nothing may be inside SQLite any more, also where a request still hangs."""
    product = Collector(silent_collector, "p")
    places = Places(tmp_path, tmp_path / "policy.json", {}, product, Catalogues())
    client = Telemetry(REGISTRY, places)
    client.start()
    client.choose(Level.EVENTS)
    client.record(
        "completion.answered", lang="python", trigger="invoked", outcome="empty", origin="none",
        total_ms=3, ttft_ms=3, tokens=0,
    )  # fmt: skip
    assert client.flush(10)
    client.stop()
    client.record("docs.gap", catalogue="acme", symbol="acme.Client.send", kind="no_page")
    later = Telemetry(REGISTRY, places)
    later.start()
    assert [event.name for event in later.waiting()] == ["completion.answered"]
    later.stop()
