"""What an answer cost, for whoever switched tracing on.

In: an ask and the generation that answered it. Out: the trace to send. Pure.
"""

from __future__ import annotations

from linewise_server.completion.ask import Ask
from linewise_server.completion.flight import Flight
from linewise_server.protocol import Origin, Trace


def trace_of(
    ask: Ask,
    text: str,
    origin: Origin,
    filters: tuple[str, ...],
    flight: Flight | None,
    total_ms: float,
) -> Trace:
    """Return the trace of `text`; the engine's figures are those of an answer it gave itself."""
    finish = flight.finish if flight is not None and origin == "model" else None
    # A generation that said all is stopped by cancelling it; to the reader it stopped.
    reason = finish.reason if finish else "none"
    stopped = flight is not None and flight.whole and reason == "cancelled"
    return Trace(
        uri=ask.snapshot.uri,
        version=ask.snapshot.version,
        text=text,
        origin=origin,
        finish="stop" if stopped else reason,
        prompt_tokens=finish.prompt_tokens if finish else 0,
        evaluated_tokens=finish.evaluated_tokens if finish else 0,
        reused_tokens=finish.reused_tokens if finish else 0,
        generated_tokens=finish.generated_tokens if finish else 0,
        ttft_ms=finish.ttft_ms if finish else 0.0,
        total_ms=total_ms,
        filters=list(filters),
    )
