"""Errors that the server shows to its user; each message says what is wrong and what to do.

LinewiseError
├── FailedError       what was asked rightly could not be done
└── UsageError        the command line or a request asks for something that is not there
"""


class LinewiseError(Exception):
    """Anything that Linewise tells its user about; `str()` is the whole message."""

    exit_code = 1
    """What a command ends with: 1 where it was asked rightly and failed, 2 where it was misused."""


class FailedError(LinewiseError):
    """What was asked rightly could not be done."""


class UsageError(LinewiseError):
    """A request that cannot be met as it was asked."""

    exit_code = 2
