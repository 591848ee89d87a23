"""Inventories parse, or are refused with a reason; whatever comes in, nothing hangs or escapes."""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linewise_server.apidocs import inventory
from linewise_server.apidocs.errors import InventoryError
from linewise_server.apidocs.inventory import Inventory, Symbol, parse_inventory, write_inventory

HEADER = "# Sphinx inventory version 2\n# Project: thing\n# Version: 1.2\n# compressed using zlib\n"
SHARED = Path(__file__).parents[4] / "shared" / "data" / "inventories"


def v2(text: str) -> bytes:
    return HEADER.encode() + zlib.compress(text.encode())


@pytest.mark.parametrize(
    ("line", "name", "role", "path"),
    [
        ("a.join py:function 1 l/a.html#$ -", "a.join", "py:function", "l/a.html#a.join"),
        ("os py:module 0 l/os.html#module-$ Title", "os", "py:module", "l/os.html#module-os"),
        ("some  name   std:label   -1 p.html#x", "some  name", "std:label", "p.html#x"),
        ("some name std:label -1 p.html#x Its title", "some name", "std:label", "p.html#x"),
        ("operator<< cpp:function 1 p#$ -", "operator<<", "cpp:function", "p#operator<<"),
        ("naïve py:data 1 p#$ -", "naïve", "py:data", "p#naïve"),
    ],
)  # fmt: skip
def test_a_line_is_one_symbol(line: str, name: str, role: str, path: str) -> None:
    found = parse_inventory(v2(line + "\n"))
    assert found.project == "thing"
    assert found.version == "1.2"
    (symbol,) = found.symbols
    assert (symbol.name, symbol.role, symbol.path) == (name, role, path)


@pytest.mark.parametrize(
    "line",
    [
        "no role here",
        "name role 1 p#$ -",
        "name py:function first p#$ -",
        "name py:function 1 https://elsewhere.example/p#$ -",
        "name py:function 1 //elsewhere.example/p -",
        "name py:function 1 ../../p -",
        "x" * (inventory.MAX_LINE + 1) + " py:function 1 p -",
        "",
    ],
)
def test_a_line_that_says_nothing_or_leads_elsewhere_is_left_out(line: str) -> None:
    assert parse_inventory(v2(f"{line}\nok py:data 1 p#$ -\n")).symbols == (
        Symbol("ok", "py:data", "p#$"),
    )


def test_lines_of_spaces_take_no_longer_than_others() -> None:
    # Each would take 30 ms, and these five minutes, were it tried from each of its spaces.
    line = " " * (inventory.MAX_LINE - 1)
    assert parse_inventory(v2(f"{line}\n" * 10_000)).symbols == ()


def test_version_1_has_no_anchors_of_its_own() -> None:
    header = b"# Sphinx inventory version 1\n# Project: old\n# Version: 0.3\n"
    data = header + b"foo mod foo.html\nfoo.bar function foo.html\n"
    found = parse_inventory(data)
    assert [(s.role, s.path) for s in found.symbols] == [
        ("py:module", "foo.html#module-foo"),
        ("py:function", "foo.html#foo.bar"),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "first line"),
        (b"<!doctype html><title>404</title>", "first line"),
        (b"# Sphinx inventory version 3\n", "first line"),
        (b"# Sphinx inventory version 2\n# Project: x\n", "header"),
        (HEADER.replace("zlib", "lzma").encode(), "zlib"),
        (HEADER.encode() + b"not compressed", "damaged"),
        (v2("os py:module 0 p -\n")[:-8], "ends early"),
        (HEADER.encode() + zlib.compress(b"\xff\xfe"), "UTF-8"),
        (b"#" * (inventory.MAX_BYTES + 1), "bytes"),
        (HEADER.encode() + zlib.compress(b"a" * (inventory.MAX_TEXT + 1)), "inflates"),
    ],
)
def test_what_is_no_inventory_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(InventoryError, match=reason):
        parse_inventory(data)


@given(st.binary(max_size=300), st.text(max_size=300), st.booleans())
def test_any_bytes_parse_or_are_refused(data: bytes, text: str, compressed: bool) -> None:
    for case in (data, v2(text) if compressed else HEADER.encode() + text.encode()):
        with contextlib.suppress(InventoryError):
            parse_inventory(case)


def test_what_is_written_is_read_back() -> None:
    symbols = (Symbol("a.b", "py:function", "p#$"), Symbol("c", "py:data", "q#$"))
    before = Inventory("thing", "1.2", symbols)
    assert parse_inventory(write_inventory(before)) == before


def test_real_inventories_parse() -> None:
    for path in SHARED.glob("*.inv"):
        assert parse_inventory(path.read_bytes()).symbols, path.name
