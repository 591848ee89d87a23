"""A completion ends exactly once, and the end says what happened."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linewise_telemetry.client.completions import Answered, ApiUse, Completions
from tests.telemetry.world import REGISTRY

TEXT = "client.send(message)\n"


def answered(id_: str, outcome: str = "produced") -> Answered:
    api = ApiUse("acme", "acme.Client.send", deprecated=False)
    return Answered(id_, "python", "automatic", outcome, "model", 120, 80, 9, TEXT, (api,))


class Life:
    """Completions whose events are kept, each checked against the registry."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.impossible = 0
        self.completions = Completions(self.record, self.count)

    def record(self, name: str, **values: object) -> None:
        self.events.append((name, REGISTRY.events[name].encode(values)))

    def count(self) -> None:
        self.impossible += 1

    def ends(self) -> list[dict[str, Any]]:
        return [values for name, values in self.events if name == "completion.ended"]


def check(steps: list[tuple[str, float]], **expected: object) -> None:
    """Run (what, at which second) on one completion; compare its only end with `expected`."""
    life = Life()
    life.completions.answer(answered("c"), 0.0)
    for what, now in steps:
        match what.split():
            case ["show"]:
                life.completions.show("c", "rendered", now)
            case ["accept"]:
                life.completions.accept("c", "file", 0, now)
            case ["take", chars]:
                life.completions.take_part("c", int(chars), now)
            case ["tick"]:
                life.completions.tick(now, lambda _: TEXT)
            case [reason]:
                life.completions.dismiss("c", reason, None, now)
    (end,) = life.ends()
    assert {name: end[name] for name in expected} == expected


def test_accepted() -> None:
    check(
        [("show", 1.0), ("accept", 3.0)],
        end="accepted", read=True, basis="rendered", shown_ms="<5000", taken=">=100", lines="<4",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "end", "read"),
    [
        ([("show", 1.0), ("rejected", 1.5)], "rejected", False),
        ([("show", 1.0), ("rejected", 1.75)], "rejected", True),
        ([("show", 1.0), ("typed_over", 2.0)], "typed_over", True),
        ([("superseded", 0.1)], "superseded", False),
        ([("show", 1.0), ("take 5", 1.2), ("rejected", 1.3)], "partial", True),
        ([("show", 1.0), ("take 5", 1.2), ("accept", 1.3)], "accepted", True),
        ([("accept", 0.2)], "accepted", True),
        ([("show", 1.0), ("tick", 700.0)], "expired", True),
    ],
)
def test_ends(steps: list[tuple[str, float]], end: str, read: bool) -> None:
    check(steps, end=end, read=read)


STEP = st.tuples(
    st.sampled_from(["answer", "show", "accept", "take", "rejected", "superseded", "tick"]),
    st.sampled_from("abc"),
)


@given(st.lists(STEP, max_size=40))
def test_exactly_one_end_each(steps: list[tuple[str, str]]) -> None:
    """Whatever order the editor tells things in, every produced completion ends once."""
    life = Life()
    known: set[str] = set()
    for now, (what, id_) in enumerate(steps):
        if what == "answer":
            life.completions.answer(answered(id_), now)
            known.add(id_)
        elif what == "show":
            life.completions.show(id_, "rendered", now)
        elif what == "accept":
            life.completions.accept(id_, "file", 0, now)
        elif what == "take":
            life.completions.take_part(id_, 3, now)
        elif what == "tick":
            life.completions.tick(now, lambda _: TEXT)
        else:
            life.completions.dismiss(id_, what, None, now)
    life.completions.close(1e6)
    assert len(life.ends()) == len(known)


def test_what_produced_nothing_has_no_end() -> None:
    life = Life()
    for outcome in ("empty", "canceled", "timeout", "failed", "filtered"):
        life.completions.answer(answered(outcome, outcome), 0.0)
    life.completions.close(1.0)
    assert life.ends() == []


