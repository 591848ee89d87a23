"""A small model that repeats itself has nothing more to say."""

from __future__ import annotations

import re

from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site


def loops(draft: Draft, site: Site, shape: Shape) -> Draft:
    """Cut after the first round of lines said three times; before a line that ends in a loop."""
    starts, lines = [], []
    begins = -len(site.typed)
    for line in (site.typed + draft.text).split("\n"):
        if line.strip():
            starts.append(begins)
            lines.append(line.strip())
        begins += len(line) + 1
    for at, line in enumerate(lines):
        if is_looping(line):
            return draft.cut(max(0, starts[at]))
        for period in range(1, 5):
            once = lines[at : at + period]
            if lines[at : at + 3 * period] == once * 3 and re.search(r"\w", "".join(once)):
                return draft.cut(starts[at + period] - 1)
    return draft


def is_looping(line: str) -> bool:
    """Whether the line ends in one piece said over and over.

    Six times a piece of 3 to 9 characters, four times a longer one (the bounds of Tabby's filter);
    one character alone may draw a rule across the page.
    """
    for size in range(3, min(len(line) // 4, 40) + 1):
        piece = line[-size:]
        times = 6 if size < 10 else 4
        if len(set(piece)) == 1:
            times = 100 // size
        if line.endswith(piece * times):
            return True
    return False
