"""The registry: it loads, refuses contradictions, lets nothing through, and its pages are fresh."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from linewise_telemetry.errors import FieldError, RegistryError
from linewise_telemetry.events import Registry, load
from linewise_telemetry.pages import pages

REGISTRY = load()
SOURCE = (files("linewise_telemetry") / "events.yaml").read_text(encoding="utf-8")


def test_no_event_has_expired() -> None:
    today = datetime.now(UTC).date()
    assert [event.name for event in REGISTRY.events.values() if event.expires <= today] == []


@pytest.mark.parametrize("name", sorted(pages(REGISTRY)))
def test_pages_are_fresh(name: str) -> None:
    page = Path(__file__).parents[2] / "telemetry" / name
    assert page.read_text(encoding="utf-8") == pages(REGISTRY)[name], "run `make pages`"


def check_refused(change: Any, message: str) -> None:
    data = yaml.safe_load(SOURCE)
    change(data)
    with pytest.raises(RegistryError, match=message):
        load(yaml.safe_dump(data))


def test_event_without_chart_is_refused() -> None:
    def remove(data: dict[str, Any]) -> None:
        del data["metrics"]["samples"], data["charts"]["samples"]["metrics"][0]

    check_refused(remove, r"sample\.inserted: no chart draws it")


def test_chart_without_event_is_refused() -> None:
    def remove(data: dict[str, Any]) -> None:
        del data["events"]["docs.rated"]

    check_refused(remove, "docs.rated")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["metrics"]["acceptance"]["by"].append("path"), "no field path"),
        (
            lambda d: d["metrics"]["acceptance"]["counts"]["where"]["end"].append("loved"),
            "never 'loved'",
        ),
        (lambda d: d["charts"]["gaps"]["metrics"].remove("gaps"), "metric gaps"),
        (lambda d: d["events"]["docs.gap"].update(notice=9), "no notice 9"),
        (lambda d: d["events"]["docs.gap"].pop("why"), "'why' is missing"),
        (lambda d: d["events"]["docs.gap"]["fields"]["kind"].update(bool=True), "exactly one kind"),
        (lambda d: d["events"]["completion.ended"].update(to="catalogue"), "names no catalogue"),
    ],
)
def test_contradictions_are_refused(change: Any, message: str) -> None:
    check_refused(change, message)


def encode(registry: Registry, event: str, field: str, value: object) -> object:
    return registry.events[event].fields[field].encode(value)


@pytest.mark.parametrize(
    ("event", "field", "value", "wire"),
    [
        ("completion.answered", "total_ms", 9.99, "<10"),
        ("completion.answered", "total_ms", 10, "<50"),
        ("completion.answered", "total_ms", 1e12, ">=5000"),
        ("completion.answered", "total_ms", -5, "<10"),
        ("completion.answered", "lang", "python", "python"),
        ("completion.answered", "lang", "brainfuck-at-secret-corp", "other"),
        ("session.started", "version", "0.1.0", "0.1.0"),
        ("telemetry.health", "count", 10**12, 1_000_000),
        ("completion.ended", "read", True, True),
    ],
)
def test_encode(event: str, field: str, value: object, wire: object) -> None:
    assert encode(REGISTRY, event, field, value) == wire


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [
        ("completion.answered", "outcome", "/home/ada/secret.py"),
        ("completion.answered", "total_ms", "fast"),
        ("completion.ended", "read", 1),
        ("docs.shown", "symbol", "two words"),
        ("docs.shown", "symbol", "a" * 161),
        ("docs.shown", "catalogue", "../etc/passwd"),
        ("session.started", "version", "1.2.3-ada-laptop"),
        ("telemetry.health", "count", True),
        ("telemetry.health", "count", -1),
    ],
)
def test_encode_refuses_and_does_not_repeat_the_value(
    event: str, field: str, value: object
) -> None:
    with pytest.raises(FieldError) as caught:
        encode(REGISTRY, event, field, value)
    assert str(value) not in str(caught.value) or isinstance(value, int)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(REGISTRY.events)), st.data())
def test_what_check_passes_is_closed(name: str, data: st.DataObject) -> None:
    """Whatever the wire brings, only registered words, ranges and names pass."""
    event = REGISTRY.events[name]
    attributes = {
        field.name: data.draw(
            st.sampled_from(field.values) | JSON if field.values else JSON | st.just(True)
        )
        for field in event.fields.values()
    }
    if event.check(attributes) is None:
        for field in event.fields.values():
            value = attributes[field.name]
            assert value in field.values or field.kind in (
                "bool",
                "count",
                "catalogue",
                "symbol",
                "version",
            )
            assert not isinstance(value, str) or " " not in value


def test_check_wants_exactly_the_fields() -> None:
    event = REGISTRY.events["sample.inserted"]
    good = {"catalogue": "acme", "symbol": "acme.send"}
    assert event.check(good) is None
    assert event.check(good | {"path": "x"}) == "fields"
    assert event.check({"catalogue": "acme"}) == "fields"
    assert event.check({"catalogue": "acme"}, names=["catalogue"]) is None


@pytest.mark.parametrize(
    ("metric", "change"),
    [
        ("failures", {"of": {"event": "completion.answered"}}),
        ("deprecated_use", {"of": {"event": "completion.api_used"}}),
        ("announcements", {"of": {"event": "announcement.met"}}),
        ("rating_reasons", {"of": {"event": "docs.rated", "where": {"reason": ["wrong"]}}}),
        ("announcements", {"of": {"event": "announcement.met", "where": {"act": ["muted"]}}}),
    ],
)
def test_metrics_whose_difference_is_a_third_figure_are_refused(
    metric: str, change: dict[str, Any]
) -> None:
    check_refused(lambda data: data["metrics"][metric].update(change), "a third figure")
