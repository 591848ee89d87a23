"""The open documents, kept as lists of lines so that a key costs the lines that it touches.

In: LSP's open, change and close. Out: snapshots. pygls's own workspace rebuilds the whole text for
each change and splits lines where LSP does not; this takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lsprotocol import types

from linewise_server.lsp.position import Encoding, to_character, to_column
from linewise_server.snapshot import Snapshot, split_lines


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a document: from a place on, so many code points gone and so many come."""

    line: int
    column: int
    removed: int
    inserted: int


class Document:
    """One open document."""

    def __init__(self, item: types.TextDocumentItem, encoding: Encoding) -> None:
        self.uri = item.uri
        self.language = str(item.language_id)
        self.version = item.version
        self.encoding = encoding
        self.lines = split_lines(item.text)

    def apply(self, change: types.TextDocumentContentChangeEvent) -> Edit:
        """Apply one change of a didChange; positions beyond the text mean its end."""
        if not isinstance(change, types.TextDocumentContentChangePartial):
            edit = Edit(0, 0, sum(map(len, self.lines)), len(change.text))
            self.lines = split_lines(change.text)
            return edit
        start_line, start = self.locate(change.range.start)
        end_line, end = self.locate(change.range.end)
        head, tail = self.lines[start_line][:start], self.lines[end_line][end:]
        last = end_line + 1
        gone = sum(map(len, self.lines[start_line:last])) - len(head) - len(tail)
        edit = Edit(start_line, start, gone, len(change.text))
        if not head and start_line and self.lines[start_line - 1].endswith("\r"):
            # A line feed put here would join the carriage return above to one line ending.
            start_line -= 1
            head = self.lines[start_line]
        fresh = split_lines(head + change.text + tail)
        if fresh[-1] == "" and last < len(self.lines):
            # The replaced text ended a line, so the line after it begins where it did.
            fresh.pop()
        self.lines[start_line:last] = fresh
        return edit

    def locate(self, position: types.Position) -> tuple[int, int]:
        """Return line and code-point column of a client's position."""
        if position.line >= len(self.lines):
            return len(self.lines) - 1, len(self.lines[-1])
        line = self.lines[position.line]
        return position.line, to_column(line, position.character, self.encoding)

    def end_of(self, edit: Edit) -> tuple[int, int]:
        """Return the place behind what an edit put in."""
        line, column, left = edit.line, edit.column, edit.inserted
        while left > (rest := len(self.lines[line]) - column) and line + 1 < len(self.lines):
            line, column, left = line + 1, 0, left - rest
        place = min(column + left, len(self.lines[line]))
        ended = self.lines[line][:place].endswith("\n") and line + 1 < len(self.lines)
        return (line + 1, 0) if ended else (line, place)

    def position(self, line: int, column: int) -> types.Position:
        """Return the client's position of a line and a code-point column."""
        return types.Position(line, to_character(self.lines[line], column, self.encoding))

    def snapshot(self) -> Snapshot:
        """Return the document as it is now."""
        return Snapshot(self.uri, self.language, self.version, tuple(self.lines))


class Documents:
    """All open documents by URI."""

    def __init__(self) -> None:
        self.encoding: Encoding = "utf-16"
        self._open: dict[str, Document] = {}

    def open(self, item: types.TextDocumentItem) -> Document:
        """Take a document in."""
        document = self._open[item.uri] = Document(item, self.encoding)
        return document

    def change(self, params: types.DidChangeTextDocumentParams) -> list[Edit]:
        """Apply the changes of a didChange; none where the document was never opened."""
        document = self._open.get(params.text_document.uri)
        if document is None:
            return []
        document.version = params.text_document.version
        return [document.apply(change) for change in params.content_changes]

    def close(self, uri: str) -> None:
        """Let a document go."""
        self._open.pop(uri, None)

    def get(self, uri: str) -> Document | None:
        """Return an open document."""
        return self._open.get(uri)

    def __iter__(self) -> Iterator[Document]:
        return iter(self._open.values())
