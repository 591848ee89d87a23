"""The line above is there already."""

from __future__ import annotations

import re

from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site


def line_above(draft: Draft, site: Site, shape: Shape) -> Draft | None:
    """Drop text whose first line says what the line above it says."""
    first = draft.text.lstrip("\n").partition("\n")[0]
    if draft.text.startswith("\n"):
        above, line = site.typed, first
    else:
        above, line = site.line_above, site.typed + first
    same = line.rstrip() == above.rstrip() and re.search(r"\w", line)
    return None if same else draft
