"""What the model is shown, within what it can hold and what the machine can read in time.

In: an ask, its target, its surroundings, and what the engine is. Out: a `Prompt`: parts, and where
an answer to it ends. Two forms: a chat in the model's own template, whose answer is begun for it
with the code that it goes on from; and plain code that goes on, with the instruction as a comment,
for models that were not tuned for instructions or are too small to profit (measured, see `LEAST`).
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from linewise_models.engine.contract import Mark, Part, Report
from linewise_server.completion.shape import leading_space
from linewise_server.completion.syntax import Syntax
from linewise_server.generation.ask import Ask, Surroundings
from linewise_server.generation.target import Target
from linewise_server.generation.template import Message, render
from linewise_server.generation.ways import WAYS, name_of

LEAST_FOR_CHAT = 300_000_000
"""Bytes of weights from which on a model is talked to where code could go on instead. Measured with
SmolLM2-135M-Instruct on 48 functions of our own, greedy: 18 right as plain code that goes on, 20 as
a chat, 19 as a chat whose answer begins with the signature. So few show no difference, and the
first has the shortest prompt, which shares most with what the cache holds."""
PROMPT_SECONDS = 4.0
"""What reading a prompt may take before its first token comes, at the measured speed."""
LEAST_PROMPT = 256
"""Tokens that a prompt may have on however slow a machine."""
SPARE = 32
"""Tokens left for marks and the template."""
MOST_CALLS = 3
"""Lines that call a function which are shown with it."""
MOST_KNOWN, SHARE_KNOWN = 8, 8
"""Signatures that code which goes on is shown, and the part of the prompt that they may take."""
INSTRUCTION_CHARACTERS = 300
"""Room that an instruction has, written or not: what is shown of the file does not shift with its
length, so that all before it can be read while the user still writes it."""
SHARE_BEFORE, SHARE_AFTER = 0.6, 0.2
"""Of what is left for the file around the place; the rest is for what is beyond the file."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt, and how to read what follows."""

    parts: tuple[Part, ...]
    fenced: bool
    """Whether the answer stands in a fence that is open already, and ends with it."""
    stop: tuple[str, ...]
    heal: bool
    tokens: int
    """To generate at most."""


@dataclass(frozen=True, slots=True)
class Room:
    """What fits: tokens of the prompt, and how many characters a token is."""

    tokens: int
    ratio: float

    @property
    def characters(self) -> int:
        """Characters of the prompt."""
        return int(self.tokens * self.ratio)


def talks(report: Report, ask: Ask) -> bool:
    """Say whether a model is asked in its chat template."""
    if report.chat_template is None:
        return False
    # What does not go on from code of the file cannot be asked for otherwise.
    has_lead = WAYS[ask.kind].place in ("body", "below", "docstring")
    return is_large(report) or not has_lead


def is_large(report: Report) -> bool:
    """Say whether a model is large enough to follow instructions; a server's is taken to be."""
    return report.backend == "remote" or report.model_bytes >= LEAST_FOR_CHAT


def room_for(report: Report, tokens: int, ratio: float) -> Room:
    """Return what a prompt may take besides `tokens` to generate."""
    held = report.context - tokens - SPARE
    if not report.prompt_speed:
        return Room(held, ratio)
    # In steps of two: the measured speed is never twice the same, and a prompt that changes with
    # it would find nothing of itself in the cache when it is asked again.
    in_time = 2 ** int(math.log2(max(1.0, report.prompt_speed * PROMPT_SECONDS)))
    return Room(max(min(held, LEAST_PROMPT), min(held, in_time)), ratio)


