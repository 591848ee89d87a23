"""What travels between a server and the engine process: JSON in authenticated messages.

In: the values of `engine.contract`. Out: bytes, and the same values again. JSON and not pickle, so
that a message can never run code. A frame is a list of messages.

    client -> host   {"do": "generate", "id": 7, "request": {…}} | {"do": "cancel", "id": 7}
                     {"do": "report", "id": 8} | {"do": "tokenise", "id": 9, "text": "…"}
    host -> client   {"welcome": true}, first of all; without it nothing is answered here
                     {"id": 7, "token": {…}} … {"id": 7, "finish": {…}} | {"id": 7, "error": "…"}
                     {"id": 8, "report": {…}} | {"id": 9, "tokens": […]} | {"loading": 0.4}
                     {"leaving": true}: what is not answered yet never will be; ask a new process
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from linewise_models.engine.contract import (
    ChatTemplate,
    Event,
    Finish,
    Mark,
    Part,
    Report,
    Request,
    Token,
    Urgency,
)

Message = dict[str, Any]


def encode(*messages: Message) -> bytes:
    """Return messages as the bytes of one frame; dataclasses in them become objects."""
    return json.dumps(messages, default=dataclasses.asdict, separators=(",", ":")).encode()


def decode(data: bytes) -> list[Message]:
    """Return the messages in a frame. Raises ValueError."""
    messages = json.loads(data)
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise ValueError("not a list of messages")
    return messages


def request_from(data: Message) -> Request:
    """Return a request as it was before `encode`. Raises TypeError or ValueError."""
    parts = tuple(
        Part(**part | {"mark": Mark(part["mark"]) if part.get("mark") else None})
        for part in data["prompt"]
    )
    values = {"prompt": parts, "stop": tuple(data["stop"]), "urgency": Urgency(data["urgency"])}
    return Request(**data | values)


def event_from(message: Message) -> Event | None:
    """Return the token or finish in a host's message; None where it carries neither."""
    if "token" in message:
        return Token(**message["token"])
    return Finish(**message["finish"]) if "finish" in message else None


def report_from(data: Message) -> Report:
    """Return a report as it was before `encode`. Raises TypeError."""
    template = data["chat_template"]
    values = {
        "devices": tuple(data["devices"]),
        "marks": tuple(data["marks"]),
        "chat_template": ChatTemplate(**template) if template else None,
    }
    return Report(**data | values)
