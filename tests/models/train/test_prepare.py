"""From folders of code to a dataset, and what is kept out of it."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from linewise_models.errors import ConfigError, TrainError
from linewise_models.train import sources
from linewise_models.train.cli_prepare import prepare as command
from linewise_models.train.dataset import SPLITS, Dataset
from linewise_models.train.prepare import Places, prepare
from linewise_models.train.recipe import Examples, Filters, Folder, Recipe, Sources
from linewise_models.train.tokenizer import Tokenizer

NAMES = ("apples", "bread", "cheese", "dates")


def module(name: str, number: int) -> str:
    """Return code that resembles no other by its words."""
    words = [f"{name}_{number}_{part}" for part in range(9)]
    functions = "".join(
        f"def {word}(first: int, second: int) -> int:\n"
        f'    """Return the {word} of both."""\n'
        f"    {word}_total = first * {number + index} + second\n"
        f"    for {word}_step in range(first):\n"
        f"        {word}_total -= {word}_step\n"
        f"    return {word}_total\n\n\n"
        for index, word in enumerate(words)
    )
    return f"import math\n\n\n{functions}"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Four small packages in folders."""
    for name in NAMES:
        for number in range(3):
            file = tmp_path / name / name / f"part{number}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(module(name, number))
    return tmp_path


def recipe(shelf: Path, **changes: object) -> Recipe:
    folders = tuple(Folder(name, licence="MIT") for name in NAMES)
    examples = Examples(train_tokens=3000, held_out_tokens=500, fewest_tokens=48, most_tokens=200)
    filters = changes.get("filters", Filters())
    assert isinstance(filters, Filters)
    return Recipe(sources=Sources(folders=folders), examples=examples, filters=filters)


def made(shelf: Path, base: Path, one: Recipe | None = None, name: str = "data") -> Path:
    prepare(one or recipe(shelf), base, Places(shelf, shelf / "cache", shelf / name))
    return shelf / name


def spelt(path: Path, base: Path) -> Iterator[tuple[str, str]]:
    """Yield split and text of every example."""
    tokenizer = Tokenizer(base)
    for split in SPLITS:
        for example in Dataset.open(path, split, verify=True):
            yield split, tokenizer.text(example.tokens.tolist())
    tokenizer.close()


def test_no_package_is_in_both_splits(shelf: Path, real_model: Path) -> None:
    path = made(shelf, real_model)
    found: dict[str, set[str]] = {split: set() for split in SPLITS}
    for split, text in spelt(path, real_model):
        found[split] |= {name for name in NAMES if f"{name}_" in text}
    card = json.loads((path / "card.json").read_text())
    stated = {
        split: {s["name"] for s in card["sources"] if s["split"] == split} for split in SPLITS
    }
    assert found == stated
    assert not found["train"] & found["held_out"]
    assert found["train"] | found["held_out"] == set(NAMES)


def test_every_example_is_a_piece_of_its_file(shelf: Path, real_model: Path) -> None:
    path = made(shelf, real_model)
    for split in SPLITS:
        dataset = Dataset.open(path, split)
        marks = {special.id: name for name, special in dataset.facts.marks.items()}
        for example in dataset:
            tokens = example.tokens.tolist()
            order = [marks[token] for token in tokens if token in marks]
            assert order in (["suffix", "prefix"], ["prefix", "suffix", "middle"])
            assert all(token not in marks for token in tokens[example.middle :])
            assert len(tokens) <= 200
            onward = dataset.facts.kinds[example.kind] == "onward"
            assert onward or tokens[-1] == dataset.facts.end.id
            assert dataset.facts.end.id not in tokens[:-1]


def test_the_same_seed_gives_the_same_bytes(shelf: Path, real_model: Path) -> None:
    def contents(path: Path) -> dict[str, bytes]:
        files = (file for file in path.rglob("*") if file.is_file())
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}

    first = contents(made(shelf, real_model, name="one"))
    assert contents(made(shelf, real_model, name="two")) == first
    other = replace(recipe(shelf), seed=2)
    assert contents(made(shelf, real_model, other, "three")) != first


