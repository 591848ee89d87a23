"""Settings: every bad value gets a message and its default, and every setting is documented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from linewise_server.settings import Settings, read_folder, read_settings

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
)
KEYS = [attribute.metadata["key"] for attribute in fields(Settings)]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"latency": {"automatic": 200}}, {"latency_automatic": 200}),
        ({"latency.automatic": 200}, {"latency_automatic": 200}),
        ({"languages": {"*": False, "go": True}}, {"languages": {"*": False, "go": True}}),
        ({"enable": None, "unknown": 1}, {}),
    ],
)
def test_good_values_are_taken(section: Any, expected: dict[str, Any]) -> None:
    assert read_settings(section) == (Settings(**expected), [])


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"trigger": "sometimes"}, "linewise.trigger is 'sometimes'; it must be one of automatic"),
        ({"latency": {"automatic": "fast"}}, "linewise.latency.automatic is 'fast'"),
        ({"latency": {"automatic": 5}}, "a number from 50 to 10000. Using 300."),
        ({"candidates": 2.5}, "a whole number from 1 to 4"),
        ({"enable": 1}, "true or false"),
        ({"languages": {"go": "yes"}}, "a table of language ids"),
        ({"exclude": "*.py"}, "a list of texts"),
        ([1], "a table of names and values"),
    ],
)
def test_a_bad_value_gets_a_message_and_the_default(section: Any, said: str) -> None:
    settings, problems = read_settings(section)
    assert settings == Settings()
    assert len(problems) == 1
    assert said in problems[0]


def test_a_bad_value_leaves_the_good_ones() -> None:
    settings, problems = read_settings({"trigger": 3, "candidates": 2})
    assert settings == Settings(candidates=2)
    assert len(problems) == 1


@given(st.dictionaries(st.sampled_from(KEYS), JSON) | JSON)
def test_nothing_that_a_client_sends_is_an_error(section: Any) -> None:
    settings, problems = read_settings(section)
    assert isinstance(settings, Settings)
    assert all(problem.endswith(".") for problem in problems)


@pytest.mark.parametrize(
    ("switches", "language", "served"),
    [
        ({"*": True}, "go", True),
        ({"*": False}, "go", False),
        ({"*": False, "go": True}, "go", True),
    ],
)
def test_languages_are_switched(switches: dict[str, bool], language: str, served: bool) -> None:
    assert Settings(languages=switches).serves(language) is served


def test_a_folder_has_its_own_of_what_may_differ_from_folder_to_folder() -> None:
    section = {"trigger": "manual", "exclude": ["a"], "logLevel": "debug", "enable": 1}
    own, problems = read_folder(section, Settings(enable=False))
    assert own == {"trigger": "manual", "exclude": ["a"]}
    assert problems == ["linewise.enable is 1; it must be true or false. Using False."]
    assert read_folder(None, Settings()) == ({}, [])


def offered_by_the_extension() -> dict[str, Any]:
    manifest = json.loads(Path("extension/package.json").read_text("utf-8"))
    sections = manifest["contributes"]["configuration"]
    offered: dict[str, Any] = {}
    for section in sections if isinstance(sections, list) else [sections]:
        offered |= section["properties"]
    return offered


def test_a_folder_may_set_what_the_extension_lets_it() -> None:
    # One window has one engine, so the model is of the window, although editors let folders set it.
    own = {
        f"linewise.{attribute.metadata['key']}"
        for attribute in fields(Settings)
        if attribute.metadata.get("folder")
    } | {"linewise.model"}
    scopes = ("resource", "machine-overridable")
    assert own == {
        name for name, item in offered_by_the_extension().items() if item["scope"] in scopes
    }


def test_the_extension_offers_every_setting_with_the_same_default() -> None:
    offered = offered_by_the_extension()
    for attribute in fields(Settings):
        name = f"linewise.{attribute.metadata['key']}"
        default = getattr(Settings(), attribute.name)
        assert offered[name]["default"] == (
            list(default) if isinstance(default, tuple) else default
        )
