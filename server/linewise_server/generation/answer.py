"""What of a model's answer is code, and whether there is more of it to wait for.

In: what the model said so far, the target, and the text before it. Out: a `Reading`: the text as it
would stand in the document, without what is put around it. Read anew with each token, so that what
streams into an editor is never a fence, a farewell or the next function. Never adds a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from linewise_server.completion.lexis import scan
from linewise_server.completion.postprocess import enough
from linewise_server.completion.postprocess.artefacts import markers
from linewise_server.completion.postprocess.block_end import end_of_block
from linewise_server.completion.postprocess.dedent import dedent
from linewise_server.completion.postprocess.draft import Draft, Filter
from linewise_server.completion.postprocess.indentation import indentation
from linewise_server.completion.postprocess.loops import loops
from linewise_server.completion.postprocess.trailing_space import trailing_space
from linewise_server.completion.shape import Site, leading_space
from linewise_server.generation.target import Extent, Target

WINDOW = 4000
"""Characters before the target that filters look at."""

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})([^`\n]*)$", re.MULTILINE)
_IMPORT = re.compile(r"\s*(?:import|from|use|#include|package|using)\b")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was said, as far as it is wanted."""

    text: str
    whole: bool
    """Whether more would not be taken."""


def read(said: str, target: Target, before: str, fenced: bool) -> Reading:
    """Return the wanted part of an answer.

    `before` is the text in front of it, opening included; `fenced` says that the answer began
    inside of a fence.
    """
    text = said.replace("\r\n", "\n").replace("\r", "\n")
    if target.language == "markdown":
        return Reading(text.strip(), whole=False)
    site = Site(target.language, before[-WINDOW:], "", invoked=True)
    text, closed, own = _code(text, site, goes_on=fenced or bool(target.lead))
    # A block that goes on from nothing of the document is whole, and indented as by itself.
    apart = target.extent == "paragraph" and (own or (fenced and not target.lead))
    found = _READERS["all" if apart else target.extent](text, target, site)
    return replace(found, whole=found.whole or closed)


def _code(text: str, site: Site, *, goes_on: bool) -> tuple[str, bool, bool]:
    """Return what stands in the fence, whether it was closed, and whether the answer opened it.

    `goes_on` says that the answer began with code, so that a fence behind code closes.
    """
    marks = list(_FENCE.finditer(text))
    if marks and (not goes_on or not text[: marks[0].start()].strip()):
        # A fence of its own, with or without a sentence in front.
        opened, begins = marks[0], marks[0].end() + 1
        end = next((mark for mark in marks[1:] if _closes(mark, opened[1], opened[2])), None)
        return text[begins : end.start() if end else len(text)], end is not None, True
    spans = scan(site.prefix + text, site.language) if marks else None
    at = len(site.prefix)
    end = next((m for m in marks if spans is None or spans.covering(at + m.start(2)) is None), None)
    return (text[: end.start()], True, False) if end else (text, False, False)


def _closes(mark: re.Match[str], space: str, opening: str) -> bool:
    """Say whether a fence closes another; code may have fences of its own, in its docstrings."""
    longer = mark[2].startswith(opening)
    return longer and not mark[3].strip() and len(mark[1]) <= len(space)


def _body(text: str, target: Target, site: Site) -> Reading:
    """Up to the end of the function that was begun before."""
    whole = enough(text, site, "block")
    end = end_of_block(text, site)
    if end is not None:
        text = text[:end].rstrip().removesuffix("}")
    return Reading(_filtered(text, site, (markers, indentation, dedent, loops)), whole)


def _paragraph(text: str, target: Target, site: Site) -> Reading:
    """Up to the first blank line behind which something else begins.

    What begins there is as far left as the answer itself, and no closing bracket. Imports are never
    all that was meant.
    """
    text = _filtered(text, site, (markers, indentation, dedent, loops))
    base = len(target.indentation.expandtabs(8))
    blocks = re.split(r"\n(?:[ \t]*\n)+", text.lstrip("\n"))
    if not blocks[0].strip():
        return Reading(text, whole=False)
    taken: list[str] = []
    for number, block in enumerate(blocks):
        first = block.split("\n", 1)[0]
        outside = len(leading_space(first).expandtabs(8)) <= base
        if number and outside and block.strip() and not first.lstrip().startswith((")", "]", "}")):
            said = "\n".join(taken).split("\n")
            if not all(not line.strip() or _IMPORT.match(line) for line in said):
                return Reading("\n\n".join(taken).rstrip(), whole=True)
        taken.append(block)
    return Reading(
        "\n\n".join(taken).rstrip(), enough(text, site, "block") and loops_in(text, site)
    )


