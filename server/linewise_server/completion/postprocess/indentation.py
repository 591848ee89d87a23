"""Text is indented as the document is, and its first line continues what is typed."""

from __future__ import annotations

import math
import re

from linewise_server.completion.lexis import scan, statement_start
from linewise_server.completion.postprocess.dedent import LABEL
from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site, leading_space, opened
from linewise_server.completion.syntax import Syntax


def indentation(draft: Draft, site: Site, shape: Shape) -> Draft:
    """Write tabs or spaces as the document does, and indent no deeper than the place calls for.

    A model that was not shown the indentation before the cursor writes it again; one that lost
    count writes too little of it for a block.
    """
    text = draft.text
    if site.place != "code":
        return draft
    if not site.typed.strip():
        text = re.sub(r"\A(?:[ \t]*\n)+", "", text)
    return Draft(_levelled(_in_unit(text, site), site, shape), draft.replace)


def _in_unit(text: str, site: Site) -> str:
    """Tabs become the document's step, or runs of spaces tabs."""
    if site.unit is None:
        return text
    first, *others = text.split("\n")
    leads = [leading_space(line) for line in others]
    if not site.typed.strip():
        leads.append(leading_space(first))
    if site.unit != "\t":
        replaced = {lead: lead.replace("\t", site.unit) for lead in leads}
    else:
        widths = [len(lead) for lead in leads if len(lead) > 1 and "\t" not in lead]
        step = math.gcd(*widths) or 4
        step = 4 if step % 4 == 0 else 2 if step % 2 == 0 else 4
        replaced = {
            lead: lead if "\t" in lead else "\t" * (len(lead) // step) + " " * (len(lead) % step)
            for lead in leads
        }
    if not site.typed.strip():
        first = replaced[leads.pop()] + first.lstrip(" \t")
    lines = zip(leads, others, strict=True)
    return "\n".join([first, *(replaced[lead] + line[len(lead) :] for lead, line in lines)])


def _levelled(text: str, site: Site, shape: Shape) -> str:
    """Shift the first line, and those that belong to it, to the indentation of the place."""
    wanted = _wanted(site)
    before_line, line = _first_line(text)
    if wanted is None or not line:
        return text
    typed = site.typed if not before_line else ""
    if typed.strip():
        return text
    lead = leading_space(line)
    now = typed + lead
    others = text[len(before_line) + len(line) :]
    inner = [leading_space(other) for other in others.split("\n") if other.strip()]
    shallowest = min((len(lead) for lead in inner), default=0)
    excess = min(len(now) - len(wanted), len(lead))
    if excess > 0 and (typed or not before_line):
        if shallowest >= len(now):
            others = re.sub(rf"\n[ \t]{{{excess}}}", "\n", others)
        return before_line + line[excess:] + others
    missing = wanted[len(now) :]
    is_shallow = missing and len(now) <= len(wanted) - len(site.unit or "")
    if is_shallow and shape == "block" and wanted.startswith(now) and _is_body(line, site):
        if inner and shallowest < len(wanted):
            others = re.sub(r"\n(?=[ \t]*[^\s)\]}])", "\n" + missing, others)
        return before_line + lead + missing + line[len(lead) :] + others
    return text


def _first_line(text: str) -> tuple[str, str]:
    """What comes before the first line with something on it, and that line."""
    blank = re.match(r"(?:[ \t]*\n)*", text)
    start = blank.end() if blank else 0
    return text[:start], text[start:].partition("\n")[0]


def _is_body(line: str, site: Site) -> bool:
    """Whether the line has to be indented; only a grammar makes sure that it is code at all."""
    words = line.strip()
    is_code = Syntax.of(site.language) is not None
    return is_code and not (words.startswith((")", "]", "}")) or LABEL.match(words))


def _wanted(site: Site) -> str | None:
    """The deepest indentation that makes sense for a line at the cursor, None if it is open."""
    block = opened(site, Syntax.of(site.language))
    if block:
        return None if site.unit is None else block.indentation + site.unit
    code = site.code[: len(site.code) - len(site.typed)].rstrip()
    if not code:
        return "" if not site.prefix.strip() else None
    scanned = scan(code, site.language)
    syntax = Syntax.of(site.language)
    by_indentation = syntax is not None and syntax.by_indentation
    if scanned.unclosed and (by_indentation or code[scanned.unclosed[-1]] != "{"):
        return None
    if code[-1] not in (";{}" if syntax and not by_indentation else code[-1]) or code[-1] == "\\":
        return None
    return leading_space(code[statement_start(code, scanned, len(code)) :])
