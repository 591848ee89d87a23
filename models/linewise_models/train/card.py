"""The data card: what a dataset holds, where it came from, what was left out, and its limits.

In: what `prepare` counted. Out: the card as JSON for programs and as Markdown for people (after
Gebru et al. 2021, "Datasheets for Datasets", arXiv:1803.09010). Every figure in the text is
computed; nothing is claimed that was not counted.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from linewise_models.train.corpus import Corpus, Kept
from linewise_models.train.dataset import Facts
from linewise_models.train.draw import Drawn
from linewise_models.train.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Side:
    """One split: its packages and what was drawn from them."""

    kept: Sequence[Kept]
    drawn: Drawn


def card(recipe: Recipe, facts: Facts, corpus: Corpus, sides: Mapping[str, Side]) -> dict[str, Any]:
    """Return the card's figures."""
    return {
        "base": facts.base,
        "base_sha256": facts.base_sha256,
        "recipe": _told(recipe),
        "splits": {name: _split(side, facts) for name, side in sides.items()},
        "sources": [_source(name, side, one) for name, side in sides.items() for one in side.kept],
        "refused": [
            {"name": package.name, "version": package.version, "reason": reason}
            for package, reason in corpus.refused
        ],
        "dropped": {
            reason: {"files": count, "bytes": corpus.dropped_bytes[reason]}
            for reason, count in corpus.dropped.most_common()
        },
        "masked": dict(corpus.masked.most_common()),
    }


def as_json(figures: Mapping[str, Any]) -> str:
    """Return the card for programs."""
    return json.dumps(figures, indent=2, sort_keys=True) + "\n"


def as_markdown(figures: Mapping[str, Any]) -> str:
    """Return the card for people."""
    sources, splits = figures["sources"], figures["splits"]
    licences = Counter(source["licence"] for source in sources)
    size = sum(source["bytes"] for source in sources)
    train, held_out = splits["train"], splits["held_out"]
    lines = [
        "# Data card",
        "",
        f"Fill-in-the-middle examples in the tokens of {figures['base']} "
        f"(SHA-256 {figures['base_sha256'][:16]}…), cut from {sum(s['files'] for s in sources):,} "
        f"files ({size / 1e6:.1f} MB) of {len(sources)} packages; "
        f"seed {figures['recipe']['seed']}.",
        "",
        *_table(
            ("Split", "Packages", "Examples", "Tokens", "Of the middle", "Longest"),
            [
                (
                    name,
                    sum(source["split"] == name for source in sources),
                    f"{part['examples']:,}",
                    f"{part['tokens']:,}",
                    f"{part['middle_tokens']:,}",
                    part["longest"],
                )
                for name, part in splits.items()
            ],
        ),
        "No package is in both splits; which one is held out follows from a hash of its name.",
        "",
        "## Kinds of holes",
        "",
        *_table(
            ("Kind", "train", "held_out"),
            [
                (kind, _share(train, "kinds", kind), _share(held_out, "kinds", kind))
                for kind in train["kinds"]
            ],
        ),
        *_table(
            ("Form", "train", "held_out"),
            [
                (form, _share(train, "forms", form), _share(held_out, "forms", form))
                for form in train["forms"]
            ],
        ),
        "## Sources",
        "",
        "By licence: " + ", ".join(f"{name} {count}" for name, count in licences.most_common()),
        "",
        *_table(
            ("Package", "Version", "From", "Licence", "Files", "kB", "Split", "Examples"),
            [
                (
                    source["name"],
                    source["version"],
                    source["origin"],
                    source["licence"],
                    source["files"],
                    f"{source['bytes'] / 1000:.0f}",
                    source["split"],
                    source["examples"],
                )
                for source in sources
            ],
        ),
        "## What was left out",
        "",
        *_table(
            ("Reason", "Files", "kB"),
            [
                (reason, f"{count['files']:,}", f"{count['bytes'] / 1000:,.0f}")
                for reason, count in figures["dropped"].items()
            ],
        ),
        *_table(
            ("Package left out whole", "Version", "Reason"),
            [(one["name"], one["version"], one["reason"]) for one in figures["refused"]],
        ),
        _limits(figures),
    ]
    return "\n".join(lines)