def build_prompt(
    ask: Ask, target: Target, around: Surroundings, report: Report, ratio: float
) -> Prompt:
    """Return the prompt for an ask. Raises TemplateError."""
    tokens = min(WAYS[ask.kind].tokens, report.context // 3)
    room = room_for(report, tokens, ratio)
    if talks(report, ask) and report.chat_template is not None:
        messages = [Message("user", _request(ask, target, around, room))]
        begun = _answer_so_far(ask, target)
        parts = (*render(report.chat_template, messages), Part("answer", begun))
        prose = target.language == "markdown"
        return Prompt(
            tuple(part for part in parts if part.text),
            fenced=bool(begun),
            stop=() if prose else ("\n```",),
            heal=bool(begun) and not begun.endswith("\n"),
            tokens=tokens,
        )
    parts = _continued(ask, target, around, report, room)
    return Prompt(parts, fenced=False, stop=(), heal=True, tokens=tokens)


def _request(ask: Ask, target: Target, around: Surroundings, room: Room) -> str:
    """Return what is said to the model: the code, what is known of it, and last the instruction."""
    way, language = WAYS[ask.kind], name_of(ask.snapshot.language)
    detail = target.detail or ask.instruction.strip()
    order = way.instruction.format(name=target.name, language=language, detail=detail)
    fence = ask.snapshot.language
    subject = _middle(target.subject.strip("\n"), room.characters // 2)
    pieces = [f"```{fence}\n{subject}\n```"] if subject else []
    left = room.characters - len(order) - _unwritten(ask) - sum(map(len, pieces))
    before, after = _file_around(ask, target, left)
    if before or after:
        name = PurePosixPath(ask.snapshot.uri).name
        hole = "\n" if not after else f"\n… {_here(ask)} …\n"
        pieces.insert(0, f"{name}:\n```{fence}\n{before.rstrip()}{hole}{after.strip()}\n```")
        left -= len(before) + len(after)
    if calls := _calls(ask, target, shown=f"{before}{subject}{after}"):
        pieces.append("It is called so:\n```\n" + "\n".join(calls) + "\n```")
        left -= sum(map(len, calls))
    pieces[:0] = _beyond(around, left, fence)
    if ask.diagnostics and ask.kind != "fix":
        pieces.append("It is said to be wrong there:\n" + "\n".join(ask.diagnostics))
    return "\n\n".join([*pieces, order])


def _unwritten(ask: Ask) -> int:
    """Return the characters that an instruction may still become longer by."""
    written = len(ask.instruction.strip())
    return max(0, INSTRUCTION_CHARACTERS - written) if ask.kind == "instruction" else 0


def _here(ask: Ask) -> str:
    return {"selection": "the code below"}.get(WAYS[ask.kind].place, "here")


def _answer_so_far(ask: Ask, target: Target) -> str:
    """Return how the answer begins: in a fence, with the code that the model goes on from."""
    if target.language == "markdown":
        return ""
    goes_on = target.lead or target.extent == "comment"
    opening = target.opening if goes_on else ""
    return f"```{target.language}\n{target.preamble}{target.lead}{opening}"


def _continued(
    ask: Ask, target: Target, around: Surroundings, report: Report, room: Room
) -> tuple[Part, ...]:
    """Return code that goes on: what is before the place, the order as a comment, the lead."""
    text = ask.snapshot.text()
    lead_start = target.start - len(target.lead) if target.lead else target.start
    order = ""
    if ask.kind == "docstring":
        # The model reads the function before it comes to the place where it is described.
        code = _without(target.subject, text[target.start : target.end]).rstrip()
        order = _middle(code, room.characters // 2) + "\n\n\n"
    elif not target.lead:
        order = _as_comment(ask, target, room)
    elif ask.kind in ("implement", "comment"):
        order = _known(around, target, room)
    left = room.characters - len(target.lead) - len(order) - _unwritten(ask)
    before = _last_lines(text[:lead_start], max(0, int(left * (1 - SHARE_AFTER))))
    head = Part("before", before, stable=True)
    tail = Part("lead", f"{order}{target.preamble}{target.lead}", stable=True)
    opening = Part("opening", target.opening)
    if report.fim == "none" or ask.kind != "implement":
        return tuple(part for part in (head, tail, opening) if part.text)
    after = _first_lines(text[target.end :], max(0, int(left * SHARE_AFTER)))
    marks = {mark: Part(str(mark), mark=mark, stable=True) for mark in Mark}
    suffix = Part("suffix", after or "\n", stable=True)
    if report.fim == "spm":
        return (marks[Mark.SUFFIX], suffix, marks[Mark.PREFIX], head, tail, opening)
    # What can be taken back and spelt again stands behind the last mark.
    closing = (marks[Mark.SUFFIX], suffix, marks[Mark.MIDDLE], opening)
    return (marks[Mark.PREFIX], head, tail, *closing)


def _known(around: Surroundings, target: Target, room: Room) -> str:
    """Return what is known from beyond the file as comments above the lead, if anything.

    Next to it, so that the file before stays as the cache has it whatever is known. On eight
    functions that call APIs which nobody can guess, SmolLM2-135M called what exists in none
    without it and in three with it (in four with it at the beginning of the file). The standard
    library it has in its weights: of eight functions that need nothing of six signatures shown,
    most of them of it, it had four right, and five without.
    """
    signatures = _fitting(around.foreign[:MOST_KNOWN], room.characters // SHARE_KNOWN)
    if not signatures:
        return ""
    syntax = Syntax.of(target.language)
    mark = syntax.line_comment if syntax else "#"
    indentation = leading_space(target.lead)
    lines = ["What it imports:", *signatures]
    return "".join(f"{indentation}{mark} {line}\n" for line in lines)


def _as_comment(ask: Ask, target: Target, room: Room) -> str:
    """Return an order as a comment of the language, with the code that it is about."""
    syntax = Syntax.of(target.language)
    mark = syntax.line_comment if syntax else "#"
    way = WAYS[ask.kind]
    detail = target.detail or ask.instruction.strip()
    order = (
        detail
        if ask.kind == "instruction"
        else way.instruction.format(
            name=target.name, language=name_of(ask.snapshot.language), detail=detail
        )
    )
    lines = [f"{target.indentation}{mark} {line}".rstrip() for line in order.split("\n")]
    subject = _middle(target.subject.rstrip(), room.characters // 2)
    code = f"{subject}\n\n\n" if subject.strip() else ""
    return code + "\n".join(lines) + ("\n" if not target.opening.startswith("\n") else "")


def _file_around(ask: Ask, target: Target, left: int) -> tuple[str, str]:
    """Return the lines of the file before and after the subject, those next to it longest."""
    if target.file:
        return "", ""
    text = ask.snapshot.text()
    start = target.start - len(target.lead)
    before = _last_lines(text[: max(0, start)], max(0, int(left * SHARE_BEFORE)))
    after = _first_lines(text[target.end :], max(0, int(left * SHARE_AFTER)))
    return before, after


def _calls(ask: Ask, target: Target, shown: str) -> list[str]:
    """Return a few lines of the file that call what is asked about and are not shown anyway."""
    name = target.name.rpartition(".")[2]
    if not name.isidentifier():
        return []
    lines = (line.strip() for line in ask.snapshot.text().split("\n"))
    calls = (line for line in lines if re.search(rf"\b{name}\(", line) and line not in shown)
    return list(itertools.islice(dict.fromkeys(line[:200] for line in calls), MOST_CALLS))


def _beyond(around: Surroundings, left: int, fence: str) -> list[str]:
    """Return what is known from beyond the file, most important first, as far as there is room."""
    signatures = _fitting(around.signatures, left)
    samples = _fitting(around.samples, left - sum(map(len, signatures)))
    known = "\n".join(f"- {line}" for line in signatures)
    return [
        *([f"What it imports:\n{known}"] if known else []),
        *(f"How it is meant to be used:\n```{fence}\n{one.strip()}\n```" for one in samples),
    ]


def _fitting(pieces: tuple[str, ...], left: int) -> list[str]:
    found = []
    for piece in pieces:
        left -= len(piece) + 1
        if left < 0:
            break
        found.append(piece)
    return found


def _without(text: str, piece: str) -> str:
    return text.replace(piece, "", 1) if piece.strip() else text


def _middle(text: str, room: int) -> str:
    """Return a text with its middle left out where it is too long."""
    if len(text) <= room:
        return text
    return _first_lines(text, room * 2 // 3) + "…\n" + _last_lines(text, room // 3)


def _last_lines(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    cut = text.find("\n", len(text) - room - 1) + 1
    return text[cut:] if cut and room > 0 else ""


def _first_lines(text: str, room: int) -> str:
    return text if len(text) <= room else text[: text.rfind("\n", 0, room + 1) + 1]
