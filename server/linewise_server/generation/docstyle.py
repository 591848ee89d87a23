"""How a file writes its documentation comments.

In: a text, its language, and a function. Out: the frame of its docstring: where it goes, how it
opens and closes, and in which style the file's others are, in words for a model. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from linewise_server.completion.shape import Site
from linewise_server.generation.construct import Construct


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a documentation comment goes, and what stands around its words."""

    start: int
    end: int
    opening: str
    closing: str
    indentation: str
    """Of its further lines, with what each of them begins with."""
    style: str


_STYLES = (
    (re.compile(r"^[ \t]+-{3,}[ \t]*$", re.MULTILINE), "in NumPy's style"),
    (
        re.compile(r"^[ \t]+(?:Args|Returns|Raises|Yields):[ \t]*$", re.MULTILINE),
        "in Google's style",
    ),
    (re.compile(r"^[ \t]+:(?:param|returns?|raises)\b", re.MULTILINE), "in Sphinx's style"),
)
"""What gives away a style of Python docstrings."""


def docstring_frame(text: str, language: str, made: Construct) -> Frame:
    """Return the frame for the docstring of a construct; one that is there is replaced."""
    if language == "python":
        return _python(text, made)
    if language in ("rust", "go"):
        return _above(text, made, "/// " if language == "rust" else "// ")
    return _block(text, made)


def python_style(text: str) -> str:
    """Return the style of a file's docstrings, in words; empty where they are plain prose."""
    return next((name for pattern, name in _STYLES if pattern.search(text)), "")


def _python(text: str, made: Construct) -> Frame:
    quotes = "'''" if text.count("'''") > text.count('"""') else '"""'
    site = Site("python", text[: made.head], text[made.head :], invoked=True)
    indentation = made.indentation + (site.unit or "    ")
    start = made.head
    end = made.docstring.end if made.docstring else made.head
    closing = quotes
    if not made.docstring and text[made.head :].split("\n", 1)[0].strip():
        # `def f(x): return x` needs a line of its own for what follows.
        end += len(text[made.head :]) - len(text[made.head :].lstrip(" \t"))
        closing = f"{quotes}\n{indentation}"
    return Frame(start, end, f"\n{indentation}{quotes}", closing, indentation, python_style(text))


def _above(text: str, made: Construct, mark: str) -> Frame:
    start = _first_comment(text, made.start, mark.strip())
    lead = made.indentation + mark
    return Frame(start, made.start, lead, "\n", lead, "")


def _block(text: str, made: Construct) -> Frame:
    above = text[: made.start].rstrip()
    start = made.start
    if (
        above.endswith("*/")
        and (opens := above.rfind("/**")) >= 0
        and "\n\n" not in text[len(above) : made.start]
    ):
        start = text.rfind("\n", 0, opens) + 1
    lead = f"{made.indentation} * "
    tags = "with @param and @returns"
    return Frame(
        start,
        made.start,
        f"{made.indentation}/**\n{lead}",
        f"\n{made.indentation} */\n",
        lead,
        tags if re.search(r"^\s*\* @(?:param|returns?)\b", text, re.MULTILINE) else "",
    )


def _first_comment(text: str, start: int, mark: str) -> int:
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].strip().startswith(mark):
            break
        start = above
    return start
