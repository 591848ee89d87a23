"""The TypeScript of the messages that Linewise adds to LSP, written from their one definition.

In: the payload types and tables of `protocol`. Out: `extension/src/protocol.ts`, which
`python -m linewise_server.typescript` prints; a test compares the two.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

from linewise_server import protocol


def typescript() -> str:
    """Return the TypeScript module of these definitions."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "// Written by `make protocol` from `linewise_server.protocol`: change it there."
    yield 'import { NotificationType, RequestType } from "vscode-languageclient/node";'
    for name, value in vars(protocol).items():
        if dataclasses.is_dataclass(value) and isinstance(value, type):
            yield from ["", *_comment(value.__doc__ or ""), f"export interface {name} {{"]
            for field, annotation in typing.get_type_hints(value).items():
                yield f"  readonly {protocol.camel(field)}: {_type(annotation)};"
            yield "}"
    for method, (parameters, result) in protocol.REQUESTS.items():
        constant, answer = _constant(method), _type(result)
        # pygls refuses a request without parameters, so those that need none send an empty object.
        asked = "Record<string, never>" if parameters is None else _type(parameters)
        kind = f"RequestType<{asked}, {answer}, void>"
        yield from ["", f'export const {constant}Request = new {kind}("{method}");']
    for method, parameters in (protocol.TO_SERVER | protocol.TO_CLIENT).items():
        kind = f"NotificationType<{_type(parameters)}>"
        yield from ["", f'export const {_constant(method)}Notification = new {kind}("{method}");']
    yield from ["", f'export const acceptCommand = "{protocol.COMMAND_ACCEPT}";']
    yield f'export const generateCommand = "{protocol.COMMAND_GENERATE}";'


def _comment(text: str) -> list[str]:
    first, *others = inspect.cleandoc(text).splitlines()
    if not others:
        return [f"/** {first} */"]
    return ["/**", *(f" * {line}".rstrip() for line in (first, *others)), " */"]


def _constant(method: str) -> str:
    return method.rpartition("/")[2]


def _type(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(_type(argument) for argument in arguments)
    if origin is Literal:
        return " | ".join(f'"{argument}"' for argument in arguments)
    if origin is list:
        inner = _type(arguments[0])
        return f"readonly {inner}[]" if " " not in inner else f"readonly ({inner})[]"
    names = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
    return names.get(annotation) or str(annotation.__name__)


if __name__ == "__main__":
    sys.stdout.write(typescript())
