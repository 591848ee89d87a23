"""No figure that rests on few people can be seen, nor had by subtracting figures that can."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from linewise_telemetry.collector import tables
from linewise_telemetry.collector.intake import Accepted, first_open_week
from linewise_telemetry.collector.store import EventStore, contributor, now_utc
from linewise_telemetry.events import Wire
from linewise_telemetry.figures import is_share
from tests.telemetry.site import WHO, batch, lookup, make_site
from tests.telemetry.world import REGISTRY, START

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from linewise_telemetry.events import Metric

NOW = now_utc(START)
MONDAY = first_open_week(NOW)
CLOSED = NOW + timedelta(days=7)
LEAST_INSTALLS, LEAST_EVENTS = 5, 20
SYMBOLS = ("acme.a", "acme.b", "acme.c", "acme.old")
# Event -> the values that its fields take here: few, so that small and lopsided cells are common.
WORLDS: dict[str, dict[str, tuple[Wire, ...]]] = {
    "completion.ended": {
        "lang": ("go", "python", "rust"), "read": (True,), "end": ("accepted", "rejected"),
        "chars": ("<16", "<64"),
    },
    "completion.answered": {
        "lang": ("go", "python"), "outcome": ("produced", "failed", "canceled"),
        "total_ms": ("<10", "<50", "<100"),
    },
    "completion.api_used": {
        "catalogue": ("acme",), "symbol": SYMBOLS, "end": ("accepted", "rejected"),
        "read": (True, False), "deprecated": (True, False),
    },
    "docs.shown": {
        "catalogue": ("acme",), "symbol": SYMBOLS, "surface": ("hover", "link"),
        "answered": (True, False),
    },
    "docs.rated": {
        "catalogue": ("acme",), "symbol": SYMBOLS[:3], "helped": (True, False),
        "reason": ("wrong", "unclear", "none"),
    },
    "deprecation.met": {
        "catalogue": ("acme",), "symbol": SYMBOLS, "act": ("seen", "fixed"),
    },
    "announcement.met": {
        "catalogue": ("acme",), "symbol": SYMBOLS[:3],
        "act": ("delivered", "opened", "muted"),
    },
}  # fmt: skip

Case = tuple[Wire, ...]
Happened = dict[tuple[Case, int], int]
"""(values of the fields, install) -> how often."""


def cases(name: str) -> list[Case]:
    """Everything that an event can say; whether a symbol is deprecated follows from its name."""
    world = WORLDS[name]
    found = []
    for case in product(*world.values()):
        said = dict(zip(world, case, strict=True))
        if said.get("deprecated", said.get("symbol") == "acme.old") == (
            said.get("symbol") == "acme.old"
        ):
            found.append(case)
    return found


@st.composite
def histories(draw: st.DrawFn) -> tuple[str, Happened]:
    name = draw(st.sampled_from(sorted(WORLDS)))
    case = st.sampled_from(cases(name))
    happened = st.dictionaries(st.tuples(case, st.integers(0, 9)), st.integers(1, 40), max_size=90)
    return name, draw(happened)


def shared_denominators() -> tuple[str, Happened]:
    """Two figures of one event: each alone would hide another symbol beside the small one."""

    def used(symbol: str, end: str) -> Case:
        return ("acme", symbol, end, True, symbol == "acme.old")

    happened = {(used("acme.a", "accepted"), 0): 3}
    happened |= {(used("acme.b", "accepted"), install): 10 for install in range(8)}
    happened |= {(used("acme.old", "rejected"), install): 10 for install in range(8)}
    happened |= {(used("acme.b", "rejected"), 0): 1, (used("acme.old", "accepted"), 0): 1}
    for end in ("accepted", "rejected"):
        happened |= {(used("acme.c", end), install): 2 for install in range(8)}
    return "completion.api_used", happened


def fill(engine: Engine, name: str, happened: Happened) -> EventStore:
    """Let installs send what happened to them, in a database without anything else."""
    with engine.begin() as connection:
        for table in (tables.event, tables.tally, tables.figure, tables.silence):
            connection.execute(delete(table))
    store = EventStore(engine, REGISTRY, publish_open_week=False)
    fields = list(WORLDS[name])

    def event(id_: str, case: Case, n: int) -> Accepted:
        return Accepted(id_, name, MONDAY, n, dict(zip(fields, case, strict=True)), "")

    for install in sorted({install for _, install in happened}):
        mine = [(case, n) for (case, who), n in happened.items() if who == install]
        events = [event(f"{install:08x}{i:024x}", *happening) for i, happening in enumerate(mine)]
        store.add("p", f"{install:032x}", events)
    return store


def published(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return sorted(map(tuple, connection.execute(select(tables.published)).all()))


def may_be_known(parts: Counter[int], least: int) -> bool:
    """Whether a sum to which each install gives so much may be known."""
    total = sum(parts.values())
    if total == 0:
        return True
    enough = len(parts) >= LEAST_INSTALLS and total >= least
    return enough and 2 * max(parts.values()) <= total


def sums(
    metric: Metric, split: str, values: Iterable[str], said: Sequence[Mapping[str, Wire]]
) -> Iterator[tuple[np.ndarray, int]]:
    """What a figure's denominator, numerator and rest are made of, and their least events."""
    wanted = set(values)
    here = [not split or str(one[split]).lower() in wanted for one in said]
    of = [metric.of.matches(one) and ok for one, ok in zip(said, here, strict=True)]
    counted = [metric.counts.matches(one) and ok for one, ok in zip(said, of, strict=True)]
    rest = [ok and not hit for ok, hit in zip(of, counted, strict=True)]
    for made_of, least in ((of, LEAST_EVENTS), (counted, 1), (rest, 1)):
        yield np.array(made_of, dtype=float), least


