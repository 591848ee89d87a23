"""The value that the filters pass on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from linewise_server.completion.shape import Shape, Site


@dataclass(frozen=True, slots=True)
class Draft:
    """Text to insert at the cursor."""

    text: str
    replace: int
    """Code points after the cursor, on its line, that the text replaces."""

    def cut(self, end: int) -> Draft:
        """The same draft with no more than `end` code points of text."""
        return Draft(self.text[:end], self.replace)


class Filter(Protocol):
    """One rule: the draft as it should be, as it was where it does not apply, None to drop it."""

    __name__: str

    def __call__(self, draft: Draft, site: Site, shape: Shape, /) -> Draft | None:
        """Apply the rule. Inside the chain every line ends in a bare newline."""
