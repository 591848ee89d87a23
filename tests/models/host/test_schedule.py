"""Who is served next."""

from __future__ import annotations

import pytest

from linewise_models.engine.contract import Part, Request, Urgency
from linewise_models.host.schedule import Job, Schedule

URGENCIES = {"i": Urgency.INVOKED, "a": Urgency.AUTOMATIC, "z": Urgency.IDLE}


def job(spec: str, number: int) -> Job:
    """Return a job such as `1a`: window 1, automatic."""
    request = Request("s", (Part("t", "x"),), 1, urgency=URGENCIES[spec[1]])
    return Job(int(spec[0]), number, request)


@pytest.mark.parametrize(
    ("arrivals", "served"),
    [
        ("1a", "1a"),
        ("1a 1i", "1i"),
        ("1i 1a", "1i 1a"),
        ("1a 2a 2i", "2i 1a"),
        ("1z 2a", "2a 1z"),
        ("1a 1a 1a 2a", "1a 2a"),
        ("1z 1z 2z", "1z 2z"),
        ("1i 1i", "1i 1i"),
        ("1a 1z", "1a 1z"),
    ],
    ids=lambda value: str(value),
)
def test_order(arrivals: str, served: str) -> None:
    dropped: list[Job] = []
    schedule = Schedule(dropped.append)
    jobs = [job(spec, number) for number, spec in enumerate(arrivals.split())]
    for each in jobs:
        schedule.add(each)
    order = []
    while (found := schedule.next(0)) is not None:
        order.append(f"{found.window}{'iaz'[list(URGENCIES.values()).index(found.urgency)]}")
    assert " ".join(order) == served
    assert len(order) + len(dropped) == len(jobs)
    assert all(each.superseded for each in dropped)


def test_of_one_window_the_newest_automatic_request_is_served() -> None:
    schedule = Schedule(lambda dropped: None)
    for number in range(3):
        schedule.add(job("1a", number))
    found = schedule.next(0)
    assert found is not None
    assert found.id == 2


def test_windows_take_turns() -> None:
    schedule = Schedule(lambda dropped: None)
    served = []
    for round_ in range(3):
        schedule.add(job("1a", round_))
        schedule.add(job("2a", round_))
        found = schedule.next(0)
        assert found is not None
        served.append(found.window)
    assert served == [1, 2, 1]


@pytest.mark.parametrize(
    ("running", "newer", "ended"),
    [("1a", "1a", True), ("1a", "2a", False), ("1z", "2a", True), ("1i", "1a", False),
     ("1i", "1i", False), ("1a", "1z", False), ("1z", "1z", True)],
)  # fmt: skip
def test_a_newer_request_ends_the_one_that_runs(running: str, newer: str, ended: bool) -> None:
    schedule = Schedule(lambda dropped: None)
    first = job(running, 1)
    schedule.add(first)
    assert schedule.next(0) is first
    schedule.add(job(newer, 2))
    assert first.cancelled is first.superseded is ended


def test_a_question_disturbs_nobody() -> None:
    schedule = Schedule(lambda dropped: None)
    idle, waiting = job("1z", 1), job("1a", 2)
    schedule.add(idle)
    schedule.next(0)
    schedule.add(Job(1, 3, lambda engine: {}))
    assert not idle.cancelled
    schedule.add(waiting)
    schedule.add(Job(1, 4, lambda engine: {}))
    assert not waiting.cancelled


def test_cancelling_reaches_waiting_and_running_jobs() -> None:
    dropped: list[Job] = []
    schedule = Schedule(dropped.append)
    running, waiting, other = job("1i", 1), job("1i", 2), job("2i", 3)
    for each in (running, waiting, other):
        schedule.add(each)
    assert schedule.next(0) is running
    schedule.cancel(1)
    assert running.cancelled
    assert dropped == [waiting]
    assert schedule.next(0) is other


def test_what_waits_keeps_a_schedule_from_retiring() -> None:
    dropped: list[Job] = []
    schedule = Schedule(dropped.append)
    first, late = job("1a", 1), job("1a", 2)
    schedule.add(first)
    assert not schedule.retire()
    assert schedule.next(timeout=0) is first
    assert schedule.retire()
    schedule.add(late)
    assert schedule.next(timeout=0) is None
    assert dropped == []
