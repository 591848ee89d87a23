"""Errors of catalogues; each message says what is wrong and what to do.

CatalogueError (a TelemetryError)
├── DocumentError      a file that is no catalogue, with every problem found
├── AdapterError       an adapter is not what the signed document says, or may not be had
├── SignatureError     the signature does not fit the content or the key
└── KeyChangedError    signed by another key than the one first seen
"""

from __future__ import annotations

from linewise_telemetry.errors import TelemetryError


class CatalogueError(TelemetryError):
    """Anything about catalogues that a user is told."""


class DocumentError(CatalogueError):
    """A file that is no catalogue; `problems` has one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("This is no valid catalogue:\n" + "\n".join(f"  {p}" for p in problems))
        self.problems = problems


class AdapterError(CatalogueError):
    """An adapter is not what the signed document says, or may not be had."""


class SignatureError(CatalogueError):
    """The signature does not fit the content or the key."""


class KeyChangedError(CatalogueError):
    """A catalogue signed by another key than the one that was pinned when it was added."""

    def __init__(self, catalogue: str, pinned: str, found: str) -> None:
        super().__init__(
            f"REFUSED: the catalogue {catalogue} is signed by another key than before.\n"
            f"  pinned: {pinned}\n  now:    {found}\n"
            "Somebody may have taken over its address. The copy that you have stays in use. If its"
            " maker confirms the new key, remove the catalogue and add it again."
        )
