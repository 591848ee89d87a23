"""Docs inventories: the bytes of an `objects.inv` in, its symbols out, and the way back.

Sphinx writes these files, and so do MkDocs and others; the format is that of
sphinx/util/inventory.py (versions 1 and 2). Linewise ships its own tables in the same format.
A file that is not an inventory, or that is larger than any real one, is refused with a reason.
Never touches the network or the disk.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from linewise_server.apidocs.errors import InventoryError

MAX_BYTES = 16 * 2**20
"""Largest file that is read; the largest of 78 real ones has 208 kB."""
MAX_TEXT = 64 * 2**20
"""Largest text after inflation; pandas' has 2.6 MB."""
MAX_LINE = 2_000

# One space before the role, not all: a line of spaces would be tried from each of them to its end.
_ROLE = re.compile(r"\s([^\s:]+:\S+)\s+(-?\d+)\s")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Symbol:
    """One documented name.

    `role` is `domain:kind` (`py:function`); `location` is relative to the docs' base URL, and a
    `$` at its end stands for the name.
    """

    name: str
    role: str
    location: str

    @property
    def kind(self) -> str:
        """`function` of `py:function`."""
        return self.role.partition(":")[2]

    @property
    def path(self) -> str:
        """`location` with the `$` replaced."""
        return self.location[:-1] + self.name if self.location.endswith("$") else self.location


@dataclass(frozen=True, slots=True)
class Inventory:
    """All symbols of one project's docs; `project` and `version` as its authors wrote them."""

    project: str
    version: str
    symbols: tuple[Symbol, ...]


def parse_inventory(data: bytes) -> Inventory:
    """Return the inventory in `data`, version 1 or 2; raises InventoryError."""
    if len(data) > MAX_BYTES:
        raise InventoryError(f"it has {len(data):,} bytes, more than {MAX_BYTES:,}")
    lines = data.split(b"\n", 4)
    header = [line.decode("utf-8", "replace").strip() for line in lines[:4]]
    version = header[0].removeprefix("# Sphinx inventory version ")
    if version not in ("1", "2"):
        raise InventoryError("its first line is not '# Sphinx inventory version 1' or '2'")
    if len(lines) < 4 or not header[1].startswith("# Project:"):
        raise InventoryError("its header ends early")
    project = header[1].removeprefix("# Project:").strip()
    release = header[2].removeprefix("# Version:").strip()
    if version == "1":
        symbols = _symbols_v1(_decode(b"\n".join(lines[3:])))
    elif "zlib" not in header[3]:
        raise InventoryError("its header does not say that it is compressed with zlib")
    else:
        symbols = _symbols_v2(_decode(_inflate(lines[4] if len(lines) > 4 else b"")))
    return Inventory(project, release, tuple(symbols))


def write_inventory(inventory: Inventory) -> bytes:
    """Return `inventory` as a version 2 file, symbols sorted, the same bytes every time."""
    rows = sorted((symbol.name, symbol.role, symbol.location) for symbol in inventory.symbols)
    text = "".join(f"{name} {role} 1 {location} -\n" for name, role, location in rows)
    header = (
        "# Sphinx inventory version 2\n"
        f"# Project: {inventory.project}\n"
        f"# Version: {inventory.version}\n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    return header.encode() + zlib.compress(text.encode(), 9)


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, MAX_TEXT)
    except zlib.error as error:
        raise InventoryError(f"its compressed part is damaged ({error})") from error
    if inflater.unconsumed_tail:
        raise InventoryError(f"it inflates to more than {MAX_TEXT:,} bytes")
    if not inflater.eof:
        raise InventoryError("its compressed part ends early")
    return text


def _decode(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise InventoryError(f"its text is not UTF-8 (byte {error.start})") from error


def _symbols_v1(text: str) -> Iterator[Symbol]:
    for line in text.split("\n"):
        fields = line.split(None, 2)
        if len(fields) != 3 or len(line) > MAX_LINE:
            continue
        name, kind, page = fields[0], fields[1], fields[2].strip()
        role, anchor = ("py:module", "module-$") if kind == "mod" else (f"py:{kind}", "$")
        yield from _checked(name, role, f"{page}#{anchor}")


def _symbols_v2(text: str) -> Iterator[Symbol]:
    for line in text.split("\n"):
        if len(line) > MAX_LINE:
            continue
        match = _ROLE.search(line, 1)
        if match:
            location = line[match.end() :].partition(" ")[0].rstrip()
            yield from _checked(line[: match.start()].rstrip(), match[1], location)


def _checked(name: str, role: str, location: str) -> Iterable[Symbol]:
    """Leave out what could lead outside the docs' own host and path."""
    page = location.partition("#")[0]
    outside = "://" in page or page.startswith(("/", "\\")) or ".." in page.split("/")
    if not outside and not _CONTROL.search(name + role + location):
        yield Symbol(name, role, location)
