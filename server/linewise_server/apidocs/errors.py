"""Errors of API docs; each message says what is wrong and what to do.

ApiDocsError
├── InventoryError    a file that is no usable inventory, with the reason
├── FetchError        a host did not give an inventory
└── FetchRefusedError the user's settings do not allow this fetch
"""

from __future__ import annotations

from linewise_server.errors import LinewiseError


class ApiDocsError(LinewiseError):
    """Anything about API docs that a user is told."""


class InventoryError(ApiDocsError):
    """A file that is no usable inventory; `reason` without the file's name."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a usable docs inventory: {reason}")
        self.reason = reason


class FetchError(ApiDocsError):
    """A host did not give an inventory; the docs that are on this machine stay as they are."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason


class FetchRefusedError(ApiDocsError):
    """The user's settings do not allow this fetch."""
