"""The workspace folders of a window: which of them holds a file, and what is set in each.

In: the folders, and the editor's `linewise` section of the window and of each folder. Out: of a
document its folder, its settings, and why nothing is suggested in it. A document belongs to the
innermost folder that holds it; one that no folder holds goes by the settings of the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve
from lsprotocol.types import WorkspaceFolder
from pygls.uris import to_fs_path

from linewise_server.completion.exclusion import Exclusion
from linewise_server.settings import Settings, read_folder

_NOTEBOOK = "vscode-notebook-cell"
"""The scheme of a notebook's cells; their path is the notebook's."""


class Folder:
    """One folder on disk; `own` is what is set in it and may differ from the window."""

    def __init__(self, uri: str, name: str, path: Path) -> None:
        self.uri, self.name, self.path = uri, name, path
        self.own: Mapping[str, Any] = {}
        self.exclusion = Exclusion((), path)


class Folders:
    """All folders of one window."""

    def __init__(self) -> None:
        self._window = Settings()
        self._elsewhere = Exclusion(())
        self._open: list[Folder] = []
        self._reasons: dict[str, str | None] = {}

    @property
    def open(self) -> Sequence[Folder]:
        """The folders in the editor's order."""
        return self._open

    @property
    def window(self) -> Settings:
        """What holds where no folder says otherwise."""
        return self._window

    @window.setter
    def window(self, settings: Settings) -> None:
        self._window = settings
        self._elsewhere = Exclusion(settings.exclude)
        for folder in self._open:
            self._exclude(folder)
        self._reasons.clear()

    def change(self, added: Iterable[WorkspaceFolder], removed: Iterable[str] = ()) -> None:
        """Let folders go, by their URIs, and take others in; what is on no disk is passed over."""
        added = list(added)
        gone = {*removed, *(each.uri for each in added)}
        self._open = [folder for folder in self._open if folder.uri not in gone]
        for each in added:
            path = place_of(each.uri)
            if path is not None:
                folder = Folder(each.uri, each.name, path)
                self._exclude(folder)
                self._open.append(folder)
        self._reasons.clear()

    def configure(self, sections: Mapping[str | None, Any]) -> list[str]:
        """Take the section of each folder by its URI; return what is wrong, in words."""
        told = []
        for folder in self._open:
            if folder.uri in sections:
                folder.own, problems = read_folder(sections[folder.uri], self._window)
                told += problems
                self._exclude(folder)
        self._reasons.clear()
        return told

    def holding(self, path: Path | None) -> Folder | None:
        """Return the innermost folder that holds a path."""
        found = [f for f in self._open if path is not None and path.is_relative_to(f.path)]
        return max(found, key=lambda folder: len(folder.path.parts), default=None)

    def settings(self, uri: str) -> Settings:
        """Return the settings of a document."""
        return self.settings_in(self.holding(place_of(uri)))

    def settings_in(self, folder: Folder | None) -> Settings:
        """Return the settings of a folder, of the window where there is none."""
        own = folder.own if folder is not None else {}
        return evolve(self._window, **own) if own else self._window

    def reason_for_silence(self, uri: str, language: str) -> str | None:
        """Return why nothing is suggested in a document, in words; None where it is."""
        settings = self.settings(uri)
        if not settings.enable:
            return "switched off"
        if not settings.serves(language):
            return f"switched off for {language}"
        if uri not in self._reasons:
            path = place_of(uri)
            self._reasons[uri] = self._exclusion(path).reason(path) if path is not None else None
        return self._reasons[uri]

    def may_read(self, path: Path) -> bool:
        """Say whether a file may be shown to the model."""
        return self._exclusion(path).reason(path) is None

    def refresh(self) -> None:
        """Read .gitignore files anew from now on."""
        for exclusion in (self._elsewhere, *(folder.exclusion for folder in self._open)):
            exclusion.refresh()
        self._reasons.clear()

    def _exclusion(self, path: Path) -> Exclusion:
        folder = self.holding(path)
        return folder.exclusion if folder is not None else self._elsewhere

    def _exclude(self, folder: Folder) -> None:
        folder.exclusion = Exclusion(self.settings_in(folder).exclude, folder.path)


def path_of(uri: str) -> Path | None:
    """Return the path of a file URI, None for texts that are in no file of their own."""
    path = to_fs_path(uri) if urlsplit(uri).scheme == "file" else None
    return Path(path) if path else None


def place_of(uri: str) -> Path | None:
    """Return where a text is on disk: its file, or the notebook that it is a cell of."""
    parts = urlsplit(uri)
    return path_of(f"file://{parts.path}" if parts.scheme == _NOTEBOOK else uri)
