"""No figure that rests on few people can be seen, nor had by subtracting figures that can."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from linewise_telemetry.collector import tables

MONDAY = date(2026, 11, 16)
HORIZON = MONDAY + timedelta(days=7)
LEAST_INSTALLS, LEAST_EVENTS = 5, 20

# (value, install) -> events: few values and installs, so that small and lopsided cells are common.
CELLS = st.dictionaries(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 11)), st.integers(1, 60), max_size=60
)


def fill(engine: Engine, cells: dict[tuple[str, int], int], metric: str = "acceptance") -> None:
    totals: Counter[int] = Counter()
    rows = []
    for (value, install), n in cells.items():
        totals[install] += n
        rows.append(("lang", value, install, n))
    rows += [("", "", install, n) for install, n in totals.items()]
    with engine.begin() as connection:
        connection.execute(delete(tables.tally))
        connection.execute(delete(tables.publication))
        connection.execute(tables.publication.insert().values(id=1, horizon=HORIZON))
        if rows:
            connection.execute(
                tables.tally.insert(),
                [
                    {
                        "project": "p", "week": MONDAY, "metric": metric, "split": split,
                        "value": value, "contributor": f"{install:032x}", "num": n // 2, "den": n,
                    }
                    for split, value, install, n in rows
                ],
            )  # fmt: skip


def visible(engine: Engine) -> dict[tuple[str, str], int]:
    with engine.connect() as connection:
        rows = connection.execute(select(tables.published)).all()
    return {(row.split, row.value): row.den for row in rows}


def may_be_known(parts: Counter[int]) -> bool:
    """Whether a sum to which each install gives so much may be known."""
    total = sum(parts.values())
    if total == 0:
        return True
    enough = len(parts) >= LEAST_INSTALLS and total >= LEAST_EVENTS
    return enough and 2 * max(parts.values()) <= total


@given(CELLS)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_small_is_visible_or_derivable(
    engine: Engine, cells: dict[tuple[str, int], int]
) -> None:
    fill(engine, cells)
    seen = visible(engine)
    parts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    total: Counter[int] = Counter()
    for (value, install), n in cells.items():
        parts[value][install] += n
        total[install] += n
    shown = {value for split, value in seen if split == "lang"}
    for value in shown:
        assert may_be_known(parts[value])
        assert seen["lang", value] == sum(parts[value].values())
    if ("", "") in seen:
        assert may_be_known(total)
        rest: Counter[int] = Counter()
        for value in parts.keys() - shown:
            rest += parts[value]
        assert may_be_known(rest), "the total less the visible cells says too much"


def test_plentiful_cells_are_visible(engine: Engine) -> None:
    """The rule hides what it must, and no more where nothing is small."""
    fill(engine, {(value, install): 10 for value in "abc" for install in range(6)})
    assert visible(engine) == {
        ("", ""): 180,
        ("lang", "a"): 60,
        ("lang", "b"): 60,
        ("lang", "c"): 60,
    }


def test_one_small_cell_takes_one_other_with_it(engine: Engine) -> None:
    cells = {
        (value, install): 10 * (1 + "abc".index(value)) for value in "abc" for install in range(8)
    }
    fill(engine, cells | {("d", 0): 3})
    assert set(visible(engine)) == {("", ""), ("lang", "b"), ("lang", "c")}
    with engine.connect() as connection:
        (row,) = connection.execute(select(tables.withheld)).all()
    assert (row.split, row.cells) == ("lang", 2)


def test_running_week_is_not_visible(engine: Engine) -> None:
    fill(engine, {("a", install): 10 for install in range(8)})
    with engine.begin() as connection:
        connection.execute(tables.publication.update().values(horizon=MONDAY))
    assert visible(engine) == {}


def test_installs_need_only_be_five(engine: Engine) -> None:
    fill(engine, {("a", install): 1 for install in range(5)}, metric="active")
    assert visible(engine) == {("", ""): 5, ("lang", "a"): 5}
    fill(engine, {("a", install): 1 for install in range(4)}, metric="active")
    assert visible(engine) == {}
