"""One line was asked for: one line is given."""

from __future__ import annotations

from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site


def line_end(draft: Draft, site: Site, shape: Shape) -> Draft:
    """Cut at the end of the first line with something on it.

    That may be the next line, where this one is complete and nothing stands right of the cursor.
    """
    if shape != "line":
        return draft
    visible = len(draft.text) - len(draft.text.lstrip())
    end = draft.text.find("\n", 0 if site.rest.strip() else visible)
    return draft if end < 0 else draft.cut(end)
