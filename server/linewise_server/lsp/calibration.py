"""What the user takes and leaves tunes how sure the model must be; kept on disk, never sent.

In: suggestions that were accepted, or read and rejected. Out: the session's least confidence, one a
model, in `calibration.json` of the user's home. With telemetry `off` nothing is learned, what was
learned is not used, and the file is removed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from linewise_server.completion.ask import Suggestion
from linewise_server.completion.calibration import Calibration, from_json, to_json
from linewise_server.lsp.session import Session
from linewise_telemetry import atomic
from linewise_telemetry.client.completions import READ_MS

log = logging.getLogger(__name__)

_MODELS = 20
"""Models remembered, the last used; more than anybody switches between."""


class Calibrations:
    """The calibrations of one user, read from `path` when first needed."""

    def __init__(self, path: Path, allowed: Callable[[], bool]) -> None:
        self._path = path
        self._allowed = allowed
        self._by_model: dict[str, Calibration] | None = None

    def of(self, model: str) -> Calibration:
        """Return what holds for a model: what was learned, as far as that may be used."""
        return self._read().get(model, Calibration()) if self._allowed() else Calibration()

    def tell(self, model: str, confidence: float, *, taken: bool) -> None:
        """Learn from one suggestion that was read. Never raises."""
        if not self._allowed():
            self._forget()
            return
        before = self.of(model)
        after = before.told(confidence, taken=taken)
        if after == before:
            return
        known = self._read()
        known.pop(model, None)
        known[model] = after
        for oldest in list(known)[:-_MODELS]:
            del known[oldest]
        try:
            rows = {name: to_json(each) for name, each in known.items()}
            atomic.write(self._path, json.dumps(rows, indent=1) + "\n")
        except OSError as error:
            log.debug("%s: %s", self._path, error)

    def _read(self) -> dict[str, Calibration]:
        if self._by_model is None:
            try:
                rows: Any = json.loads(self._path.read_text("utf-8"))
                self._by_model = {str(name): from_json(row) for name, row in rows.items()}
            except (OSError, ValueError, AttributeError):
                self._by_model = {}
        return self._by_model

    def _forget(self) -> None:
        self._by_model = {}
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.debug("%s: %s", self._path, error)


def connect(session: Session, calibrations: Calibrations) -> None:
    """Let a session's suggestions be told, and its least confidence be what was learned."""

    def accepted(_: str, suggestion: Suggestion) -> None:
        tell(suggestion, taken=True)

    def dismissed(identity: str, reason: str, shown_ms: float) -> None:
        found = session.shown.get(identity)
        # What was gone before it could be read, or gave way to another, says nothing of its worth.
        if found is not None and reason in ("rejected", "typedOver") and shown_ms >= READ_MS:
            tell(found[1], taken=False)

    def tell(suggestion: Suggestion, *, taken: bool) -> None:
        # Those that begin with a line break have a limit of their own, which stays.
        if not suggestion.text.lstrip(" \t").startswith(("\n", "\r")):
            calibrations.tell(session.settings.model, suggestion.confidence, taken=taken)

    session.least = lambda: calibrations.of(session.settings.model).least
    session.listeners.accepted.append(accepted)
    session.listeners.dismissed.append(dismissed)
