"""What stands below the cursor is not said again."""

from __future__ import annotations

import re

from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site


def lines_below(draft: Draft, site: Site, shape: Shape) -> Draft | None:
    """Cut at the line that comes next anyway; drop text that is nearly the next lines."""
    below = site.lines_below
    if not below:
        return draft
    said: list[str] = []
    begins = -len(site.typed)
    for line in (site.typed + draft.text).split("\n"):
        ends = begins + len(line)
        if ends > 0 and line.strip():
            if line.rstrip() == below[0]:
                return draft.cut(begins - 1) if said else None
            said.append(line.strip())
        begins = ends + 1
    pairs = list(zip(said[:3], below[:3], strict=False))
    return None if pairs and all(_nearly(a, b.strip()) for a, b in pairs) else draft


def _nearly(one: str, other: str) -> bool:
    """Whether two lines differ by at most 5 % of their characters, or one.

    Lines that differ in numbers only are an enumeration, and short ones a table.
    """
    if one == other:
        return bool(re.search(r"\w", one))
    if len(one) < 10 or re.sub(r"\d+", "0", one) == re.sub(r"\d+", "0", other):
        return False
    return _within(one, other, max(1, len(other) // 20))


def _within(one: str, other: str, limit: int) -> bool:
    """Whether the edit distance is at most `limit` (only the diagonal band that can be)."""
    if abs(len(one) - len(other)) > limit:
        return False
    far = limit + 1
    row = {column: column for column in range(limit + 1)}
    for line, letter in enumerate(one, 1):
        above, row = row, {}
        for column in range(max(0, line - limit), min(len(other), line + limit) + 1):
            if column == 0:
                row[0] = line
                continue
            change = above.get(column - 1, far) + (letter != other[column - 1])
            row[column] = min(change, above.get(column, far) + 1, row.get(column - 1, far) + 1)
        if min(row.values()) > limit:
            return False
    return row.get(len(other), far) <= limit
