"""Incremental edits, against the plain way of doing them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from linewise_server.lsp.documents import Document, Documents
from linewise_server.lsp.position import Encoding
from linewise_server.snapshot import Snapshot, split_lines

TEXTS = st.text(alphabet="ab \r\n\fé😀\u0301", max_size=25)
ENCODINGS = st.sampled_from(["utf-8", "utf-16", "utf-32"])


def document(text: str, encoding: Encoding = "utf-16") -> Document:
    return Document(types.TextDocumentItem("file:///a.py", "python", 1, text), encoding)


@settings(max_examples=400)
@given(
    TEXTS, ENCODINGS, st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), TEXTS), max_size=6)
)
def test_edits_give_the_text_that_slicing_gives(
    text: str, encoding: Encoding, edits: list[tuple[int, int, str]]
) -> None:
    edited = document(text, encoding)
    for one, other, fresh in edits:
        plain = Snapshot.of(text)
        start, end = (plain.place(min(o, len(text))) for o in sorted((one, other)))
        # A client cannot name a place inside a line ending.
        start, end = (
            (line, min(column, len(plain.lines[line].rstrip("\r\n"))))
            for line, column in (start, end)
        )
        text = text[: plain.offset(*start)] + fresh + text[plain.offset(*end) :]
        where = types.Range(edited.position(*start), edited.position(*end))
        edited.apply(types.TextDocumentContentChangePartial(where, fresh))
        assert edited.lines == split_lines(text)


def test_a_whole_change_replaces_everything() -> None:
    edited = document("old\n")
    edited.apply(types.TextDocumentContentChangeWholeDocument("new"))
    assert edited.lines == ["new"]


def test_positions_past_the_end_are_the_end() -> None:
    edited = document("a\nb")
    assert edited.locate(types.Position(9, 9)) == (1, 1)
    assert edited.locate(types.Position(0, 9)) == (0, 1)


def test_a_snapshot_stays_as_it_was() -> None:
    edited = document("a")
    before = edited.snapshot()
    edited.apply(types.TextDocumentContentChangeWholeDocument("b"))
    assert before.text() == "a"


def test_changes_of_a_document_that_was_never_opened_are_passed_over() -> None:
    identifier = types.VersionedTextDocumentIdentifier(2, "file:///b.py")
    assert Documents().change(types.DidChangeTextDocumentParams(identifier, [])) == []
