"""What is not worth a look is not shown."""

from __future__ import annotations

import re

from linewise_server.completion.lexis import CLOSERS, scan
from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site


def trivial(draft: Draft, site: Site, shape: Shape) -> Draft | None:
    """Drop what changes nothing; and, unless asked for, what says nothing.

    That is fewer than two visible characters or punctuation alone, unless it closes a bracket that
    the user opened.
    """
    visible = "".join(draft.text.split())
    if not visible or draft.text == site.rest[: draft.replace]:
        return None
    if site.invoked or (len(visible) >= 2 and re.search(r"\w", visible)):
        return draft
    return draft if draft.replace == 0 and _closes(draft.text, site) else None


def _closes(text: str, site: Site) -> bool:
    code = site.code
    whole = scan(code + text, site.language)
    return any(
        bracket >= len(code)
        and (code + text)[bracket] in CLOSERS.values()
        and whole.opener_of.get(bracket, len(code)) < len(code)
        for bracket in whole.brackets
    )
