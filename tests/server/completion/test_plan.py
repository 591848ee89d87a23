"""Prompts: stable first, the typed text last, and a small window until the whole one is warm."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from linewise_models.engine.contract import FimOrder, Finish
from linewise_server.completion.budget import Sizes
from linewise_server.completion.held import Held
from linewise_server.completion.plan import CHARACTERS_PER_TOKEN, NEAR, Plan, Planner
from linewise_server.snapshot import Snapshot

SIZES = Sizes(cold=10_000, prefix=400, suffix=100, output=20, deadline_ms=300)
EVALUATED = Finish("length", 400, 400, 0, 0, "", 0.0, 0.0)
LINES = [f"value_{number} = {number}\n" for number in range(200)]


def snapshot(lines: list[str]) -> Snapshot:
    return Snapshot("file:///a.py", "python", 1, tuple(lines))


def parts(plan: Plan) -> list[str]:
    return [part.mark or part.name for part in plan.parts]


@pytest.mark.parametrize(
    ("fim", "order"),
    [
        ("none", ["lines", "line"]),
        ("psm", ["prefix", "lines", "suffix", "suffix", "middle", "line"]),
        ("spm", ["suffix", "suffix", "prefix", "lines", "line"]),
    ],
)
def test_the_typed_line_comes_last(fim: FimOrder, order: list[str]) -> None:
    plan = Planner(fim, Held()).plan(snapshot(LINES), 50, 5, SIZES)
    assert parts(plan) == order
    assert plan.parts[-1].text == LINES[50][:5]
    assert [part.stable for part in plan.parts] == [True] * (len(order) - 1) + [False]


def test_what_other_files_say_takes_room_from_the_lines() -> None:
    planner = Planner("spm", Held())
    assert planner.take_in("file:///a.py", "# other.py\n" * 20)
    assert not planner.take_in("file:///a.py", "# other.py\n" * 20)
    plan = planner.plan(snapshot(LINES), 150, 5, SIZES)
    assert parts(plan) == ["suffix", "suffix", "prefix", "context", "lines", "line"]
    before = sum(len(p.text) for p in plan.parts if p.name in ("context", "lines", "line"))
    assert before <= CHARACTERS_PER_TOKEN * SIZES.prefix
    assert planner.room(SIZES) < SIZES.prefix


@pytest.mark.parametrize("fim", ["none", "psm", "spm"])
def test_a_key_changes_nothing_but_the_end(fim: FimOrder) -> None:
    planner = Planner(fim, Held())
    lines = list(LINES)
    texts = []
    for typed in ("r", "re", "res", "resu"):
        lines[50] = typed + "\n"
        texts.append(planner.plan(snapshot(lines), 50, len(typed), SIZES).text)
    assert all(after.startswith(before) for before, after in pairwise(texts))


@pytest.mark.parametrize("closers", [")", "])", '")', ""])
def test_brackets_that_the_editor_closes_leave_the_suffix_alone(closers: str) -> None:
    planner = Planner("spm", Held())
    lines = list(LINES)
    lines[50] = "print(\n"
    before = planner.plan(snapshot(lines), 50, 6, SIZES)
    lines[50] = f"print({closers}\n"
    assert planner.plan(snapshot(lines), 50, 6, SIZES).text == before.text


def test_the_window_moves_seldom() -> None:
    planner = Planner("none", Held())
    firsts = [planner.plan(snapshot(LINES), line, 0, SIZES).first_line for line in range(200)]
    assert len(set(firsts)) <= 8
    assert firsts == sorted(firsts)


def test_the_window_follows_a_jump_upwards() -> None:
    planner = Planner("none", Held())
    planner.plan(snapshot(LINES), 150, 0, SIZES)
    assert planner.plan(snapshot(LINES), 3, 0, SIZES).first_line == 0


def test_the_prompt_keeps_within_its_size() -> None:
    planner = Planner("spm", Held())
    for line in range(200):
        text = planner.plan(snapshot(LINES), line, 0, SIZES).text
        assert len(text) < (SIZES.prefix + SIZES.suffix) * 3 + 60


def test_a_cold_window_is_small_and_the_whole_one_is_to_be_warmed() -> None:
    held = Held()
    planner = Planner("none", held)
    cold = replace(SIZES, cold=20)
    first = planner.plan(snapshot(LINES), 50, 0, cold)
    assert first.session.endswith(NEAR)
    assert len(first.text) <= 20 * 3
    assert first.warm is not None
    held.ended(first.warm.session, first.warm.text, EVALUATED)
    second = planner.plan(snapshot(LINES), 50, 4, cold)
    assert second.session == "file:///a.py"
    assert second.warm is None


def test_the_small_window_stays_put_too() -> None:
    planner = Planner("none", Held())
    cold = replace(SIZES, cold=30)
    firsts = {planner.plan(snapshot(LINES), 50 + step, 0, cold).first_line for step in range(5)}
    assert len(firsts) <= 2


def test_an_edit_above_is_seen_as_cold() -> None:
    held = Held()
    planner = Planner("none", held)
    cold = replace(SIZES, cold=20)
    plan = planner.plan(snapshot(LINES), 50, 0, cold)
    assert plan.warm is not None
    held.ended(plan.warm.session, plan.warm.text, EVALUATED)
    lines = list(LINES)
    lines[plan.warm.first_line] = "# changed\n"
    assert planner.plan(snapshot(lines), 50, 0, cold).session.endswith(NEAR)


def test_a_closed_document_is_forgotten() -> None:
    planner = Planner("none", Held())
    plan = planner.plan(snapshot(LINES), 150, 0, SIZES)
    planner.forget("file:///a.py")
    assert planner.plan(snapshot(LINES), 10, 0, SIZES).first_line < plan.first_line


@pytest.mark.parametrize("lines", [[""], ["\n", ""], ["x" * 100_000 + "\n", ""]])
def test_odd_documents_are_planned(lines: list[str]) -> None:
    for fim in ("none", "psm", "spm"):
        Planner(fim, Held()).plan(snapshot(lines), 0, 0, SIZES)
