"""What stands right of the cursor is not said twice."""

from __future__ import annotations

import re
import unicodedata

from linewise_server.completion.lexis import CLOSERS, scan
from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site


def rest_of_line(draft: Draft, site: Site, shape: Shape) -> Draft:
    """Leave out words that stand right of the cursor; take over the punctuation that does.

    `replace` covers closing brackets, quotes and separators that the text itself contains, so that
    an editor shows one suggestion instead of two halves.
    """
    rest = site.rest
    if not rest.strip():
        return draft
    draft = Draft(_without_overlap(draft.text, rest), draft.replace)
    has_words = re.search(r"\w", rest)
    run = re.match(r"[)\]}>\"'`]*" if has_words else r"\W*", rest)
    punctuation = run[0].rstrip() if run else ""
    tail = draft.text[_closing_part(draft.text, site) :]
    for count in range(len(punctuation), 0, -1):
        taken = punctuation[:count]
        is_said = not re.search(r"[)\]}\"'`]", taken) and draft.text.rstrip().endswith(taken)
        if is_said or _contains(tail, taken):
            return Draft(draft.text, count)
    return draft


def _without_overlap(text: str, rest: str) -> str:
    """Cut the end of `text` where it is the beginning of `rest`, word by word."""
    body = text.rstrip()
    for count in range(min(len(body), len(rest)), 0, -1):
        shared = rest[:count]
        if not body.endswith(shared) or not re.search(r"\w", shared):
            continue
        left, right = body[-count - 1 : -count], rest[count : count + 1]
        splits_left = bool(left) and _one_word(left, shared[0])
        splits_right = bool(right) and _one_word(shared[-1], right)
        if not splits_left and not splits_right:
            return body[:-count]
    return text


def _one_word(left: str, right: str) -> bool:
    return bool(re.fullmatch(r"\w\w", left + right)) or unicodedata.combining(right) > 0


def _closing_part(text: str, site: Site) -> int:
    """Where in `text` the first bracket or string ends that was open at the cursor."""
    code = site.code
    whole = scan(code + text, site.language)
    ends = [
        bracket
        for bracket in whole.brackets
        if bracket >= len(code)
        and (code + text)[bracket] not in CLOSERS
        and whole.opener_of.get(bracket, -1) < len(code)
    ]
    around = whole.covering(len(code) - 1)
    if around and around.kind == "string" and around.end > len(code) and not around.is_open:
        ends.append(around.end - 1)
    return min(ends, default=len(code) + len(text)) - len(code)


def _contains(text: str, letters: str) -> bool:
    """Whether `letters` occur in `text` in this order."""
    remaining = iter(text)
    return all(letter in remaining for letter in letters)