@example(shared_denominators())
@given(histories())
@settings(
    max_examples=150,
    deadline=None,
    # A failure is not made smaller: each try is a database's week.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_nothing_small_is_visible_or_derivable(
    engine: Engine, history: tuple[str, Happened]
) -> None:
    """What is published are equations for how often each case occurred; none may tell too much.

    Every numerator, denominator and rest of every set of values of every split, and the difference
    of any two figures of the event, is asked for: does it follow from the equations?
    """
    name, happened = history
    fill(engine, name, happened).sweep(CLOSED)
    said = [dict(zip(WORLDS[name], case, strict=True)) for case in cases(name)]
    per_case = [
        Counter({who: n for (at, who), n in happened.items() if at == case}) for case in cases(name)
    ]
    known = []
    for _, _, metric, split, value, num, den, installs in published(engine):
        of, counted, _ = (made_of for made_of, _ in sums(
            REGISTRY.metrics[metric], split, [value], said))  # fmt: skip
        for made_of, number in ((of, den), (counted, num)):
            assert number == sum(sum(per_case[i].values()) for i in np.flatnonzero(made_of))
            known.append(made_of)
        assert installs % 5 == 0
    equations = np.array(known).T if known else np.zeros((len(said), 0))

    asked: list[tuple[np.ndarray, int]] = []
    for metric in REGISTRY.metrics_of[name]:
        asked += sums(metric, "", [""], said)
        for split in metric.by:
            values = sorted({str(one[split]).lower() for one in said})
            for chosen in chain.from_iterable(
                combinations(values, size) for size in range(1, len(values) + 1)
            ):
                asked += sums(metric, split, chosen, said)
    totals = [made_of for made_of, _ in asked]
    asked += [(one - other, 1) for one, other in combinations(totals, 2) if (one >= other).all()]
    asked += [(other - one, 1) for one, other in combinations(totals, 2) if (other >= one).all()]
    questions = np.unique(np.array([made_of for made_of, _ in asked]), axis=0)
    least = {made_of.tobytes(): n for made_of, n in reversed(asked)}
    if not known:
        return
    answers = np.linalg.lstsq(equations, questions.T, rcond=None)[0]
    derivable = np.abs(equations @ answers - questions.T).max(axis=0) < 1e-6
    for question in questions[derivable]:
        parts = sum((per_case[i] for i in np.flatnonzero(question)), Counter[int]())
        assert may_be_known(parts, least[question.tobytes()])


def shown(engine: Engine, metric: str = "acceptance") -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (split, value): (num, den)
        for _, _, name, split, value, num, den, _ in published(engine)
        if name == metric
    }


def ended(lang: str, installs: Iterable[int], n: int) -> Happened:
    return {
        ((lang, True, end, "<16"), install): n
        for install in installs
        for end in ("accepted", "rejected")
    }


