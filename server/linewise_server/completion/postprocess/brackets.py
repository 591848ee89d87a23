"""A closing bracket closes something."""

from __future__ import annotations

import re

from linewise_server.completion.lexis import CLOSERS, scan
from linewise_server.completion.nesting import nesting
from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site


def brackets(draft: Draft, site: Site, shape: Shape) -> Draft:
    """Cut at the first closing bracket that has nothing to close, or that the suffix closes."""
    code, text = site.code, draft.text
    is_open = list(nesting(code, site.suffix[draft.replace :], site.language).openings)
    begins_inside = code[:1] in (" ", "\t") or len(code) < len(site.prefix)
    opened_here: list[str] = []
    for offset in scan(code + text, site.language).brackets:
        if offset < len(code):
            continue
        bracket = (code + text)[offset]
        if bracket in CLOSERS:
            opened_here.append(CLOSERS[bracket])
        elif opened_here:
            if opened_here.pop() != bracket:
                return draft.cut(offset - len(code))
        elif is_open:
            opening = is_open.pop()
            if opening.closer != bracket or opening.closed_after:
                return draft.cut(offset - len(code))
        elif not (begins_inside and _may_close_unseen(code + text, offset)):
            return draft.cut(offset - len(code))
    return draft


def _may_close_unseen(text: str, offset: int) -> bool:
    """Whether a closing bracket looks like the end of something that began above the window."""
    line = text.rfind("\n", 0, offset) + 1
    return not re.sub(r"[)\]}]", "", text[line:offset]).strip()
