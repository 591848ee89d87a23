"""What of a model's text is shown, or nothing: filters in order, each in a file of its own.

In: the text, the site and its shape. Out: a draft, and which filters had a say. While text streams,
`enough` tells that more of it would only be thrown away. Never asks the engine anything.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable

from linewise_server.completion.postprocess.artefacts import artefacts, unfenced
from linewise_server.completion.postprocess.block_end import block_end, end_of_block
from linewise_server.completion.postprocess.brackets import brackets
from linewise_server.completion.postprocess.dedent import dedent
from linewise_server.completion.postprocess.draft import Draft, Filter
from linewise_server.completion.postprocess.indentation import indentation
from linewise_server.completion.postprocess.line_above import line_above
from linewise_server.completion.postprocess.line_end import line_end
from linewise_server.completion.postprocess.lines_below import is_line_below, lines_below
from linewise_server.completion.postprocess.loops import is_looping, loops
from linewise_server.completion.postprocess.new_errors import new_errors
from linewise_server.completion.postprocess.rest_of_line import rest_of_line
from linewise_server.completion.postprocess.trailing_space import trailing_space
from linewise_server.completion.postprocess.trivial import trivial
from linewise_server.completion.shape import Shape, Site

__all__ = ["FILTERS", "Acted", "Draft", "Filter", "enough", "postprocess"]

FILTERS: tuple[Filter, ...] = (
    artefacts,
    indentation,
    line_end,
    block_end,
    dedent,
    loops,
    rest_of_line,
    brackets,
    line_above,
    lines_below,
    trailing_space,
    new_errors,
    trivial,
)


Acted = Callable[[Filter, Draft, Draft | None], None]
ROUNDS = 8
"""Rounds after which filters that undo one another are taken to disagree for good."""


def postprocess(
    text: str, site: Site, shape: Shape, acted: Acted = lambda rule, before, after: None
) -> tuple[Draft | None, tuple[str, ...]]:
    """What to show of `text`, and the names of the filters that changed or dropped it.

    `acted` hears of each filter that does, with the draft before and after it.

    What one filter leaves may be another one's business, so they go round until none objects;
    text on which they never agree is not shown.
    """
    site, eol = _plain(site), site.eol
    said: dict[str, None] = {}
    draft = Draft(_newlines(text), 0)
    for _ in range(ROUNDS):
        before = draft.text
        draft = Draft(before, 0)
        for rule in FILTERS:
            result = rule(draft, site, shape)
            if result != draft:
                said[rule.__name__] = None
                acted(rule, draft, result)
            if result is None:
                return None, tuple(said)
            draft = result
        if draft.text == before:
            return Draft(draft.text.replace("\n", eol), draft.replace), tuple(said)
    return None, tuple(said)


def enough(text: str, site: Site, shape: Shape) -> bool:
    """Whether generation may stop, because more of `text` would not be shown.

    Called with every token; there is work to do only when a line has ended or the next has begun.
    """
    site = _plain(site)
    whole, newline, last = unfenced(_newlines(text), site).rpartition("\n")
    if is_looping(last):
        return True
    if not newline:
        return False
    if shape == "line":
        return bool(whole.strip() or (site.typed.strip() and site.rest.strip()))
    begun = re.match(r"\s*(?:\w+|\S)?", last)
    return _has_ended(whole, begun[0] if begun else "", site, shape)


@functools.lru_cache(maxsize=64)
def _has_ended(lines: str, begun: str, site: Site, shape: Shape) -> bool:
    """Whether whole lines are all that will be shown, given how the next one begins."""
    draft = indentation(Draft(lines, 0), site, shape)
    if end_of_block(draft.text, site) is not None or is_line_below(draft.text, site):
        return True
    if loops(draft, site, shape) != draft:
        return True
    draft = Draft(draft.text + "\n", 0)
    if artefacts(draft, site, shape) != draft:
        return True
    more = indentation(Draft(f"{lines}\n{begun}", 0), site, shape)
    return dedent(more, site, shape) != more


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _plain(site: Site) -> Site:
    if "\r" not in site.prefix and "\r" not in site.suffix:
        return site
    return dataclasses.replace(site, prefix=_newlines(site.prefix), suffix=_newlines(site.suffix))