def test_plentiful_cells_are_visible(engine: Engine) -> None:
    """The rule hides what it must, and no more where nothing is small."""
    happened = ended("go", range(6), 5) | ended("python", range(6), 5)
    fill(engine, "completion.ended", happened).sweep(CLOSED)
    assert shown(engine) == {
        ("", ""): (60, 120), ("chars", "<16"): (60, 120),
        ("lang", "go"): (30, 60), ("lang", "python"): (30, 60),
    }  # fmt: skip


def test_one_small_cell_takes_one_other_with_it(engine: Engine) -> None:
    happened = ended("go", range(8), 5) | ended("python", range(8), 10) | ended("rust", [0], 3)
    fill(engine, "completion.ended", happened).sweep(CLOSED)
    assert {value for split, value in shown(engine) if split == "lang"} == {"python"}
    with engine.connect() as connection:
        rows = connection.execute(select(tables.withheld)).all()
    assert [(row.split, row.cells) for row in rows] == [("lang", 2)]


def test_what_few_installs_did_is_hidden_also_as_a_numerator(engine: Engine) -> None:
    """One of forty accepted: the one is a person, and so is the difference to what was rejected."""
    happened: Happened = {(("go", True, "rejected", "<16"), install): 5 for install in range(8)}
    happened[("go", True, "accepted", "<16"), 0] = 1
    fill(engine, "completion.ended", happened).sweep(CLOSED)
    assert shown(engine) == {}


def test_nothing_at_all_is_a_figure(engine: Engine) -> None:
    happened: Happened = {(("go", True, "rejected", "<16"), install): 5 for install in range(8)}
    fill(engine, "completion.ended", happened).sweep(CLOSED)
    assert shown(engine)["", ""] == (0, 40)


@pytest.mark.parametrize(("installs", "seen"), [(4, []), (5, [5]), (9, [5]), (10, [10])])
def test_installs_are_shown_in_fives(engine: Engine, installs: int, seen: list[int]) -> None:
    fields = {"editor": "vscode", "os": "linux", "version": "0.1.0", "backend": "cpu"}
    store = fill(engine, "docs.shown", {})
    for install in range(installs):
        store.add("p", f"{install:032x}", [
            Accepted(f"{install:032x}", "session.started", MONDAY, 1, fields, "")
        ])  # fmt: skip
    store.sweep(CLOSED)
    assert [den for _, _, _, split, _, _, den, _ in published(engine) if not split] == seen


@pytest.mark.parametrize(
    ("after", "visible"), [(timedelta(days=0), False), (timedelta(days=7, hours=1), True)]
)
def test_week_is_visible_once_nothing_more_can_come(
    engine: Engine, after: timedelta, visible: bool
) -> None:
    ends = datetime.combine(MONDAY, datetime.min.time(), UTC) + timedelta(days=7)
    fill(engine, "completion.ended", ended("go", range(8), 5)).sweep(ends + after)
    assert bool(published(engine)) == visible


async def test_what_was_published_stays_as_it_was(engine: Engine) -> None:
    """Neither what comes late nor what is deleted can be told from two looks at one week."""
    site = make_site(engine)
    for install in range(8):
        who = f"{install:032x}"
        events = (lookup(10 * install + i, answered=i > 2) for i in range(6))
        assert (await site.post(batch(*events), who=who)).json()["verdicts"] == {}
    site.clock.move(14 * 86_400)
    site.collector.events.sweep(now_utc(site.clock.wall()))
    before = published(engine)
    assert before
    late = lookup(99)
    assert (await site.post(batch(late))).json()["verdicts"] == {late.id: "time"}
    site.collector.events.forget(contributor("acme", WHO), NOW.date())
    straggler = Accepted("f" * 32, "docs.shown", NOW.date(), 1, late.attributes, "")
    site.collector.events.add("acme", WHO, [straggler])
    site.collector.events.sweep(now_utc(site.clock.wall()))
    assert published(engine) == before
    assert site.count("tally") == 0


def test_every_event_with_shares_that_meet_is_tested() -> None:
    several = {
        name
        for name, metrics in REGISTRY.metrics_of.items()
        if len(metrics) > 1 or any(is_share(m) and len(m.by) > 1 and not m.weight for m in metrics)
    }
    assert several <= WORLDS.keys()