def _limits(figures: Mapping[str, Any]) -> str:
    """Return the section on bias and safety, its figures filled in."""
    train, recipe, dropped = figures["splits"]["train"], figures["recipe"], figures["dropped"]
    total = max(1, train["examples"])
    sources = [source for source in figures["sources"] if source["split"] == "train"]
    sources.sort(key=lambda source: -source["examples"])
    sums = itertools.accumulate(source["examples"] for source in sources)

    def files(*reasons: str) -> int:
        return sum(dropped[reason]["files"] for reason in reasons if reason in dropped)

    def among(counts: Iterable[tuple[str, int]]) -> str:
        return ", ".join(f"{name} {count / total:.1%}" for name, count in counts)

    template = resources.files(__package__).joinpath("bias-and-safety.md")
    return template.read_text(encoding="utf-8").format(
        languages=among(train["languages"].items()),
        first=among((source["name"], source["examples"]) for source in sources[:5]),
        half=1 + sum(2 * reached < total for reached in sums),
        packages=len(sources),
        documented=recipe["examples"]["documented"],
        typed=recipe["examples"]["typed"],
        foreign=f"{recipe['clean']['most_foreign']:.0%}",
        tests="Tests are in it" if recipe["clean"]["tests"] else "Tests are left out",
        context=f"{train['forms']['with other files'] / total:.1%}",
        licences=", ".join(recipe["filters"]["licences"]),
        refused=len(figures["refused"]),
        unknown=sum("unknown" in one["reason"] for one in figures["refused"]),
        keys=files("private key", "secrets file"),
        masked=", ".join(f"{what} {count} times" for what, count in figures["masked"].items())
        or "none was found",
        benchmark=files("shares text with a benchmark"),
        run=recipe["filters"]["run"],
        excluded="the texts that were excluded"
        if recipe["filters"]["exclude"]
        else "excluded texts (none was named: figures on public benchmarks may be too good)",
    )


def _told(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe without the paths of the machine: a card travels with its model."""
    told = asdict(recipe)
    told["base"] = Path(recipe.base).name
    told["filters"]["exclude"] = [Path(path).name for path in recipe.filters.exclude]
    for folder in told["sources"]["folders"]:
        folder["path"] = Path(folder["path"]).name
    return told


def _split(side: Side, facts: Facts) -> dict[str, Any]:
    examples, counts = side.drawn.examples, side.drawn.counts
    kinds = Counter(facts.kinds[example.kind] for example in examples)
    return {
        "examples": len(examples),
        "tokens": side.drawn.tokens,
        "middle_tokens": sum(len(example.tokens) - example.middle for example in examples),
        "longest": max((len(example.tokens) for example in examples), default=0),
        "kinds": {kind: kinds[kind] for kind in facts.kinds},
        "forms": {form: counts[form] for form in ("spm", "psm", "alone", "with other files")},
        "languages": {
            name.removeprefix("language "): count
            for name, count in counts.most_common()
            if name.startswith("language ")
        },
    }


def _source(split: str, side: Side, one: Kept) -> dict[str, Any]:
    return {
        "name": one.package.name,
        "version": one.package.version,
        "origin": one.package.origin,
        "licence": one.package.licence,
        "files": len(one.files),
        "bytes": one.size,
        "split": split,
        "examples": side.drawn.counts[f"package {one.package.name}"],
    }


def _share(part: Mapping[str, Any], group: str, name: str) -> str:
    return f"{part[group][name] / max(1, part['examples']):.1%}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    if not rows:
        return []
    body = ["| " + " | ".join(map(str, row)) + " |" for row in (head, *rows)]
    return [body[0], "|" + " --- |" * len(head), *body[1:], ""]
