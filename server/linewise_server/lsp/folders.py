"""The workspace folders of a window: which of them holds a file, and what is set in each.

In: the folders, and the editor's `linewise` section of the window and of each folder. Out: of a
document its folder and its settings, and of a file whether it is left alone. A document belongs to
the innermost folder that holds it; one that no folder holds goes by the settings of the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve
from lsprotocol.types import WorkspaceFolder
from pygls.uris import to_fs_path

from linewise_server.completion.exclusion import Exclusion, Reason
from linewise_server.settings import Settings, read_folder

_NOTEBOOK = "vscode-notebook-cell"
"""The scheme of a notebook's cells; their path is the notebook's."""


class Folder:
    """One folder on disk; `own` is what is set in it and may differ from the window."""

    def __init__(self, uri: str, name: str, path: Path, exclusion: Exclusion) -> None:
        self.uri, self.name, self.path = uri, name, path
        self.own: Mapping[str, Any] = {}
        self.exclusion = exclusion


class Folders:
    """All folders of one window."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._window = Settings()
        self._elsewhere = Exclusion((), environ)
        self._open: list[Folder] = []

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
        self._elsewhere = Exclusion(settings.exclude, self._environ)
        for folder in self._open:
            folder.exclusion = self._exclusion(folder.own, folder.path)

    def change(self, added: Iterable[WorkspaceFolder], removed: Iterable[str] = ()) -> None:
        """Let folders go, by their URIs, and take others in; what is on no disk is passed over."""
        added = list(added)
        gone = {*removed, *(each.uri for each in added)}
        self._open = [folder for folder in self._open if folder.uri not in gone]
        for each in added:
            path = place_of(each.uri)
            if path is not None:
                exclusion = self._exclusion({}, path)
                self._open.append(Folder(each.uri, each.name, path, exclusion))

    def configure(self, sections: Mapping[str | None, Any]) -> list[str]:
        """Take the section of each folder by its URI; return what is wrong, in words."""
        told = []
        for folder in self._open:
            if folder.uri in sections:
                folder.own, problems = read_folder(sections[folder.uri], self._window)
                told += problems
                folder.exclusion = self._exclusion(folder.own, folder.path)
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
        return self._settings(folder.own if folder is not None else {})

    def excluded(self, path: Path) -> Reason | None:
        """Return why a file is left alone; None where it is not."""
        folder = self.holding(path)
        return (folder.exclusion if folder is not None else self._elsewhere).reason(path)

    def refresh(self) -> None:
        """Read anew what git ignores."""
        for exclusion in (self._elsewhere, *(folder.exclusion for folder in self._open)):
            exclusion.refresh()

    def _settings(self, own: Mapping[str, Any]) -> Settings:
        return evolve(self._window, **own) if own else self._window

    def _exclusion(self, own: Mapping[str, Any], path: Path) -> Exclusion:
        return Exclusion(self._settings(own).exclude, self._environ, path)


def path_of(uri: str) -> Path | None:
    """Return the path of a file URI, None for texts that are in no file of their own."""
    path = to_fs_path(uri) if urlsplit(uri).scheme == "file" else None
    return Path(path) if path else None


def place_of(uri: str) -> Path | None:
    """Return where a text is on disk: its file, or the notebook that it is a cell of."""
    parts = urlsplit(uri)
    return path_of(f"file://{parts.path}" if parts.scheme == _NOTEBOOK else uri)
