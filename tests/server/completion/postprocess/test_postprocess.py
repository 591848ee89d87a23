"""The filters, in pictures.

`├…┤` is what the model said at the cursor, and then what is shown of it. Each file in golden/ has
the name of the filter that its cases are about. A case is a line that names the language and the
point, the picture before, `--->`, and the picture after. There `┆…┆` stands around what the text
replaces, and a single word says that the text is unchanged, or that nothing is shown. After the
language, `invoked` means that the user asked, and `block` that a block is wanted where the syntax
calls for a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from linewise_server.completion.postprocess import FILTERS, Draft, postprocess
from linewise_server.completion.shape import Site, shape
from linewise_server.completion.syntax import Syntax

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Case:
    """One picture before and one after."""

    rule: str
    title: str
    language: str
    flag: str
    before: str
    after: str


def read_cases(path: Path) -> list[Case]:
    cases = []
    for part in re.split(r"^=== ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, pictures = part.partition("\n")
        language, _, title = heading.partition(": ")
        before, _, after = pictures.partition("\n--->\n")
        language, _, flag = language.partition(" ")
        assert flag in ("", "invoked", "block"), heading
        cases.append(Case(path.stem, title, language, flag, before, after.rstrip("\n")))
    return cases


CASES = [case for path in sorted(GOLDEN.glob("*.txt")) for case in read_cases(path)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.title}")
def test_what_is_shown(case: Case) -> None:
    check(case)


def check(case: Case) -> None:
    prefix, said, suffix = re.split("[├┤]", case.before)
    site = Site(case.language, prefix, suffix, case.flag == "invoked")
    wanted = "block" if case.flag == "block" else shape(site, Syntax.of(case.language))
    draft, rules = postprocess(said, site, wanted)
    if case.after == "unchanged":
        assert (draft, rules) == (Draft(said, 0), ())
        return
    assert picture(site, draft) == case.after
    assert case.rule in rules


def picture(site: Site, draft: Draft | None) -> str:
    if draft is None:
        return "nothing"
    replaced = site.suffix[: draft.replace]
    mark = f"┆{replaced}┆" if replaced else ""
    return f"{site.prefix}├{draft.text}┤{mark}{site.suffix[draft.replace :]}"


def test_every_filter_has_its_pictures() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted(
        rule.__name__ for rule in FILTERS
    )
