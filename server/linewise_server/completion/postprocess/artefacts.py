"""Text ends where the model stops writing code: at its own markers, a fence, a broken character."""

from __future__ import annotations

import re

from linewise_server.completion.lexis import scan
from linewise_server.completion.postprocess.draft import Draft
from linewise_server.completion.shape import Shape, Site

_MARKER = re.compile(
    "<[|\uff5c][\\w.:/\u2581-]+[|\uff5c]>"
    r"|<(?:fim[-_]\w+|file_sep|repo_?name|filename|gh_stars|issue_\w+|jupyter_\w+|endoftext)>"
    r"|<(?:PRE|SUF|MID|EOT|EOM)>|\[/?INST\]|</s>\s*\Z|\x00"
)
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_FENCED = re.compile(r"\s*```[\w+-]*\n")
_BROKEN_END = re.compile(r"[\ud800-\udfff\ufffd]+\Z")


def artefacts(draft: Draft, site: Site, shape: Shape) -> Draft:
    """Cut at the first thing that is about the code and not of it."""
    text = unfenced(markers(draft, site, shape).text, site)
    if _is_code(site) and (fence := _FENCE.search(text)):
        text = _BROKEN_END.sub("", text[: fence.start()])
    return type(draft)(text, draft.replace)


def markers(draft: Draft, site: Site, shape: Shape) -> Draft:
    """Cut at the first marker of the model's own; fences are left to who knows of them.

    The replacement character and lone surrogates at the end are half of a character whose other
    half the model did not get to write.
    """
    text = draft.text
    for marker in _MARKER.finditer(text):
        if not _is_quoted(marker.start(), text, site):
            text = text[: marker.start()]
            break
    return type(draft)(_BROKEN_END.sub("", text), draft.replace)


def unfenced(text: str, site: Site) -> str:
    """The text without a fence that a chat model puts before code."""
    opening = _FENCED.match(text)
    return text[opening.end() :] if opening and _is_code(site) else text


def _is_code(site: Site) -> bool:
    return site.language != "markdown" and site.place == "code"


def _is_quoted(at: int, text: str, site: Site) -> bool:
    """Whether this is code that talks about such things: a string that ends on its line."""
    code = site.code
    span = scan(code + text, site.language).covering(len(code) + at)
    return (
        span is not None
        and span.kind == "string"
        and not span.is_open
        and ("\n" not in (code + text)[span.start : span.end])
    )
