"""OTLP/HTTP logs requests as plain records.

In: the bytes of a request in JSON or protobuf. Out: records with a name, a time and flat
attributes. What is not of that shape is refused as a whole; whether a record may be kept is decided
elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_RECORDS = 1_000
MOST_ATTRIBUTES = 50
TIME_END = 2**64  # protobuf has no later times, and JSON gets no more than protobuf


@dataclass(frozen=True, slots=True)
class Sent:
    """One log record as it was sent; a value is None where it is no plain value."""

    name: str
    time_ns: int
    attributes: dict[str, object]


class MalformedError(Exception):
    """The request is no OTLP logs request."""


def decode_json(body: bytes) -> list[Sent]:
    """Return the records of a JSON request. Raises MalformedError."""
    try:
        return _bounded(_walk(json.loads(body)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise MalformedError from error


def decode_protobuf(body: bytes) -> list[Sent]:
    """Return the records of a protobuf request. Raises MalformedError."""
    request = ExportLogsServiceRequest()
    try:
        request.ParseFromString(body)
    except (DecodeError, UnicodeDecodeError) as error:
        raise MalformedError from error
    return _bounded(
        Sent(
            record.event_name,
            record.time_unix_nano,
            {pair.key: _plain(pair.value) for pair in record.attributes[: MOST_ATTRIBUTES + 1]},
        )
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    )


def encode_protobuf(rejected: int, message: str) -> bytes:
    """Return the protobuf answer to a request, with the number of records that were not kept."""
    response = ExportLogsServiceResponse()
    if rejected:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = message
    encoded: bytes = response.SerializeToString()
    return encoded


def _bounded(records: Iterable[Sent]) -> list[Sent]:
    kept: list[Sent] = []
    for record in records:
        if len(kept) >= MOST_RECORDS:
            raise MalformedError
        kept.append(record)
    return kept


def _walk(data: Any) -> Iterator[Sent]:
    for resource in data.get("resourceLogs", ()):
        for scope in resource.get("scopeLogs", ()):
            for record in scope.get("logRecords", ()):
                attributes = record.get("attributes", ())[: MOST_ATTRIBUTES + 1]
                time_ns = record.get("timeUnixNano", 0)
                if not isinstance(time_ns, int | str) or isinstance(time_ns, bool):
                    raise MalformedError
                moment = int(time_ns)
                if not 0 <= moment < TIME_END:
                    raise MalformedError
                yield Sent(
                    _text(record.get("eventName", "")),
                    moment,
                    {_text(pair["key"]): _value(pair["value"]) for pair in attributes},
                )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise MalformedError
    return value


def _value(value: dict[str, Any]) -> object:
    for kind, plain in value.items():
        if kind == "stringValue" and isinstance(plain, str):
            return plain
        if kind == "boolValue" and isinstance(plain, bool):
            return plain
        if kind == "intValue" and isinstance(plain, str | int) and not isinstance(plain, bool):
            return int(plain)
    return None


def _plain(value: Any) -> object:
    kind = value.WhichOneof("value")
    if kind in ("string_value", "bool_value", "int_value"):
        plain: object = getattr(value, kind)
        return plain
    return None
