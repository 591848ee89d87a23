"""No line ends in white space."""

from __future__ import annotations

import re

from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site


def trailing_space(draft: Draft, site: Site, shape: Shape) -> Draft:
    """Strip line ends and the end; one space stays before a word right of the cursor."""
    text = re.sub(r"[ \t]+(?=\n)", "", draft.text).rstrip()
    after = site.rest[draft.replace : draft.replace + 1]
    if text and draft.text[len(text) :].startswith(" ") and re.match(r"[^\s)\]}>,;:.]", after):
        text += " "
    return Draft(text, draft.replace)
