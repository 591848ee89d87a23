"""Text that breaks the code is not shown."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from linewise_server.completion.lexis import CLOSERS, beginning, scan, statement_start
from linewise_server.completion.nesting import Nesting, nesting
from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site, leading_space
from linewise_server.completion.syntax import TOP, Frame, Syntax

_REACH = 40
"""Lines on either side of the cursor that are looked at: enough to hold most functions."""

_LEVELS = 2
"""Enclosing constructs that are tried, from the innermost."""

_CONTINUED_BELOW = re.compile(r"[@#]|template\b|export\b")
"""Lines that say something of the line after them, or to a preprocessor: not code by themselves."""

_ENDINGS = (";", "_", " {}", "_;")
"""What an unfinished line may lack, before the brackets that it leaves open."""

_LONG_QUOTES = ('"""', "'''", "`")


def new_errors(draft: Draft, site: Site, shape: Shape) -> Draft | None:
    """Drop text with which the construct around the cursor has errors that it has not without.

    Without means without the cursor's line: that mostly has errors until it is complete. The text
    gets every benefit of the doubt: a line may be unfinished, brackets may be open. Where the code
    around the cursor does not parse by itself, nothing is said about the text.
    """
    syntax = Syntax.of(site.language)
    if syntax is None or site.place == "comment" or _in_long_string(site):
        return draft
    line = site.typed + draft.text + site.rest[draft.replace :]
    if _CONTINUED_BELOW.match(line.rpartition("\n")[2].strip()):
        return draft
    language = site.language
    sound: list[tuple[_Construct, Frame]] = []
    for construct in _constructs(*_lines_around(site), language):
        if _stray(construct.above + line, language):
            continue
        for frame in syntax.frames if construct.is_block else syntax.outer_frames:
            is_sound = _parses(construct, "", frame, language)
            if is_sound:
                sound.append((construct, frame))
            if (is_sound or frame == TOP) and _parses(construct, line, frame, language):
                return draft
    for construct, frame in sound[:1]:
        if any(_parses(construct, line + end, frame, language) for end in _ENDINGS):
            return draft
    return None if sound else draft


@dataclass(frozen=True, slots=True)
class _Construct:
    """A piece of the code around a line, without the line."""

    above: str
    below: str
    is_block: bool
    """It begins with the head of a block that the line is in."""


@functools.lru_cache(maxsize=128)
def _parses(construct: _Construct, line: str, frame: Frame, language: str) -> bool:
    """Whether a construct parses with this line in it.

    That it does with an empty one is found once for all that is typed on the line.
    """
    syntax = Syntax.of(language)
    code = construct.above + line
    around = nesting(code, construct.below, language)
    if syntax is None or _closes_another(construct, around):
        return False
    if around.openings:
        below = construct.below[: around.end] + ";" * construct.below.startswith(";", around.end)
    elif construct.is_block:
        code, below = code.rstrip().removesuffix(","), ""
    else:
        below = _whole(construct.below[: around.stray], language)
    if scan(code, language).place(len(code)) == "comment":
        code += "\n"
    here, outside = around.missing
    return not syntax.parse(f"{frame[0]}\n{code}{here}{below}{outside}\n{frame[1]}").errors()


def _whole(text: str, language: str) -> str:
    """The text without a comment or string at its end that goes on behind it."""
    spans = scan(text, language).spans
    return text[: spans[-1].start] if spans and spans[-1].is_open else text


def _closes_another(construct: _Construct, around: Nesting) -> bool:
    """Whether below there is a bracket that closes nothing, but would have to."""
    if around.stray is None or not construct.is_block:
        return False
    line = construct.below.rfind("\n", 0, around.stray) + 1
    indentation = leading_space(construct.below[line:])
    is_inside = len(indentation) > len(leading_space(construct.above))
    return around.stray < around.end or is_inside


def _constructs(above: str, below: str, language: str) -> list[_Construct]:
    """The blocks around a line, innermost first; where there are none in sight, all that is."""
    scanned = scan(above, language)
    blocks = [at for at in scanned.unclosed if above[at] == "{"]
    starts = [statement_start(above, scanned, at) for at in reversed(blocks)]
    found = [_Construct(above[start:], below, True) for start in dict.fromkeys(starts)]
    if found:
        return found[:_LEVELS]
    strays = _stray(above, language)
    visible = above[above.find("\n", strays[-1]) + 1 :] if strays else above
    return [_Construct(visible, below, False)]


def _stray(code: str, language: str) -> list[int]:
    """Offsets of the brackets that close something out of sight."""
    scanned = scan(code, language)
    return [
        at for at in scanned.brackets if code[at] not in CLOSERS and at not in scanned.opener_of
    ]


def _lines_around(site: Site) -> tuple[str, str]:
    lines = site.code[: len(site.code) - len(site.typed)].split("\n")
    above = "\n".join(lines[-_REACH - 1 :])
    below = site.suffix.split("\n")[1 : _REACH + 1]
    return above[beginning(above, site.language) :], "\n" + "\n".join(below)


def _in_long_string(site: Site) -> bool:
    code = site.code
    span = scan(code, site.language).covering(len(code) - 1)
    if site.place != "string" or span is None:
        return site.place == "string"
    return "\n" in code[span.start :] or code.startswith(_LONG_QUOTES, span.start)
