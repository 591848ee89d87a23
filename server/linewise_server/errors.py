"""Errors that the server shows to its user; each message says what is wrong and what to do.

LinewiseError
└── UsageError        the command line or a request asks for something that is not there
"""


class LinewiseError(Exception):
    """Anything that Linewise tells its user about; `str()` is the whole message."""


class UsageError(LinewiseError):
    """A request that cannot be met as it was asked."""
