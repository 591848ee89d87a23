"""How a request for a completion ended, for whoever counts that.

In: what was said and shown, and why the engine stopped. Out: an `Outcome`. It holds no text. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from linewise_models.engine.contract import FinishReason
from linewise_server.protocol import Origin

Result = Literal["produced", "empty", "canceled", "timeout", "failed", "filtered"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one request; `tokens` are those of the text that was at hand, in full."""

    result: Result
    total_ms: float
    """From the request to its end."""
    origin: Origin = "none"
    ttft_ms: float = 0.0
    """From asking the engine to its first text; 0 where nothing had to be waited for."""
    tokens: int = 0


def result_of(said: str | None, shown: int, reason: FinishReason | None) -> Result:
    """Return what became of a text of which `shown` suggestions were made.

    `said` is None where the user had typed something else by then.
    """
    if shown:
        return "produced"
    if said is None:
        return "canceled"
    if said.strip():
        return "filtered"
    if reason == "deadline":
        return "timeout"
    return "canceled" if reason in ("cancelled", "superseded") else "empty"
