"""Stretches of a document under edits: ⟦ ⟧ marks one, an edit is what it replaces, by what."""

from __future__ import annotations

import pytest
from lsprotocol import types

from linewise_server.lsp.documents import Document
from linewise_server.lsp.drift import Drift
from linewise_server.snapshot import Snapshot


@pytest.mark.parametrize(
    ("before", "replaced", "by", "after"),
    [
        ("x = 1\n\n⟦body⟧\n", "x", "long", "long = 1\n\n⟦body⟧\n"),
        ("x = 1\n\n⟦body⟧\n", "x = 1\n", "", "\n⟦body⟧\n"),
        ("x = 1\n\n⟦body⟧\n", "x", "a\nb", "a\nb = 1\n\n⟦body⟧\n"),
        ("⟦body⟧\n\nx = 1\n", "x", "y", "⟦body⟧\n\ny = 1\n"),
        ("a\n⟦body⟧\n", "od", "o", None),
        ("a\n⟦body⟧;\n", ";", "", None),
        ("a\n⟦body⟧\n", "\nbo", "", None),
    ],
)
def test_edits_elsewhere_move_a_stretch(
    before: str, replaced: str, by: str, after: str | None
) -> None:
    text = before.replace("⟦", "").replace("⟧", "")
    document = Document(types.TextDocumentItem("file:///a", "python", 1, text), "utf-16")
    drift = Drift("file:///a")
    at, snapshot = text.index(replaced), Snapshot.of(text)
    start, end = snapshot.place(at), snapshot.place(at + len(replaced))
    where = types.Range(document.position(*start), document.position(*end))
    drift.follow(document, document.apply(types.TextDocumentContentChangePartial(where, by)))
    moved = drift.moved(before.index("⟦"), before.index("⟧") - 1)
    now = document.snapshot().text()
    marked = None
    if moved is not None:
        marked = now[: moved[0]] + "⟦" + now[moved[0] : moved[1]] + "⟧" + now[moved[1] :]
    assert marked == after
