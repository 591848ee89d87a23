"""In which documents nothing is suggested, and why; the client hears of each that it has open.

In: documents and the folders that hold them. Out: reasons, and a status a document,
told when it is opened and when it changes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pygls.uris import from_fs_path

from linewise_server.completion.exclusion import Reason
from linewise_server.lsp.documents import Document, Documents
from linewise_server.lsp.folders import Folders, place_of
from linewise_server.protocol import DocumentStatus


class Silences:
    """Why documents are left alone; what was found of a file is kept until `refresh`."""

    def __init__(
        self,
        documents: Documents,
        folders: Folders,
        on_document: Callable[[DocumentStatus], None],
    ) -> None:
        self._documents = documents
        self._folders = folders
        self._on_document = on_document
        self._reasons: dict[str, Reason | None] = {}
        self._told: dict[str, DocumentStatus] = {}

    def refresh(self) -> None:
        """Read anew what git ignores."""
        self._folders.refresh()
        self.look_again()

    def look_again(self) -> None:
        """Go by folders and settings that changed; tell what is news."""
        self._reasons.clear()
        for document in self._documents:
            self.tell(document)

    def reason(self, uri: str, language: str) -> str | None:
        """Return why nothing is suggested in a document, in words; None where it is."""
        reason = self._reason(uri, language)
        return reason.text if reason is not None else None

    def may_read(self, path: Path) -> bool:
        """Say whether a file may be shown to the model."""
        return self._folders.excluded(path) is None

    def tell(self, document: Document) -> None:
        """Say whether a document is completed, where that is news."""
        reason = self._reason(document.uri, document.language)
        status = DocumentStatus(
            document.uri,
            reason.kind if reason else None,
            reason.text if reason else "",
            from_fs_path(str(reason.source)) if reason and reason.source else None,
        )
        if self._told.get(document.uri) != status:
            self._told[document.uri] = status
            self._on_document(status)

    def forget(self, uri: str) -> None:
        """Forget a document that was closed; opened again, it is told of again."""
        self._told.pop(uri, None)

    def _reason(self, uri: str, language: str) -> Reason | None:
        settings = self._folders.settings(uri)
        if not settings.enable:
            return Reason("disabled", "switched off")
        if not settings.serves(language):
            return Reason("language", f"switched off for {language}")
        if uri not in self._reasons:
            path = place_of(uri)
            self._reasons[uri] = self._folders.excluded(path) if path is not None else None
        return self._reasons[uri]
