"""linewise/previewFeedback, linewise/sendFeedback, linewise/myFeedback; answers as they come.

Feedback is an act of the user and works at every telemetry level; what is sent is what was shown.
Who sent some is told of its answer once, in the editor: its recipient, and nobody else, is asked at
start and every six hours, until the answer is final.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any, TypeVar

from lsprotocol import types

from linewise_server import protocol
from linewise_server.lsp.plain import field, plain
from linewise_server.lsp.server import LinewiseServer
from linewise_telemetry.client.feedback import Feedback, Item
from linewise_telemetry.client.telemetry import Telemetry

T = TypeVar("T")

NEWS_SECONDS = 6 * 3600.0
MOST_SAID = 300
"""Characters of an answer in a notice; My Feedback has the whole."""
log = logging.getLogger(__name__)


def register(server: LinewiseServer, telemetry: Telemetry) -> None:
    """Add the handlers to the server."""
    server.abilities["feedback"] = True

    able = False

    def introduced(options: Any) -> None:
        nonlocal able
        able = field(options, "tellsOfAnswers") is True

    async def begin() -> None:
        server.session.run(watch())

    def tell(notice: str) -> None:
        if able:
            answered = protocol.FeedbackAnswered(notice)
            server.protocol.notify("linewise/feedbackAnswered", protocol.to_wire(answered))
        else:
            server.window_show_message(types.ShowMessageParams(types.MessageType.Info, notice))

    async def watch() -> None:
        while True:
            try:
                for item in await _aside(telemetry.feedback_news):
                    tell(describe_answer(item))
            except Exception:  # an edge: whatever is wrong with files, answers come by hand
                log.debug("answers to feedback cannot be asked for", exc_info=True)
            await asyncio.sleep(NEWS_SECONDS)

    server.session.listeners.introduced.append(introduced)
    server.session.listeners.starting.append(begin)

    @server.feature("linewise/previewFeedback")
    async def preview(params: Any) -> Any:
        draft = await asyncio.to_thread(telemetry.preview_feedback, _feedback(params))
        return protocol.to_wire(protocol.FeedbackPreview(**asdict(draft)))

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


def describe_answer(item: Item) -> str:
    """Return an answer as one line of plain text; what a collector says is nobody's link."""
    said = " ".join(item.word.replace("](", "] (").split())
    if len(said) > MOST_SAID:
        said = said[: MOST_SAID - 1] + "… (My Feedback has the whole.)"
    excerpt = " ".join(item.excerpt.split())
    return f"Your feedback “{excerpt}” has an answer from {item.recipient.name}: {said}"


async def _aside(work: Callable[[], T]) -> T:
    """Return what `work` returns, from a thread for which no exit waits.

    A recipient that never answers would hold a thread of the loop's own, and with it the server.
    """
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:  # raised again by whoever waits
            done.set_exception(error)

    threading.Thread(target=run, name="feedback-answers", daemon=True).start()
    return await asyncio.wrap_future(done)


def _feedback(params: Any) -> Feedback:
    wire = protocol.from_wire(protocol.Feedback, plain(params))
    return Feedback(**asdict(wire) | {"attachments": tuple(wire.attachments)})


def _status(item: Item) -> protocol.FeedbackStatus:
    return protocol.FeedbackStatus(item.receipt, item.about, item.excerpt, item.status, item.answer)
