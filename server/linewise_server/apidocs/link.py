"""What the package answers with: a resolution, its link, or the gap where a link is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from linewise_server.apidocs.source import Span

Reason = Literal["own", "unresolved", "late", "private", "noSource", "notFetched", "notInInventory"]

EXPLANATIONS: dict[Reason, str] = {
    "own": "defined in this workspace",
    "unresolved": "no import, builtin or inferred type leads to a name",
    "late": "inference did not finish within the deadline; it goes on, ask again",
    "private": "its package is private, so its docs are never fetched: "
    "`linewise docs add PATH_OR_URL --package NAME`",
    "noSource": "neither the registry nor the package's metadata names its docs: "
    "`linewise docs add PATH_OR_URL --package NAME`",
    "notFetched": "its docs are known but not on this machine: `linewise docs refresh NAME`",
    "notInInventory": "its docs have no entry of this name",
}
"""Why there is no link, and what to do, for people."""


@dataclass(frozen=True, slots=True)
class Link:
    """A page for a symbol.

    `target` is the documented name that the page is about; `exact` is False where it is only the
    enclosing class or module (or a search page), because the symbol has no entry of its own.
    `caption` names the docs and their version.
    """

    package: str
    target: str
    url: str
    caption: str
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Resolution:
    """What stands at an offset: its full name and kind, and a link or the reason for none.

    Where it is `late`, inference had not answered by the deadline, and who asks again may hear
    more: a signature, a summary, or the link.
    """

    name: str
    kind: str
    package: str | None
    span: Span
    link: Link | None
    gap: Reason | None
    signature: str = ""
    summary: str = ""
    late: bool = False


def join_url(base: str, path: str) -> str:
    """Return the URL of a location, quoted so that it may stand in Markdown."""
    return base + quote(path, safe="/#%?=&:~!@$'*+,;-._")
