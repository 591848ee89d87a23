"""What is told of docs in use: the catalogue's own names, and never a name of the user's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from linewise_server.apidocs.link import Link, Reason, Resolution
from linewise_server.apidocs.source import Source, Span
from linewise_server.apidocs.usage import Usage
from linewise_telemetry.catalogue.holding import Holding
from linewise_telemetry.catalogue.shelf import Shelf
from linewise_telemetry.client.completions import ApiUse
from linewise_telemetry.events import load
from tests.catalogues import document, subscribe

EVENTS = load().events
SYMBOLS = ("toy", "toy.Box", "toy.Box.open", "toy.old")


@dataclass
class Told:
    """A recorder that takes what the registry allows, and says it in one line each."""

    lines: list[str] = field(default_factory=list)

    def record(self, name: str, **values: object) -> None:
        encoded = EVENTS[name].encode(values)
        assert encoded.pop("catalogue") == "toy"
        self.lines.append(" ".join([name, *map(str, encoded.values())]))


Tell = Callable[[Callable[[Usage], None]], list[str]]


@pytest_asyncio.fixture
async def holding(tmp_path: Path) -> Holding:
    content = document(
        "toy",
        SYMBOLS,
        deprecations=[{"symbol": "toy.old", "since": "1.0"}],
        samples=[{"id": "box", "title": "A box", "symbols": ["toy.Box"], "code": "toy.Box()"}],
    )
    made = Holding(await subscribe(tmp_path / "catalogues", content))
    made.current()
    return made


@pytest.fixture
def tell(holding: Holding) -> Tell:
    def tell(story: Callable[[Usage], None]) -> list[str]:
        told = Told()
        story(Usage(told.record, holding))
        return told.lines

    return tell


def resolved(name: str, gap: Reason | None = None, *, exact: bool = True) -> Resolution:
    link = None if gap else Link("toy", name, "https://toy.example/", "Toy", exact)
    return Resolution(name, "class", "toy", Span(0, 1), link, gap)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (resolved("toy.Box"), ["docs.shown toy.Box hover True"]),
        (resolved("toy.Box.open"), ["docs.shown toy.Box.open hover True"]),
        # The nearest listed name stands for what the catalogue leaves out.
        (
            resolved("toy.Box.secret", exact=False),
            ["docs.shown toy.Box hover False", "docs.gap toy.Box no_page"],
        ),
        (
            resolved("toy.Box", "notInInventory"),
            ["docs.shown toy.Box hover False", "docs.gap toy.Box no_page"],
        ),
        (resolved("toy.Box", "late"), []),
        (resolved("toy.Box", "own"), []),
        (resolved("toy.Box", "private"), []),
        (resolved("toys.Box"), []),
        (resolved("secret_project.toy.Box"), []),
        (None, []),
    ],
)
def test_lookups(tell: Tell, found: Resolution | None, expected: list[str]) -> None:
    assert tell(lambda usage: usage.shown(found, "hover")) == expected


def test_pages_ratings_and_samples(tell: Tell) -> None:
    def story(usage: Usage) -> None:
        usage.opened("toy.Box", "support")
        usage.rated("toy.Box", helped=False, reason="unclear")
        usage.rated("toy.Box", helped=True, reason="wrong")
        usage.rated("mine.Box", helped=True, reason="none")
        usage.asked_for_sample("toy.Box")
        usage.asked_for_sample("toy.old")
        usage.asked_for_sample("mine.Box")

    assert tell(story) == [
        "docs.opened toy.Box support",
        "docs.rated toy.Box False unclear",
        "docs.rated toy.Box True none",
        "docs.gap toy.old no_sample",
    ]


def test_a_deprecation_is_seen_once_a_document_and_fixed_each_time(tell: Tell) -> None:
    def story(usage: Usage) -> None:
        for uri in ("a", "a", "b"):
            usage.deprecation(uri, "toy.old", "seen")
        usage.deprecation("a", "toy.old", "fixed")

    seen = "deprecation.met toy.old seen"
    assert tell(story) == [seen, seen, "deprecation.met toy.old fixed"]


TOY = ApiUse("toy", "toy", deprecated=False)
BOX, OLD = ApiUse("toy", "toy.Box", deprecated=False), ApiUse("toy", "toy.old", deprecated=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import toy\n├x = toy.Box()┤\n", [BOX]),
        ("import toy as t\n├t.old(t.Box)┤\n", [OLD, BOX]),
        ("from toy import old as fresh\n├fresh()┤\n", [OLD]),
        ("├from toy import Box┤\n", [TOY, BOX]),
        ("import toy\ntoy.Box()\n├x = 1┤\n", []),
        ("import other as toy\n├toy.Box()┤\n", []),
        ("def toy(): ...\n├toy.Box()┤\n", []),
        ("├Box()┤\n", []),
        ("import toy\n├toy.Secret.call()┤\n", []),
    ],
)
def test_the_apis_of_a_completion_are_read_off_the_text(
    holding: Holding, text: str, expected: list[ApiUse]
) -> None:
    before, rest = text.split("├")
    inside, after = rest.split("┤")
    span = Span(len(before), len(before) + len(inside))
    usage = Usage(Told().record, holding)
    assert list(usage.apis(Source(before + inside + after, "python"), span)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import toy\nbox = toy.Box()\n├box.open()┤\n", ["open"]),
        ("import toy\n├toy.Box().open(toy.old)┤\n", ["open"]),
        ("def use(box):\n    ├return box.lid.open()┤\n", ["open"]),
        # The text says it, or no catalogue has the word.
        ("import toy\n├toy.Box.open(box)┤\n", []),
        ("├box.close()┤\n", []),
        ("box.open()\n├x = 1┤\n", []),
    ],
)
def test_what_only_a_type_would_tell(holding: Holding, text: str, expected: list[str]) -> None:
    before, rest = text.split("├")
    inside, after = rest.split("┤")
    whole, within = before + inside + after, Span(len(before), len(before) + len(inside))
    usage = Usage(Told().record, holding)
    found = [whole[at : at + 4] for at in usage.unsaid(Source(whole, "python"), within)]
    assert found == expected
    assert usage.unsaid(Source(whole, "go"), within) == ()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (resolved("toy.Box.open"), ApiUse("toy", "toy.Box.open", deprecated=False)),
        (resolved("toy.old"), OLD),
        (resolved("toy.Box.secret"), None),
        (resolved("toy.Box", exact=False), None),
        (resolved("toy.Box", "late"), None),
        (resolved("secret_project.Box.open"), None),
        (None, None),
    ],
)
def test_only_what_a_catalogue_lists_is_its_symbol(
    holding: Holding, found: Resolution | None, expected: ApiUse | None
) -> None:
    assert Usage(Told().record, holding).api(found) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = toy.Box()", True),
        ("Box", True),
        ("    unboxed = Boxes(box)", False),
        ("", False),
        # Under another name it goes unnoticed, which is the price of looking at words alone.
        ("fresh()", False),
    ],
)
def test_most_completions_cost_a_look_at_their_words(
    holding: Holding, text: str, expected: bool
) -> None:
    assert Usage(Told().record, holding).may_name(text) == expected


def test_other_languages_and_a_damaged_shelf_say_nothing(holding: Holding, tmp_path: Path) -> None:
    usage = Usage(Told().record, holding)
    assert usage.apis(Source("toy.Box", "go"), Span(0, 7)) == ()
    (tmp_path / "catalogues" / "subscriptions.json").write_text("{")
    told = Told()
    usage = Usage(told.record, Holding(Shelf(tmp_path / "catalogues")))
    usage.prepare()
    usage.shown(resolved("toy.Box"), "hover")
    assert (told.lines, usage.may_name("Box"), usage.maker("toy.Box")) == ([], False, None)


def test_nothing_told_waits_for_a_catalogue_that_changed(holding: Holding, tmp_path: Path) -> None:
    """To read and verify a large one takes a second, and every hover and completion tells."""
    told = Told()
    usage = Usage(told.record, holding)
    (tmp_path / "catalogues" / "subscriptions.json").unlink()
    usage.shown(resolved("toy.Box"), "hover")
    assert told.lines == ["docs.shown toy.Box hover True"]
    usage.prepare()
    usage.shown(resolved("toy.Box"), "hover")
    assert len(told.lines) == 1
