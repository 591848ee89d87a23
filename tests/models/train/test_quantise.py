"""One model at several sizes: what the files hold, what was measured of them, which is picked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from linewise_models.errors import DatasetError, TrainError
from linewise_models.evaluate.perplexity import Total
from linewise_models.evaluate.telling import Asked, foretell
from linewise_models.train.quantise import Row, pick, quantise

ROW = Row("F16", {"F16": 1.0}, Path("x.gguf"), 1, 100.0, 50.0, 4.0, 0.5, 10)


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        # (perplexity, prompt tokens/s, generated tokens/s)
        ([(4.0, 100, 50), (4.03, 100, 60), (4.2, 100, 90)], 1),
        ([(4.0, 100, 50), (4.04, 100, 60)], 1),
        ([(4.0, 100, 50), (4.05, 100, 60)], 0),
        ([(4.03, 100, 60), (4.0, 100, 50)], 0),
        # A request evaluates twice as many tokens as it generates.
        ([(4.0, 100, 50), (4.0, 50, 60)], 0),
    ],
)
def test_the_fastest_that_is_as_good_as_the_best(
    rows: list[tuple[float, float, float]], best: int
) -> None:
    made = [
        replace(ROW, type=str(n), perplexity=row[0], prompt_speed=row[1], generation_speed=row[2])
        for n, row in enumerate(rows)
    ]
    assert pick(made).type == str(best)


def test_the_table_says_what_a_file_really_holds(
    tiny_model: Path, dataset: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    types = ["Q4_K_M", "Q6_K", "Q4_0"]
    rows = {r.type: r for r in quantise(tiny_model, tmp_path, types, dataset, 5, told.append)}
    assert told == [f"{kind}: {work}" for kind in types for work in ("quantising", "measuring")]
    # Rows of 32 and 64 weights are no multiple of 256, so llama.cpp cannot use its K types.
    assert set(rows["Q4_K_M"].holds) == {"Q5_0", "Q8_0", "F32"}
    assert set(rows["Q6_K"].holds) == {"Q8_0", "F32"}
    assert "Q4_0" in rows["Q4_0"].holds
    for row in rows.values():
        assert row.path.stat().st_size == row.size
        assert sum(row.holds.values()) == pytest.approx(1)
        with foretell(Asked(row.path, dataset, limit=5)) as (_, every):
            total = Total.of(one for one in every if one.task == "middle")
        # One arithmetic: what the table says is what an evaluation says of the same examples.
        assert row.examples == 5
        assert row.perplexity == pytest.approx(total.perplexity)
        assert row.exact == total.exact / 5


def test_what_is_wrong_is_said_before_the_work(
    tiny_model: Path, dataset: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    with pytest.raises(DatasetError, match="There is no dataset"):
        list(quantise(tiny_model, tmp_path, ["Q8_0"], tmp_path / "gone", 5, told.append))
    assert told == []
    other = tmp_path / "other.gguf"
    other.write_bytes(b"no model")
    with pytest.raises(TrainError, match="could not quantise"):
        list(quantise(other, tmp_path, ["Q8_0"], dataset, 5, told.append))
    assert [file.name for file in tmp_path.glob("*.gguf")] == ["other.gguf"]
