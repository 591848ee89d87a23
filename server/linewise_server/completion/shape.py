"""Where a completion is asked for, and how much of one: the rest of the line, a block, or nothing.

In: the text around the cursor. Out: `Site`, the one record that every filter reads, and its shape.
Never looks outside the window that it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from linewise_server.completion.syntax import Syntax

Shape = Literal["line", "block", "nothing"]


@dataclass(frozen=True, slots=True)
class Site:
    """The place in the text at which a completion is asked for."""

    language: str
    """LSP language id."""
    prefix: str
    """Window of text before the cursor; starts at a line start."""
    suffix: str
    """Window of text after the cursor."""
    invoked: bool
    """Asked for by hand, not by typing."""

    @property
    def typed(self) -> str:
        """The cursor's line up to the cursor, white space included."""
        return self.prefix[self.prefix.rfind("\n") + 1 :]

    @property
    def rest(self) -> str:
        """The cursor's line after the cursor, without its line ending."""
        return self.suffix.partition("\n")[0].removesuffix("\r")

    @property
    def indentation(self) -> str:
        """White space at the start of the cursor's line, up to the cursor."""
        return self.typed[: len(self.typed) - len(self.typed.lstrip())]

    @property
    def eol(self) -> str:
        """How the document ends its lines."""
        return "\r\n" if "\r\n" in self.prefix or "\r\n" in self.suffix else "\n"


def shape(site: Site, syntax: Syntax | None) -> Shape:
    """How much to ask for at this place."""
    if not site.invoked and site.rest[:1].isidentifier():
        return "nothing"
    opens = site.prefix.rstrip().endswith(":" if syntax and syntax.by_indentation else "{")
    return "block" if opens and not site.rest.strip() else "line"
