"""Errors of generation; each message says what is wrong and what to do.

LinewiseError
└── UsageError
    └── PlaceError        the place has not what this way of generating needs
"""

from __future__ import annotations

from linewise_server.errors import UsageError


class PlaceError(UsageError):
    """There is nothing at the place that could be done in the way that was asked for."""
