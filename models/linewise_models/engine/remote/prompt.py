r"""From a prompt's parts to what a server is sent, and from what it says to what is new.

In: parts, and a server. Out: a `Prompt`; then, piece by piece, the text that is new. Pure.

A prompt that ends inside a token is text that the model never saw (see `vocabulary`), and a remote
server does not let us say which tokens may come next. So white space at the end of the prompt is
taken back, and the answer must begin with it. llama-server takes a grammar (GBNF), with which it
cannot do otherwise: there half a word is taken back, too, and nothing is lost. Measured with
SmolLM2-135M on llama-server, 42 places in the standard library, rest of the line exact: 0 as the
prompt stands, 3 with white space taken back (and 3 answers lost, for they began otherwise), 7 with
the last word taken back under a grammar, at the same time a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from linewise_models.engine.contract import Mark, Part, Request
from linewise_models.engine.remote.server import Server
from linewise_models.errors import EngineError

LONGEST_WORD = 32
"""Characters of a last word that are spelt again at most: each costs generation, not evaluation."""
ENDS = ("<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>")
"""Marks that end an answer, which some servers show as text; of families that we do not know."""

_WHITE = " \t\r\n"
_WORD = re.compile(rf"(?<!\w)\w{{1,{LONGEST_WORD}}}\Z|[^\w\s]\Z")
_VISIBLE = r"[ \t\r\n]* [^ \t\r\n\x00] [^\x00]*"
_ANYTHING = r"[^\x00]*"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request's prompt as a server wants it."""

    fields: dict[str, Any]
    infill: bool
    """Whether it goes to /infill."""
    healed: str
    """What was taken back, with which the answer begins."""
    ends: tuple[str, ...]
    """Texts of marks that end the answer."""


def compose(request: Request, server: Server) -> Prompt:
    """Return the prompt of a request. Raises EngineError for a mark that the model lacks."""
    constrains = server.kind == "llama.cpp"
    parts, healed = request.prompt, ""
    if request.heal:
        parts, healed = _take_back(request.prompt, words=constrains)
    prompt = _fields(parts, server)
    if constrains and (healed or request.must_speak):
        rest = _VISIBLE if request.must_speak else _ANYTHING
        prompt["grammar"] = f"root ::= {_quote(healed) + ' ' if healed else ''}{rest}"
    ends = server.family.ends if server.family else ENDS
    return Prompt(prompt, server.way == "infill", healed, ends)


@dataclass(slots=True)
class Answer:
    """What a server says, as it grows: healed, stopped, and nothing else."""

    healed: str
    stops: tuple[str, ...]
    ended: bool = False
    """Whether a stop came, or the answer went another way than what was taken back."""
    stopped: bool = False
    """Whether a stop of the request came, or the end of its one line."""
    _one_line: bool = False
    _spoke: bool = False
    _held: str = field(default="", repr=False)
    _ends: tuple[str, ...] = ()

    @classmethod
    def to(cls, prompt: Prompt, request: Request) -> Answer:
        """Return the empty answer to a prompt."""
        return cls(prompt.healed, request.stop, _one_line=request.one_line, _ends=prompt.ends)

    def add(self, text: str) -> str:
        """Return the new text that came with `text`; what may begin a stop is held back."""
        self._held += text
        if self.healed:
            shared = min(len(self.healed), len(self._held))
            if self._held[:shared] != self.healed[:shared]:
                self.ended, self._held = True, ""
                return ""
            self._held, self.healed = self._held[shared:], self.healed[shared:]
            if self.healed:
                return ""
        found = [
            (place, stop in self.stops)
            for stop in (*self.stops, *self._ends)
            if (place := self._held.find(stop)) >= 0
        ]
        if found:
            place, self.stopped = min(found)
            self.ended = True
            said, self._held = self._held[:place], ""
            return said
        visible = self._held if self._spoke else self._held.lstrip()
        self._spoke = self._spoke or bool(visible)
        if self._one_line and "\n" in visible:
            self.ended = self.stopped = True
            said, self._held = self._held, ""
            return said
        keep = len(self._held) - _pending(self._held, (*self.stops, *self._ends))
        said, self._held = self._held[:keep], self._held[keep:]
        return said

    def finish(self) -> str:
        """Return what was held back, once nothing more comes."""
        said, self._held = ("" if self.healed else self._held), ""
        return said


def _take_back(parts: Sequence[Part], words: bool) -> tuple[tuple[Part, ...], str]:
    """Take white space, or with `words` the last word where there is none, off the last text."""
    last = max((i for i, part in enumerate(parts) if part.mark), default=-1)
    text = "".join(part.text for part in parts[last + 1 :])
    kept = text.rstrip(_WHITE)
    if words and kept == text and (word := _WORD.search(text)):
        # The space before a word is part of its first token.
        kept = text[: word.start()].rstrip(_WHITE)
    if not kept and last < 0:
        # Nothing would be left to ask.
        return tuple(parts), ""
    return (*parts[: last + 1], Part("rest", kept)), text[len(kept) :]


def _fields(parts: Iterable[Part], server: Server) -> dict[str, Any]:
    if server.way == "template" and server.family is not None:
        return {"prompt": "".join(_write(part, server.family.marks) for part in parts)}
    before, after, typed = _split(parts)
    match server.way:
        case "suffix":
            # Without a suffix Ollama takes the prompt for a question to a chat model.
            return {"prompt": before + typed, "suffix": after or "\n"}
        case "infill":
            return {"input_prefix": before, "input_suffix": after, "prompt": typed}
        case _:
            return {"prompt": before + typed}


def _write(part: Part, marks: Any) -> str:
    if part.mark is None:
        return part.text
    if part.mark not in marks:
        raise EngineError(f"This model has no {part.mark} mark.")
    return str(marks[part.mark])


def _split(parts: Iterable[Part]) -> tuple[str, str, str]:
    """Return the text before the cursor, after it, and that of the cursor's line if it is apart."""
    texts = {Mark.PREFIX: "", Mark.SUFFIX: "", Mark.MIDDLE: ""}
    place = Mark.PREFIX
    for part in parts:
        if part.mark is None:
            texts[place] += part.text
        elif part.mark in texts:
            place = part.mark
        else:
            raise EngineError(f"This server cannot be told where a {part.mark} begins.")
    return texts[Mark.PREFIX], texts[Mark.SUFFIX], texts[Mark.MIDDLE]


def _quote(text: str) -> str:
    """Return a literal of GBNF (llama.cpp, grammars/README.md)."""
    codes = (f"\\x{ord(c):02X}" if ord(c) < 32 or c in '"\\' else c for c in text)
    return f'"{"".join(codes)}"'


def _pending(text: str, stops: Iterable[str]) -> int:
    """Return how many last characters are the beginning of a stop."""
    lengths = (
        length
        for stop in stops
        for length in range(min(len(stop) - 1, len(text)), 0, -1)
        if text.endswith(stop[:length])
    )
    return max(lengths, default=0)
