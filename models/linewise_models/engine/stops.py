"""Where a generated text ends: at a stop, or at the end of a line where one line is wanted.

In: the bytes of tokens as they are decoded. Out: the text that may be shown by now. Pure.
"""

from __future__ import annotations

import codecs


class StoppedText:
    """Bytes of tokens as text, cut at the first stop; holds back what may begin a stop."""

    def __init__(self, stops: tuple[str, ...], one_line: bool = False) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = stops
        self._one_line = one_line
        self._held = ""
        self.spoke = False
        self.stopped = False

    def add(self, data: bytes) -> str:
        """Return the text that these bytes make certain; `stopped` says if it is the last."""
        text = self._held + self._decoder.decode(data)
        found = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        keep = min(found) if found else len(text) - self._pending(text)
        self._held = "" if found else text[keep:]
        visible = text[:keep] if self.spoke else text[:keep].lstrip()
        self.spoke = self.spoke or bool(visible)
        self.stopped = bool(found) or (self._one_line and "\n" in visible)
        return text[:keep]

    def finish(self) -> str:
        """Return what was held back, once no stop can come any more."""
        text, self._held = self._held, ""
        return text

    def _pending(self, text: str) -> int:
        """Return how many last characters are the beginning of a stop."""
        lengths = (
            length
            for stop in self._stops
            for length in range(min(len(stop) - 1, len(text)), 0, -1)
            if text.endswith(stop[:length])
        )
        return max(lengths, default=0)
