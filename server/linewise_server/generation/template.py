"""A model's own chat template, rendered without letting anybody in.

In: a template out of a model's file, and messages. Out: parts of a prompt. The template runs in
Jinja's sandbox, for a model's file is a stranger's program. Messages never pass through it: it is
given marks in their place, so that what a message says is never read as a control token, and a
file that names one cannot end its own message and begin another.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from linewise_models.engine.contract import ChatTemplate, Part
from linewise_server.errors import LinewiseError

Role = Literal["system", "user"]

LONGEST = 100_000
"""Characters of a template; the longest in use have about 20,000."""


class TemplateError(LinewiseError):
    """The template of a model cannot be used."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is said to a model."""

    role: Role
    content: str


def render(template: ChatTemplate, messages: Sequence[Message]) -> tuple[Part, ...]:
    """Return the parts of the prompt after which the model answers.

    Raises TemplateError where the template fails or leaves a message out.
    """
    marks = [f"\ufdd0{number}\ufdd1" for number in range(len(messages))]
    said = [{"role": m.role, "content": mark} for m, mark in zip(messages, marks, strict=True)]
    text = _render(template, said)
    parts: list[Part] = []
    for piece in re.split("\ufdd0(\\d+)\ufdd1", text):
        if len(parts) % 2:
            message = messages[int(piece)]
            parts.append(Part(message.role, message.content, stable=message.role == "system"))
        else:
            parts.append(Part("template", piece, special=True, stable=not parts))
    if [part.text for part in parts[1::2]] != [message.content for message in messages]:
        raise TemplateError("The model's chat template leaves out a part of what is said to it.")
    return tuple(part for part in parts if part.text)


def _render(template: ChatTemplate, messages: list[dict[str, Any]]) -> str:
    from jinja2 import TemplateError as JinjaError

    try:
        compiled = _compile(template.text)
        return str(
            compiled.render(
                messages=messages,
                add_generation_prompt=True,
                bos_token=template.bos,
                eos_token=template.eos,
                raise_exception=_refuse,
                # Those that can think aloud would, before the first line of code.
                enable_thinking=False,
            )
        )
    except (JinjaError, TypeError, ValueError, KeyError, RecursionError, OverflowError) as error:
        raise TemplateError(f"The model's chat template cannot be used: {error}") from error


@functools.lru_cache(maxsize=4)
def _compile(text: str) -> Any:
    """Return a template as its model's makers render it (transformers, chat_template_utils)."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    if len(text) > LONGEST:
        raise ValueError(f"it has {len(text)} characters")
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    return environment.from_string(text)


def _refuse(message: str) -> None:
    """Let a template say why it does not take these messages."""
    raise ValueError(message)
