"""Text that leaves the block of the cursor ends there."""

from __future__ import annotations

import re

from linewise_server.completion.lexis import Scan, scan, statement_start
from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Opened, Shape, Site, leading_space, opened
from linewise_server.completion.syntax import Syntax

_CLOSER = re.compile(r"[)\]}]|end\b")
LABELS = ("case", "default", "public", "private", "protected")
LABEL = re.compile(r"case\b|default\b|(?:public|private|protected)\b[^;{(]*:")
_CLAUSES_OF_TRY = ("except", "else", "finally")


def dedent(draft: Draft, site: Site, shape: Shape) -> Draft:
    """Cut before the first line that is indented less than the block that the cursor stands in.

    Lines inside strings and brackets may stand anywhere; a line that closes a bracket and a label
    may stand where the block's head does.
    """
    if "\n" not in draft.text or site.place != "code":
        return draft
    block = opened(site, Syntax.of(site.language))
    start = len(site.code) - len(site.typed)
    text = site.code[start:] + draft.text
    scanned = scan(site.code + draft.text, site.language)
    floor = _width(block.indentation if block else leading_space(text))
    begins = 0
    for line in text.split("\n"):
        is_new = begins > len(site.typed) and bool(line.strip())
        if (
            is_new
            and _leaves(line, floor, block, site)
            and not _continues(site.code + draft.text, scanned, start + begins, site)
        ):
            return draft.cut(begins - 1 - len(site.typed))
        begins += len(line) + 1
    return draft


def _leaves(line: str, floor: int, block: Opened | None, site: Site) -> bool:
    width, words = _width(leading_space(line)), line.strip()
    if width > floor or (width == floor and block is None):
        return False
    if width < floor:
        return not (site.language in ("c", "cpp") and words.startswith("#"))
    if block and block.statement == "try" and site.code[block.at] == ":":
        return not _begins_clause(words)
    return not (_CLOSER.match(words) or _begins_label(words, site.language))


def _begins_label(words: str, language: str) -> bool:
    """Whether this is, or as text streams may become, a label. Python has none."""
    if language == "python":
        return False
    return bool(LABEL.match(words)) or any(label.startswith(words) for label in LABELS)


def _begins_clause(words: str) -> bool:
    """Whether this is, or as text streams may become, a clause that a try cannot be without."""
    word = re.match(r"\w*", words)
    if word is None or word.end() == len(words):
        return any(clause.startswith(words) for clause in _CLAUSES_OF_TRY)
    return word[0] in _CLAUSES_OF_TRY


def _continues(text: str, scanned: Scan, line: int, site: Site) -> bool:
    """Whether the line that begins at `line` is the inside of a string or of brackets."""
    if scanned.place(line) != "code":
        return True
    syntax = Syntax.of(site.language)
    kinds = "([{" if syntax and syntax.by_indentation else "(["
    first = statement_start(site.code, scan(site.code, site.language), len(site.code))
    depth = 0
    for bracket in scanned.brackets:
        if first <= bracket < line:
            if text[bracket] in kinds:
                depth += 1
            elif scanned.opener_of.get(bracket, -1) >= first:
                depth -= text[scanned.opener_of[bracket]] in kinds
    return depth > 0


def _width(space: str) -> int:
    return len(space.expandtabs(8))
