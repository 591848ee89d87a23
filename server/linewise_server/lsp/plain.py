"""Untyped JSON as pygls hands it over, as plain Python values."""

from __future__ import annotations

from typing import Any


def field(value: Any, name: str) -> Any:
    """Return a member of JSON that pygls gives as an object or as a dict."""
    members = plain(value)
    return members.get(name) if isinstance(members, dict) else None


def plain(value: Any) -> Any:
    """Return pygls's named tuples for untyped JSON as plain dicts and lists."""
    if hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in value._asdict().items()}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
