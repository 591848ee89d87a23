"""Columns as a client counts them, and as Python does. The only place that converts.

In: a line and a column in the negotiated encoding (LSP 3.17 `positionEncoding`). Out: a column in
code points, and back. A column inside a character or past the end falls back to what stands there,
as the specification asks; a line ending is never entered.
"""

from __future__ import annotations

from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]


def to_column(line: str, character: int, encoding: Encoding) -> int:
    """Return the code points before the client's `character` on `line`."""
    body = line.rstrip("\r\n")
    if encoding == "utf-32" or body.isascii():
        return min(character, len(body))
    passed = 0
    for column, char in enumerate(body):
        passed += _units(char, encoding)
        if passed > character:
            return column
    return len(body)


def to_character(line: str, column: int, encoding: Encoding) -> int:
    """Return the client's units before `column` code points of `line`."""
    if encoding == "utf-32" or line.isascii():
        return min(column, len(line))
    return sum(_units(char, encoding) for char in line[:column])


def _units(char: str, encoding: Encoding) -> int:
    if encoding == "utf-16":
        return 2 if ord(char) > 0xFFFF else 1
    return len(char.encode("utf-8", "surrogatepass"))