def test_what_is_left_out_is_counted(shelf: Path, real_model: Path) -> None:
    apples = shelf / "apples" / "apples"
    (apples / "copy.py").write_text(module("apples", 0).replace("    ", "  \t "))
    (apples / "near.py").write_text(module("apples", 1) + "\n\nX = 1\n")
    (apples / "_vendor").mkdir()
    (apples / "_vendor" / "six.py").write_text(module("six", 1))
    (apples / "latin.py").write_bytes(b"x = '\xe9'\n")
    (apples / "broken.py").write_text(module("broken", 1) + "def (:\n")
    (apples / "gpl.py").write_text("# SPDX-License-Identifier: GPL-3.0-only\n" + module("gpl", 1))
    (apples / "key.py").write_text(
        module("key", 1) + f'K = """-----BEGIN PRIVATE KEY-----\n{"Ab1+" * 16}"""\n'
    )
    (apples / "mail.py").write_text("# Written by jo.doe@fruit.org\n" + module("mail", 1))
    (shelf / "bench.jsonl.gz").write_bytes(
        gzip.compress(json.dumps({"task": [{"prompt": module("bread", 2)[:600]}]}).encode())
    )
    one = recipe(shelf, filters=Filters(exclude=("bench.jsonl.gz",)))
    path = made(shelf, real_model, one)
    card = json.loads((path / "card.json").read_text())
    assert {reason: count["files"] for reason, count in card["dropped"].items()} == {
        "exact duplicate": 1,
        "near duplicate": 1,
        "vendored copy": 1,
        "not UTF-8": 1,
        "does not parse": 1,
        "licence in its head": 1,
        "private key": 1,
        "shares text with a benchmark": 1,
    }
    assert card["masked"] == {"e-mail address": 1}
    text = "".join(text for _, text in spelt(path, real_model))
    assert "bread_2_" not in text
    assert "jo.doe" not in text
    page = (path / "card.md").read_text()
    for reason in card["dropped"]:
        assert f"| {reason} | 1 |" in page


def test_a_licence_that_is_not_accepted_is_told(shelf: Path, real_model: Path) -> None:
    folders = (
        Folder("apples", licence="GPL-3.0-only"),
        Folder("bread"),
        Folder("cheese", licence="MIT"),
    )
    one = replace(recipe(shelf), sources=Sources(folders=folders))
    with pytest.raises(TrainError, match=r"apples: licence GPL-3\.0-only not accepted; bread: lic"):
        made(shelf, real_model, one)
    assert not (shelf / "data").exists()


def test_who_cancels_keeps_what_was_there(shelf: Path, real_model: Path) -> None:
    path = made(shelf, real_model)
    before = sorted(path.rglob("*")), (path / "dataset.json").read_bytes()

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "drawing" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(
            replace(recipe(shelf), seed=9), real_model, Places(shelf, shelf / "cache", path), stop
        )
    assert (sorted(path.rglob("*")), (path / "dataset.json").read_bytes()) == before
    assert not list(shelf.glob(".data*"))


def test_a_wheel_is_read_and_nothing_of_it_is_run(shelf: Path) -> None:
    cache = shelf / "cache"
    cache.mkdir()
    with zipfile.ZipFile(cache / "Fig_Tree-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("fig_tree/__init__.py", "raise SystemExit\n")
        wheel.writestr("fig_tree/data.bin", "x")
        wheel.writestr(
            "fig_tree-1.0.dist-info/METADATA",
            "Metadata-Version: 2.4\nName: fig-tree\nVersion: 1.0\nLicense-Expression: ISC\n",
        )
    package = sources.fetched("fig.tree==1.0", cache)
    assert (package.name, package.version, package.licence) == ("fig-tree", "1.0", "ISC")
    files = list(package.read(lambda path: path.endswith(".py")))
    assert files == [("fig_tree/__init__.py", b"raise SystemExit\n")]


def test_an_installed_package_and_the_library_are_read() -> None:
    click = sources.installed("click")
    assert click.licence == "BSD-3-Clause"
    assert "click/core.py" in dict(click.read(lambda path: path.startswith("click/")))
    library = sources.standard_library()
    assert dict(library.read(lambda path: path == "bisect.py"))["bisect.py"]
    with pytest.raises(ConfigError, match="is not installed"):
        sources.installed("no-such-thing")


def test_the_command_prepares_and_says_where(shelf: Path, real_model: Path) -> None:
    arguments = ["--out", str(shelf / "data"), "--licence", "MIT", "--base", str(real_model)]
    for name in NAMES:
        arguments += ["--folder", str(shelf / name)]
    done = CliRunner().invoke(command, [*arguments, "--tokens", "2000", "--held-out-tokens", "400"])
    assert done.exit_code == 0, done.output
    assert "card.md" in done.output
    assert str(shelf) not in (shelf / "data" / "card.json").read_text()
    assert len(Dataset.open(shelf / "data", "train"))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("sed = 1", "there is no key sed. Did you mean seed?"),
        ("[sources]\nweigths = {a = 1}", "sources.weigths. Did you mean weights?"),
        ("[examples]\npsm = 'all'", "examples.psm must be of the type float, and is 'all'"),
        ("[examples.kinds]\nword = 1.0", "examples.kinds must be some of character, rest"),
        ("[sources]\npackages = 'click'", "sources.packages must be a list"),
        ("seed = 1", "sources must name something"),
        ("seed =", "cannot be read"),
    ],
)
def test_a_config_that_is_wrong_is_told(tmp_path: Path, config: str, told: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(config)
    done = CliRunner().invoke(command, [str(file), "--out", str(tmp_path / "data")])
    assert done.exit_code == 1
    assert told in done.output
    assert not (tmp_path / "data").exists()
