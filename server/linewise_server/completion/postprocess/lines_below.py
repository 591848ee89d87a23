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
    for line in (site.typed + draft.text + site.rest[draft.replace :]).split("\n"):
        ends = begins + len(line)
        if ends > 0 and line.strip():
            if line.rstrip() == below[0]:
                return Draft(draft.text[: begins - 1], 0) if said else None
            said.append(line.rstrip())
        begins = ends + 1
    return None if _is_nearly(said[:3], below[: len(said[:3])]) else draft


def is_line_below(text: str, site: Site) -> bool:
    """Whether the last line of `text`, a whole one, is the line that comes next anyway."""
    line = (site.typed + text).rpartition("\n")[2].rstrip()
    return bool(text.strip()) and line in site.lines_below[:1]


def _is_nearly(said: list[str], below: list[str]) -> bool:
    """Whether these lines are those lines but for 5 % of their characters, or one a line.

    One line by itself has to have the same words, and numbers are never overlooked: lines that
    differ in a name or a number are an enumeration.
    """
    if len(said) != len(below) or not re.search(r"\w", "".join(said)):
        return False
    if len(said) == 1:
        return re.findall(r"\w+", said[0]) == re.findall(r"\w+", below[0])
    return all(
        re.findall(r"\d+", one) == re.findall(r"\d+", other)
        and _within(one, other, max(1, len(other) // 20))
        for one, other in zip(said, below, strict=True)
    )


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
