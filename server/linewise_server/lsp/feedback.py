"""linewise/previewFeedback, linewise/sendFeedback and linewise/myFeedback.

Feedback is an act of the user and works at every telemetry level; what is sent is what was shown.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from linewise_server import protocol
from linewise_server.lsp.plain import plain
from linewise_server.lsp.server import LinewiseServer
from linewise_telemetry.client.feedback import Feedback, Item
from linewise_telemetry.client.telemetry import Telemetry


def register(server: LinewiseServer, telemetry: Telemetry) -> None:
    """Add the handlers to the server."""
    server.abilities["feedback"] = True

    @server.feature("linewise/previewFeedback")
    async def preview(params: Any) -> Any:
        recipient, body = await asyncio.to_thread(telemetry.preview_feedback, _feedback(params))
        return protocol.to_wire(protocol.FeedbackPreview(recipient, body))

    @server.feature("linewise/sendFeedback")
    async def send(params: Any) -> Any:
        item = await asyncio.to_thread(telemetry.send_feedback, _feedback(params))
        sentence = "It was sent." if item.sent else "It is kept here and sent once that works."
        receipt = protocol.FeedbackReceipt(
            receipt=item.receipt,
            recipient=item.recipient.name,
            sent=item.sent,
            message=item.problem or sentence,
        )
        return protocol.to_wire(receipt)

    @server.feature("linewise/myFeedback")
    async def mine(_: Any) -> Any:
        items = await asyncio.to_thread(telemetry.my_feedback, ask=True)
        return protocol.to_wire([_status(item) for item in items])


def _feedback(params: Any) -> Feedback:
    wire = protocol.from_wire(protocol.Feedback, plain(params))
    return Feedback(**asdict(wire) | {"attachments": tuple(wire.attachments)})


def _status(item: Item) -> protocol.FeedbackStatus:
    return protocol.FeedbackStatus(item.receipt, item.about, item.excerpt, item.status, item.answer)
