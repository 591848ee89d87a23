"""The index answers by name, keeps what it is given, replaces by source."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from linewise_server.apidocs.index import Index
from linewise_server.apidocs.inventory import Inventory, Symbol

SYMBOLS = (
    Symbol("pkg.Class", "py:class", "p#$"),
    Symbol("pkg.Class.get", "py:method", "p#$"),
    Symbol("pkg.sub.Class.get", "py:method", "q#$"),
    Symbol("pkg.get", "py:function", "p#$"),
    Symbol("pkg.get", "py:attribute", "other#$"),
    Symbol("a label", "std:label", "p#a"),
    Symbol("arg", "c:functionParam", "p#a"),
    Symbol("tmp_path", "std:fixture", "f#$"),
)


def filled(path: Path | None) -> Index:
    index = Index(path)
    index.put("pkg", Inventory("Pkg", "1", SYMBOLS), base="b/", origin="added", source="s")
    return index


def test_names_are_found_and_labels_and_parameters_left_out(tmp_path: Path) -> None:
    index = filled(tmp_path / "deep" / "index.sqlite")
    (docset,) = index.docsets("pkg")
    assert docset.symbols == 5
    assert index.find(docset, "pkg.get") == Symbol("pkg.get", "py:function", "p#$")
    assert index.find(docset, "a label") is None
    assert index.find(docset, "arg") is None
    assert index.find(docset, "tmp_path") is not None
    index.close()


def test_ending_matches_whole_parts_shortest_first() -> None:
    index = filled(None)
    (docset,) = index.docsets()
    assert [s.name for s in index.ending(docset, "Class.get")] == [
        "pkg.Class.get",
        "pkg.sub.Class.get",
    ]
    assert [s.name for s in index.ending(docset, "ss.get")] == []
    index.close()


def test_the_same_source_replaces_and_another_stands_beside(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    index = filled(path)
    newer = Inventory("Pkg", "2", SYMBOLS[:1])
    index.put("pkg", newer, base="b/", origin="added", source="s", etag="e", checked=1.0)
    index.put("pkg", newer, base="c/", origin="fetched", source="t")
    index.close()
    index = Index(path)
    assert [(d.version, d.base, d.symbols, d.etag) for d in index.docsets("pkg")] == [
        ("2", "b/", 1, "e"),
        ("2", "c/", 1, ""),
    ]
    index.touch(index.docsets()[0], 7.0, "2.1")
    index.remove(index.docsets()[1])
    assert [d.checked for d in index.docsets()] == [7.0]
    index.close()


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(b"this is no database, however long it may be" * 100)
    index = filled(path)
    assert index.docsets("pkg")
    index.close()


def test_a_file_of_the_format_before_keeps_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    filled(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE docset DROP COLUMN sought")
        database.execute("PRAGMA user_version = 1")
    index = Index(path)
    (docset,) = index.docsets("pkg")
    assert (docset.symbols, docset.sought) == (5, "")
    index.close()


def test_two_windows_share_one_file(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    one, other = filled(path), Index(path)
    (docset,) = other.docsets("pkg")
    assert other.find(docset, "pkg.Class")
    other.remove(docset)
    assert one.docsets() == []
    one.close()
    other.close()
