"""Which samples are shown for what stands near the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest

from linewise_server.apidocs.samples import samples_in_use
from linewise_server.apidocs.source import Source, Span
from linewise_telemetry.catalogue.holding import Held, Holding
from tests.catalogues import document, subscribe

SYMBOLS = ("toy.Box", "toy.Box.open", "toy.plain")


@pytest.fixture
async def held(tmp_path: Path) -> Held:
    samples = [
        {"id": "box", "title": "A box", "symbols": ["toy.Box"], "code": "toy.Box()"},
        {"id": "open", "title": "Open", "symbols": ["toy.Box", "toy.Box.open"], "code": "x()"},
    ]
    content = document("toy", SYMBOLS, samples=samples)
    return Holding(await subscribe(tmp_path / "catalogues", content)).current()


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("import toy\n├x = toy.Box(┤", "python", ["box", "open"]),
        ("from toy import Box as B\n├B┤", "python", ["box", "open"]),
        ("import toy\n├toy.Box.open(); toy.plain()┤", "python", ["open"]),
        # The last used comes first, and each sample once.
        ("import toy\n├toy.Box()\ntoy.Box.open()┤", "python", ["open", "box"]),
        ("import toy\ntoy.Box()\n├x = 1┤", "python", []),
        ("├Box()┤", "python", []),
        ("import toy\n├toy.Box()┤", "go", []),
    ],
)
def test_what_is_used_within_shows_its_samples(
    held: Held, text: str, language: str, expected: list[str]
) -> None:
    before, rest = text.split("├")
    inside, after = rest.split("┤")
    within = Span(len(before), len(before) + len(inside))
    found = samples_in_use(held, Source(before + inside + after, language), within)
    assert [sample.id for _, sample in found] == expected
