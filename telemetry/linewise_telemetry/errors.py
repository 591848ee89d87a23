"""Errors of telemetry; each message says what is wrong and what to do.

TelemetryError
├── RegistryError      events.yaml contradicts itself
├── FieldError         a value that the registry does not allow
├── ConsentError       the consent file cannot be written
├── FeedbackError      feedback that cannot be taken as it is
│   └── NotKeptError   feedback that the disk does not take
├── ExportError        a file that is no export of the dashboard (worklist.py)
└── CollectorError     the collector cannot start or do what its operator asked
    └── DatabaseUrlError  what was given is no database's URL
"""

from __future__ import annotations


class TelemetryError(Exception):
    """Anything that telemetry tells its user about; `str()` is the whole message."""

    exit_code = 1
    """What a command ends with: 1 where it was asked rightly and failed, 2 where it was misused."""


class RegistryError(TelemetryError):
    """The event registry contradicts itself."""


class FieldError(TelemetryError):
    """A value that the registry does not allow; the message never holds the value."""

    def __init__(self, event: str, field: str, why: str) -> None:
        super().__init__(f"{event}.{field}: {why}")


class ConsentError(TelemetryError):
    """The user's choice cannot be kept."""


class FeedbackError(TelemetryError):
    """Feedback that cannot be taken as it is; nothing of it is lost."""

    exit_code = 2


class NotKeptError(FeedbackError):
    """Feedback that the disk does not take."""

    exit_code = 1


class CollectorError(TelemetryError):
    """The collector cannot start or do what its operator asked."""


class DatabaseUrlError(CollectorError):
    """What was given is no database's URL."""

    exit_code = 2
