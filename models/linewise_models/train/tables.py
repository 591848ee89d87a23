"""TOML tables as frozen dataclasses, checked to the last key.

In: a parsed table and a dataclass of plain values, tuples, mappings and further dataclasses. Out:
its instance. A key that is unknown, missing or of the wrong type is an error that names it.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from linewise_models.errors import ConfigError

T = TypeVar("T")


def build(kind: type[T], table: Mapping[str, Any], where: str = "") -> T:
    """Return what a table says as a dataclass. Raises ConfigError."""
    known = {member.name: member for member in fields(kind)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            advice = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}."
            raise ConfigError(f"there is no key {where}{key}. {advice}")
    hints = get_type_hints(kind)
    values = {key: _value(hints[key], value, where + key) for key, value in table.items()}
    for name, member in known.items():
        required = member.default is MISSING and member.default_factory is MISSING
        if required and name not in values:
            raise ConfigError(f"{where}{name} is missing.")
    return kind(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _value(next(kind for kind in arguments if kind is not type(None)), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where} must be a list.")
        return tuple(_value(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is Mapping or is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(f"{where} must be a table.")
        if origin is None:
            return build(hint, value, f"{where}.")
        return {key: _value(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin is Literal:
        if value not in arguments:
            raise ConfigError(f"{where} must be one of: {', '.join(map(str, arguments))}.")
        return value
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ConfigError(f"{where} must be of the type {hint.__name__}, and is {value!r}.")
    return value
