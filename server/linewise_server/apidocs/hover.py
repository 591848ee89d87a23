"""What a hover says of a symbol: a resolution in, Markdown out.

Signature, first paragraph of the docstring, and one line with the link, the name and version of the
docs. Docstrings come from installed packages: their text is shown and never taken as Markdown.
"""

from __future__ import annotations

import re

from linewise_server.apidocs.link import Link, Resolution
from linewise_telemetry.catalogue.document import Announcement

_LITERAL = re.compile(r"``([^`\n]+)``")
_ROLE = re.compile(r":[\w:]+:`~?([^`<\n]+?)(?:\s*<[^`\n]*>)?`")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#!|])")


def parts_of(resolution: Resolution, *, whole: bool, language: str) -> list[str]:
    """Return the paragraphs of a hover in Markdown; none where there is nothing to add.

    With `whole` False only the link line is given, for editors in which another server already
    shows signature and docstring.
    """
    parts = []
    if whole and resolution.signature:
        parts.append(f"```{language}\n{resolution.signature.replace('```', '')}\n```")
    if whole and resolution.summary:
        parts.append(_plain(resolution.summary))
    if resolution.link is not None:
        parts.append(link_line(resolution.link, resolution.name))
    return parts


def link_line(link: Link, name: str) -> str:
    """Return the link with the name and version of the docs it leads to."""
    url = link.url.replace("(", "%28").replace(")", "%29")
    line = f"[`{link.target}` · {_escaped(link.caption)}]({url})"
    if link.exact or name == link.target:
        return line
    return f"{line} (no entry of its own for `{name}`)"


def announcement_line(maker: str, told: Announcement) -> str:
    """Return what a maker announces, with its link; what it says is never taken as Markdown."""
    title = f"**{_escaped(maker)}: {_escaped(told.title)}**"
    if told.url:
        url = told.url.replace("(", "%28").replace(")", "%29")
        title = f"[{title}]({url})"
    return " ".join([title, _escaped(" ".join(told.text.split()))]).strip()


def _plain(text: str) -> str:
    """Return reStructuredText's literals and roles as code, everything else as it reads."""
    parts = _LITERAL.split(_ROLE.sub(r"``\1``", text))
    return "".join(f"`{part}`" if odd % 2 else _escaped(part) for odd, part in enumerate(parts))


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