def _all(text: str, target: Target, site: Site) -> Reading:
    """All of it, at the indentation of the place."""
    text = text.strip("\n").rstrip()
    looped = loops_in(text, site)
    text = _filtered(text, site, (markers, loops))
    lines = text.split("\n")
    common = min((leading_space(line) for line in lines if line.strip()), key=len, default="")
    unit = replace(site, suffix="\n" + target.subject).unit or "    "
    bare = [line[len(common) :] if line.strip() else "" for line in lines]
    least = min((len(space) for line in bare if (space := _spaces(line))), default=4)
    step = least if least in (2, 3, 4, 8) else 4
    moved = [target.indentation + _in_unit(line, step, unit) if line else "" for line in bare]
    return Reading("\n".join(moved)[len(target.indentation) :], looped)


def _comment(text: str, target: Target, site: Site) -> Reading:
    """Up to what closes the comment."""
    closers = {'"""', "'''"} & {target.closing.strip()[:3]} or {"*/"}
    found = [place for closer in closers if (place := text.find(closer)) >= 0]
    whole = bool(found)
    mark = target.indentation.strip()
    lines = text[: min(found)].split("\n") if found else text.split("\n")
    if not found and mark in ("//", "///"):
        kept = [lines[0]]
        for line in lines[1:]:
            if line.strip() and not line.strip().startswith("//"):
                whole = True
                break
            kept.append(line)
        lines = kept
    lines = [line.rstrip() for line in lines]
    bare = [lines[0].strip(), *(_unmarked(line, mark) for line in lines[1:])]
    inner = [line for line in bare[1:] if line.strip()]
    common = min((len(leading_space(line)) for line in inner), default=0)
    words = [bare[0], *(line[common:] for line in bare[1:])]
    while words and not words[-1].strip():
        words.pop()
    lead = target.indentation
    joined = "\n".join(
        word if not number else (lead + word).rstrip() for number, word in enumerate(words)
    )
    multiline = len(words) > 1 and target.closing[:1] in ('"', "'")
    text = joined + (f"\n{lead}" if multiline else "")
    looped = loops_in("\n".join(words), site)
    return Reading(loops(Draft(text, 0), site, "block").text if looped else text, whole or looped)


_READERS: dict[Extent, Callable[[str, Target, Site], Reading]] = {
    "body": _body,
    "paragraph": _paragraph,
    "all": _all,
    "comment": _comment,
}


def loops_in(text: str, site: Site) -> bool:
    """Say whether a model repeats itself."""
    draft = Draft(text, 0)
    return loops(draft, site, "block") != draft


def _filtered(text: str, site: Site, filters: tuple[Filter, ...]) -> str:
    draft: Draft | None = Draft(text, 0)
    rules: tuple[Filter, ...] = (*filters, trailing_space)
    for rule in rules:
        draft = rule(draft, site, "block") if draft is not None else None
    return draft.text.rstrip() if draft is not None else ""


def _in_unit(line: str, step: int, unit: str) -> str:
    """Return a line indented in steps of the document; `step` is how many spaces the answer's are.

    What is between two steps was aligned, and stays as it is.
    """
    space = leading_space(line)
    tabs = len(space) - len(space.lstrip("\t"))
    levels, rest = divmod(len(space) - tabs, step)
    return unit * (tabs + levels) + " " * rest + line[len(space) :]


def _spaces(line: str) -> str:
    """Return the spaces that a line begins with."""
    return line[: len(line) - len(line.lstrip(" "))]


def _unmarked(line: str, mark: str) -> str:
    """Return a line of a comment without what each of its lines begins with."""
    if not mark:
        return line
    bare = line.lstrip()
    return bare.removeprefix(mark).removeprefix(" ") if bare.startswith(mark) else bare
