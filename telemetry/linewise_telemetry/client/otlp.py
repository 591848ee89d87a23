"""A batch as an OTLP/HTTP logs request in JSON.

In: a batch of the spool. Out: the bytes that are sent, before compression; the preview shows the
same. See the OpenTelemetry protocol, section OTLP/HTTP, and the logs data model's event name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from linewise_telemetry.client.records import HOUR, Batch, Queued

if TYPE_CHECKING:
    from linewise_telemetry.events import Wire


def encode(batch: Batch, schema: int) -> bytes:
    """Return the body of a POST to /v1/logs."""
    records = [_record(event) for event in batch.events]
    resource = {
        "attributes": [_attribute("service.name", "linewise"), _attribute("schema", schema)]
    }
    scope = {"name": "linewise_telemetry"}
    body = {
        "resourceLogs": [
            {"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": records}]}
        ]
    }
    return json.dumps(body, separators=(",", ":")).encode()


def _record(event: Queued) -> dict[str, Any]:
    attributes = [_attribute("event.id", event.id)]
    attributes += [_attribute(name, value) for name, value in event.attributes.items()]
    if event.n is not None:
        attributes.append(_attribute("n", event.n))
    return {
        "timeUnixNano": str(event.hour * HOUR * 1_000_000_000),
        "eventName": event.name,
        "attributes": attributes,
    }


def _attribute(name: str, value: Wire) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"key": name, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": name, "value": {"intValue": str(value)}}
    return {"key": name, "value": {"stringValue": value}}
