"""One block was asked for: its closing brace ends the text."""

from __future__ import annotations

import re

from linewise_server.completion.lexis import scan
from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site, opened
from linewise_server.completion.syntax import Syntax

_NEXT_CLAUSE = re.compile(r"\s*(?:catch|finally)\b[^{}\n]*\{")
_LOOP_CONDITION = re.compile(r"\s*while\b[^\n]*")


def block_end(draft: Draft, site: Site, shape: Shape) -> Draft:
    """Cut behind the brace that closes the block, and what ends that line."""
    end = end_of_block(draft.text, site) if shape == "block" else None
    return draft if end is None else draft.cut(end)


def end_of_block(text: str, site: Site) -> int | None:
    """Offset in `text` behind the block that was opened before the cursor, None while it is open.

    A `try` is not a whole without its `catch`, nor a `do` without its `while`.
    """
    block = opened(site, Syntax.of(site.language))
    if block is None or site.code[block.at] != "{":
        return None
    code = site.code + text
    end = _behind_closer(code, block.at, site.language)
    while end is not None and block.statement == "try":
        clause = _NEXT_CLAUSE.match(code, end)
        if clause is None:
            break
        end = _behind_closer(code, clause.end() - 1, site.language)
    if end is None or (block.statement in ("try", "do") and not code[end:].strip()):
        return None
    if block.statement == "do" and (condition := _LOOP_CONDITION.match(code, end)):
        end = condition.end()
    line_end = code.find("\n", end) if "\n" in code[end:] else len(code)
    opens_another = scan(code[end:line_end], site.language).unclosed
    return (end if opens_another else line_end) - len(site.code)


def _behind_closer(text: str, opener: int, language: str) -> int | None:
    """The grammar knows best; where it finds no closing brace, counting may."""
    syntax = Syntax.of(language)
    line = text.rfind("\n", 0, opener) + 1
    found = syntax.parse(text[line:]).closing(opener - line) if syntax else None
    if found is not None:
        return line + found
    closers = scan(text, language).opener_of
    return next((closer + 1 for closer, of in closers.items() if of == opener), None)
