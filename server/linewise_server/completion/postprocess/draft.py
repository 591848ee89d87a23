"""The value that the filters pass on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from linewise_server.completion.shape import Shape, Site


@dataclass(frozen=True, slots=True)
class Draft:
    """Text to insert at the cursor."""

    text: str
    replace: int
    """Code points after the cursor, on its line, that the text replaces."""


Filter = Callable[[Draft, Site, Shape], Draft | None]
"""One rule: the draft as it should be, unchanged where the rule does not apply, None to drop it."""
