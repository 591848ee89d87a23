"""Text that breaks the code is not shown."""

from __future__ import annotations

import functools
import re

from linewise_server.completion.lexis import scan
from linewise_server.completion.nesting import closers
from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site
from linewise_server.completion.syntax import Syntax

_REACH = 60
"""Lines on either side of the cursor that are parsed: enough to hold most functions."""

_CONTINUED_BELOW = re.compile(r"[@#]|template\b|export\b")
"""Lines that say something of the line after them, or to a preprocessor: not code by themselves."""

_ENDINGS = ("", "_", " {}", ";", "_;")
"""What an unfinished line may lack, before the brackets that it leaves open."""


def new_errors(draft: Draft, site: Site, shape: Shape) -> Draft | None:
    """Drop text with which the code around the cursor has more errors than without the line.

    The line that is being written is no measure, as it mostly has errors until it is complete. Text
    gets every benefit of the doubt: a line may be unfinished, brackets may be open. Where the code
    around the cursor does not parse by itself, nothing is said about the text.
    """
    syntax = Syntax.of(site.language)
    if syntax is None or site.place == "comment" or _in_long_string(site):
        return draft
    before, after = _surroundings(site)
    typed = site.typed
    line = typed + draft.text + site.rest[draft.replace :]
    if _CONTINUED_BELOW.match(line.rpartition("\n")[2].strip()):
        return draft
    frame = _frame(before, after, site.language)
    if frame is None:
        return draft
    head, tail = syntax.frames[frame]
    open_brackets = closers(before + line, after, site.language)
    for ending in _ENDINGS:
        text = f"{head}\n{before}{line}{ending}{open_brackets}{after}\n{tail}"
        if syntax.parse(text).errors() == 0:
            return draft
    return None


def _in_long_string(site: Site) -> bool:
    code = site.code
    span = scan(code, site.language).covering(len(code) - 1)
    return site.place == "string" and (span is None or "\n" in code[span.start :])


def _surroundings(site: Site) -> tuple[str, str]:
    """The lines above and below the cursor's that can be parsed with it.

    Above, from behind the last bracket that closes something out of sight; below, up to the first
    one that does.
    """
    code = site.code[: len(site.code) - len(site.typed)]
    above = code.split("\n")
    code = "\n".join(above[-_REACH - 1 :])
    scanned = scan(code, site.language)
    stray = [at for at in scanned.brackets if code[at] in ")]}" and at not in scanned.opener_of]
    if stray:
        line_end = code.find("\n", stray[-1])
        code = "" if line_end < 0 else code[line_end + 1 :]
    after = "\n".join(site.suffix.split("\n")[1 : _REACH + 1])
    whole = scan(code + after, site.language)
    for at in whole.brackets:
        if at >= len(code) and (code + after)[at] in ")]}" and at not in whole.opener_of:
            after = after[: (code + after).rfind("\n", 0, at) - len(code) + 1]
            break
    return code, "\n" + after


@functools.lru_cache(maxsize=32)
def _frame(before: str, after: str, language: str) -> int | None:
    """The frame in which the code around a line has no errors, None if there is none.

    The line is not part of it, so that this is found once for all that is typed on the line.
    """
    syntax = Syntax.of(language)
    if syntax is None:
        return None
    open_brackets = closers(before, after, language)
    for number, (head, tail) in enumerate(syntax.frames):
        text = f"{head}\n{before}{open_brackets}{after}\n{tail}"
        if syntax.parse(text).errors() == 0:
            return number
    return None
