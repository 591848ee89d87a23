"""The client's half of telemetry: record, keep, send, and speak for the user."""
