"""What models do on this machine: measured figures first, estimates that follow from them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from linewise_models.home import Home
from linewise_models.index import Entry, FileSource, Licence, load_index
from linewise_models.measured import Measurement, Measurements
from linewise_models.prospects import Prospect, Speed, estimate, prospect, survey
from linewise_models.store import Store


def entry(name: str, size: int, parameters: int | None = None, **changes: Any) -> Entry:
    made = Entry(
        name=name,
        title=name,
        summary=f"Of {size}.",
        tasks=("completion",),
        source=FileSource(Path(f"/{name}.gguf")),
        sha256=None,
        size=size,
        download=size,
        licence=Licence("MIT", "", True),
        context=2048,
        fim=None,
        parameters=parameters,
    )
    return dataclasses.replace(made, **changes)


def measurement(size: int, prompt: float, generation: float, **changes: Any) -> Measurement:
    made = Measurement(
        how="load",
        model="/m.gguf",
        size=size,
        modified=1,
        day="2026-11-01",
        backend="cpu",
        threads=2,
        prompt_speed=prompt,
        generation_speed=generation,
        load_ms=100.0,
        memory=None,
        fim="psm",
        context=2048,
    )
    return dataclasses.replace(made, **changes)


SMALL, LARGE = entry("small", 100, 80), entry("large", 1000, 900)


@pytest.mark.parametrize(
    ("wanted", "measured", "prompt", "generation", "origin"),
    [
        # Ten times the bytes: a tenth of the tokens; 11.25 times the weights, so of the prompt.
        (LARGE, [(SMALL, measurement(100, 90.0, 50.0))], 8.0, 5.0, "small"),
        (SMALL, [(LARGE, measurement(1000, 8.0, 5.0))], 90.0, 50.0, "large"),
        # The nearest in size is taken, in ratio and not in bytes.
        (
            entry("middle", 400, 400),
            [(SMALL, measurement(100, 1.0, 1.0)), (LARGE, measurement(1000, 8.0, 5.0))],
            18.0,
            12.5,
            "large",
        ),
        # Nobody knows the weights: a byte is taken for one.
        (entry("mine", 160), [(SMALL, measurement(100, 90.0, 50.0))], 45.0, 31.25, "small"),
        # Nothing was measured: the machine of the README, at its own model.
        (entry("s", 98_362_432, 134_515_008), [], 236.0, 68.2, None),
    ],
)
def test_an_estimate_follows_from_the_bytes_and_weights_to_be_read(
    wanted: Entry,
    measured: list[tuple[Entry, Measurement]],
    prompt: float,
    generation: float,
    origin: str | None,
) -> None:
    found = estimate(wanted, measured)
    assert found is not None
    assert (found.how, found.origin) == ("estimate", origin)
    assert found.prompt == pytest.approx(prompt)
    assert found.generation == pytest.approx(generation)
    assert (origin or "a slow machine") in str(found)


def test_of_a_model_of_unknown_size_nothing_is_said() -> None:
    assert estimate(entry("far", 0), []) is None


@pytest.mark.parametrize(
    ("figures", "speed", "memory", "known"),
    [
        (measurement(100, 9.0, 5.0), Speed(9.0, 5.0, "load"), SMALL.memory, False),
        (measurement(100, 9.0, 5.0, how="bench", memory=7), Speed(9.0, 5.0, "bench"), 7, True),
    ],
)
def test_what_was_measured_is_not_estimated(
    figures: Measurement, speed: Speed, memory: int, known: bool
) -> None:
    assert prospect(SMALL, True, [(SMALL, figures)]) == Prospect(
        SMALL, True, speed, memory, known, "psm"
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    return path


def of_file(model: Path, **changes: Any) -> Measurement:
    stat = model.stat()
    facts = {"modified": stat.st_mtime_ns, "model": str(model)}
    return measurement(stat.st_size, 9.0, 5.0, **facts | changes)


def test_a_bench_is_kept_and_wins_over_later_loads(tmp_path: Path, model: Path) -> None:
    kept = Measurements(tmp_path / "measured")
    assert kept.of(model) is None
    load, bench = of_file(model), of_file(model, how="bench", memory=3)
    kept.note(load, model)
    assert kept.of(model) == load
    kept.note(bench, model)
    kept.note(load, model)
    assert kept.of(model) == bench
    kept.forget(model)
    assert kept.of(model) is None
    assert list(kept.directory.iterdir()) == []


@pytest.mark.parametrize("change", ["other bytes", "other time", "damaged", "gone"])
def test_figures_of_what_is_no_longer_there_count_for_nothing(
    tmp_path: Path, model: Path, change: str
) -> None:
    kept = Measurements(tmp_path / "measured")
    kept.note(of_file(model), model)
    stat = model.stat()
    match change:
        case "other bytes":
            model.write_bytes(b"GGUF of another size")
            os.utime(model, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        case "other time":
            os.utime(model, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
        case "damaged":
            next(kept.directory.iterdir()).write_text('{"how": "load"}')
        case "gone":
            model.unlink()
    assert kept.of(model) is None


def test_a_survey_joins_index_store_and_measurements(linewise_home: Path) -> None:
    index = load_index()
    store = Store(Home(linewise_home), os.environ)
    default = index.find(index.default)
    path = store.path(default)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF")
    receipt = {
        "source": str(default.source),
        "revision": "1",
        "sha256": hashlib.sha256(b"GGUF").hexdigest(),
        "size": 4,
    }
    path.with_suffix(".json").write_text(json.dumps(receipt))
    kept = Measurements(store.home.measured)
    kept.note(of_file(path, how="bench", memory=123), path)

    found = survey(store, kept, index)
    assert [one.entry.name for one in found] == index.names()
    (mine,) = (one for one in found if one.entry == default)
    others = [one for one in found if one is not mine]
    assert (mine.installed, mine.memory, mine.fim) == (True, 123, default.fim)
    assert mine.speed == Speed(9.0, 5.0, "bench")
    for one in others:
        assert not one.installed
        assert one.speed is not None
        assert (one.speed.how, one.speed.origin) == ("estimate", default.name)
        assert one.speed.generation < 5.0
