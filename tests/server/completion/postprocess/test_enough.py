"""Where generation may stop, in the pictures of enough.txt.

`├…┤` is what the model would say; at `■` generation may stop for the first time. Where there is no
`■`, it may not.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from linewise_server.completion.postprocess import enough
from linewise_server.completion.shape import Site, shape
from linewise_server.completion.syntax import Syntax

PICTURES = (Path(__file__).parent / "enough.txt").read_text("utf-8")
CASES = re.split(r"^=== ", PICTURES, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.partition("\n")[0])
def test_enough(case: str) -> None:
    heading, _, picture = case.partition("\n")
    check(heading.partition(":")[0], picture.rstrip("\n"))


def check(language: str, picture: str) -> None:
    prefix, said, suffix = re.split("[├┤]", picture)
    text = said.replace("■", "")
    site = Site(language, prefix, suffix, invoked=False)
    wanted = shape(site, Syntax.of(language))
    ends = (end for end in range(len(text) + 1) if enough(text[:end], site, wanted))
    end = next(ends, None)
    assert (text if end is None else f"{text[:end]}■{text[end:]}") == said