def test_survival_is_recorded_at_four_times_and_for_apis_once() -> None:
    life = Life()
    life.completions.answer(answered("c"), 0.0)
    life.completions.accept("c", "file", 0, 0.0)
    for now in range(0, 700, 5):
        life.completions.tick(float(now), lambda _: TEXT)
    survived = [values for name, values in life.events if name == "completion.survived"]
    assert [values["at"] for values in survived] == ["30", "120", "300", "600"]
    assert {values["kept"] for values in survived} == {">=100"}
    apis = [values for name, values in life.events if name == "completion.api_survived"]
    assert [values["state"] for values in apis] == ["kept"]


SEND = ApiUse("acme", "acme.Client.send", deprecated=False)
CLOSE = ApiUse("acme", "acme.Client.close", deprecated=True)


@pytest.mark.parametrize(
    ("end", "now", "read"),
    [("accept", 0.2, True), ("rejected", 2.0, True), ("rejected", 0.2, False)],
)
def test_what_is_found_after_the_end_counts_with_it(end: str, now: float, read: bool) -> None:
    life = Life()
    life.completions.answer(answered("c"), 0.0)
    assert life.completions.is_read("c")
    life.completions.show("c", "rendered", 0.0)
    if end == "accept":
        life.completions.accept("c", "file", 0, now)
    else:
        life.completions.dismiss("c", end, None, now)
    assert life.completions.is_read("c") == read
    for _ in range(2):
        life.completions.name_apis("c", (SEND, CLOSE))
    used = [values for name, values in life.events if name == "completion.api_used"]
    word = "accepted" if end == "accept" else end
    assert [(each["symbol"], each["end"], each["read"], each["deprecated"]) for each in used] == [
        ("acme.Client.send", word, read, False),
        ("acme.Client.close", word, read, True),
    ]
    life.completions.tick(301.0, lambda _: TEXT)
    survived = [v["symbol"] for name, v in life.events if name == "completion.api_survived"]
    assert survived == (["acme.Client.send", "acme.Client.close"] if end == "accept" else [])


def test_what_is_found_before_the_end_is_recorded_with_it() -> None:
    life = Life()
    life.completions.answer(answered("c"), 0.0)
    life.completions.name_apis("c", (CLOSE, SEND))
    assert "completion.api_used" not in {name for name, _ in life.events}
    life.completions.accept("c", "file", 0, 1.0)
    used = [values["symbol"] for name, values in life.events if name == "completion.api_used"]
    assert used == ["acme.Client.send", "acme.Client.close"]


def test_what_was_forgotten_is_found_in_vain() -> None:
    life = Life()
    life.completions.answer(answered("c"), 0.0)
    life.completions.accept("c", "file", 0, 1.0)
    life.completions.forget()
    before = list(life.events)
    life.completions.name_apis("c", (CLOSE,))
    assert (life.events, life.completions.is_read("c")) == (before, False)


def test_sample_is_watched() -> None:
    life = Life()
    life.completions.insert_sample("acme", "acme.quickstart", "file", 0, TEXT, 0.0)
    life.completions.edit("file", 0, len(TEXT), 0)
    life.completions.tick(301.0, lambda _: "")
    assert [name for name, _ in life.events] == ["sample.inserted", "sample.survived"]
    assert life.events[1][1]["state"] == "removed"


def test_shown_again_is_the_same_completion() -> None:
    life = Life()
    life.completions.answer(answered("c"), 0.0)
    life.completions.show("c", "rendered", 0.0)
    life.completions.answer(answered("c"), 1.0)
    life.completions.dismiss("c", "rejected", None, 2.0)
    assert [(end["end"], end["read"]) for end in life.ends()] == [("rejected", True)]
    assert life.impossible == 0


def test_accepted_where_it_cannot_be_found() -> None:
    life = Life()
    life.completions.answer(answered("c"), 0.0)
    life.completions.accept("c", "file", None, 1.0)
    life.completions.tick(1000.0, lambda _: TEXT)
    assert [end["end"] for end in life.ends()] == ["accepted"]
    assert "completion.survived" not in {name for name, _ in life.events}


def test_ending_what_is_not_open_is_counted() -> None:
    life = Life()
    life.completions.accept("unknown", "file", 0, 0.0)
    life.completions.dismiss("unknown", "rejected", 10, 0.0)
    assert (life.impossible, life.events) == (2, [])
