"""In which documents nothing is suggested, and why; the client hears of each that it has open.

In: settings, documents, files that say what git ignores. Out: reasons, and a status a document,
told when it is opened and when it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pygls.uris import from_fs_path, to_fs_path

from linewise_server.completion.exclusion import Exclusion, Reason
from linewise_server.lsp.documents import Document, Documents
from linewise_server.protocol import DocumentStatus
from linewise_server.settings import Settings


class Silences:
    """Why documents are left alone; what was found of a file is kept until `refresh`."""

    def __init__(
        self,
        documents: Documents,
        environ: Mapping[str, str],
        on_document: Callable[[DocumentStatus], None],
    ) -> None:
        self._documents = documents
        self._environ = environ
        self._on_document = on_document
        self._settings = Settings()
        self._exclusion = Exclusion((), environ)
        self._reasons: dict[str, Reason | None] = {}
        self._told: dict[str, DocumentStatus] = {}

    def configure(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        self._settings = settings
        self._exclusion = Exclusion(settings.exclude, self._environ)
        self._look_again()

    def refresh(self) -> None:
        """Read anew what git ignores."""
        self._exclusion.refresh()
        self._look_again()

    def reason(self, uri: str, language: str) -> str | None:
        """Return why nothing is suggested in a document, in words; None where it is."""
        reason = self._reason(uri, language)
        return reason.text if reason is not None else None

    def may_read(self, path: Path) -> bool:
        """Say whether a file may be shown to the model."""
        return self._exclusion.reason(path) is None

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

    def _look_again(self) -> None:
        self._reasons.clear()
        for document in self._documents:
            self.tell(document)

    def _reason(self, uri: str, language: str) -> Reason | None:
        if not self._settings.enable:
            return Reason("disabled", "switched off")
        if not self._settings.serves(language):
            return Reason("language", f"switched off for {language}")
        if uri not in self._reasons:
            path = to_fs_path(uri) if uri.startswith("file:") else None
            self._reasons[uri] = self._exclusion.reason(Path(path)) if path else None
        return self._reasons[uri]
