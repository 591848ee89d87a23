"""Where a stretch of a document is after the document was edited elsewhere.

In: edits, as they come. Out: offsets in code points as they are now, or that somebody changed the
stretch itself.
"""

from __future__ import annotations

from linewise_server.lsp.documents import Document, Edit


class Drift:
    """The edits of one document since a moment."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._edits: list[tuple[int, int, int]] = []

    def follow(self, document: Document, edit: Edit) -> None:
        """Take an edit into account, which the document has already."""
        if document.uri == self._uri:
            # The text before an edit is the same before and after it, and so is its length.
            offset = sum(map(len, document.lines[: edit.line])) + edit.column
            self._edits.append((offset, edit.removed, edit.inserted))

    def moved(self, start: int, end: int) -> tuple[int, int] | None:
        """Return where a stretch is now; None where an edit touched it, at its ends too."""
        for offset, removed, inserted in self._edits:
            if offset + removed < start:
                start, end = start + inserted - removed, end + inserted - removed
            elif offset <= end:
                return None
        return start, end
