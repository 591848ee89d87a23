"""What of a model's text is shown, or nothing: filters in order, each in a file of its own.

In: the text, the site and its shape. Out: a draft, and which filters had a say. `enough` tells while
the text streams that more of it would only be thrown away. Never asks the engine anything.
"""

from __future__ import annotations

from linewise_server.completion.postprocess.draft import Draft, Filter
from linewise_server.completion.shape import Shape, Site

__all__ = ["FILTERS", "Draft", "Filter", "enough", "postprocess"]

FILTERS: tuple[tuple[str, Filter], ...] = ()


def postprocess(text: str, site: Site, shape: Shape) -> tuple[Draft | None, tuple[str, ...]]:
    """What to show of `text`, and the names of the filters that changed or dropped it."""
    body = text.lstrip("\n")
    lead = text[: len(text) - len(body)]
    shown = lead + (body.partition("\n")[0] if shape == "line" else body)
    if not shown.strip():
        return None, ("trivial",)
    return Draft(shown.rstrip(), 0), ()


def enough(text: str, site: Site, shape: Shape) -> bool:
    """Whether generation may stop now, because more text would not be shown."""
    return shape == "line" and "\n" in text.lstrip()
