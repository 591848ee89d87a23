"""Where an answer ends: a model that was not asked for one line does not know to stop after it.

In: a problem and the text said so far. Out: the part of it that is judged, and whether more text
would change that. The rules know the text around the hole and never what stood in it, so that they
are ones which a product could apply. Pure.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable
from dataclasses import dataclass

from linewise_models.evaluate.problem import Extent, Problem


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a text that answers a problem."""

    text: str
    whole: bool
    """Whether it is settled, so that the generation may stop."""


def cut(problem: Problem, text: str) -> Cut:
    """Return the part of `text` that fills the hole of `problem`."""
    found = _RULES[problem.extent](problem, text)
    if problem.ending and found.text and not found.text.endswith(problem.ending):
        return Cut(found.text + problem.ending, found.whole)
    return found


def _line(problem: Problem, text: str) -> Cut:
    """Up to the end of the first line with something on it."""
    first = re.match(r"(?:[ \t]*\n)*[^\n]*", text)
    end = first.end() if first else 0
    return Cut(text[:end], end < len(text))


def _lines(problem: Problem, text: str) -> Cut:
    """Until the text leaves the function of the hole, or comes to the line that stands below."""
    return _until(problem, text, floor=1)


def _span(problem: Problem, text: str) -> Cut:
    """As `_lines`; and until a line ends as the line of the hole does, where more of it follows."""
    found = _until(problem, text, floor=1)
    head = problem.rest.rstrip()
    if not head:
        return found
    for line in re.finditer(r"[^\n]*\n", found.text):
        said = line[0].rstrip()
        if said.endswith(head):
            return Cut(text[: line.start() + len(said) - len(head)], whole=True)
    return found


def _block(problem: Problem, text: str) -> Cut:
    """Until a line is indented less than the line of the hole; one line behind other code."""
    if problem.typed.strip():
        end = text.find("\n")
        return Cut(text, whole=False) if end < 0 else Cut(text[:end], whole=True)
    return _until(problem, text, floor=_width(problem.typed))


def _until(problem: Problem, text: str, floor: int) -> Cut:
    """Cut before a line indented less than `floor`, or one that the suffix begins with."""
    following = problem.suffix.split("\n")
    if problem.typed or not problem.rest.strip():
        del following[0]
    below = next((line.rstrip() for line in following if line.strip()), None)
    begins = 0
    for line in text.split("\n"):
        ends = begins + len(line)
        complete = ends < len(text)
        whole_line = line if begins else problem.typed + line
        leaves = bool(line.strip()) and _width(_leading(whole_line)) < floor
        repeats = complete and bool(line.strip()) and whole_line.rstrip() == below
        if leaves or repeats:
            return Cut(text[: max(0, begins - 1)], whole=True)
        begins = ends + 1
    return Cut(text, whole=False)


def _body(problem: Problem, text: str) -> Cut:
    """Until the text leaves the function whose head was given."""
    return _until(problem, text, floor=1)


_DEFINING = ("async def", "class", "def", "from", "import")


def _program(problem: Problem, text: str) -> Cut:
    """Up to the first line at the margin, behind a definition, that defines and imports nothing."""
    defined, begins = False, 0
    for line in text.split("\n"):
        at_margin = bool(line.strip()) and not line.startswith((" ", "\t", ")", "]", "}"))
        defines = re.match(r"(?:async\s+)?def\b|class\b|@", line) is not None
        harmless = defines or re.match(r"import\b|from\b|#|[A-Z_]+ =", line)
        complete = begins + len(line) < len(text)
        may_yet = not complete and (line.isupper() or any(w.startswith(line) for w in _DEFINING))
        if at_margin and defined and not harmless and not may_yet:
            return Cut(text[: max(0, begins - 1)].rstrip() + "\n", whole=True)
        defined = defined or defines
        begins += len(line) + 1
    return Cut(text, whole=False)


def _header(problem: Problem, text: str) -> Cut:
    """Up to the colon that opens the block, or the end of the line."""
    lambdas = 0
    for end, mark, depth in _scan(text):
        if mark == "lambda" and not depth:
            lambdas += 1
        elif mark == ":" and not depth:
            if not lambdas:
                return Cut(text[:end], whole=end < len(text))
            lambdas -= 1
        elif mark == "\n" and not depth:
            return Cut(text[: end - 1], whole=True)
    return Cut(text, whole=False)


def _call(problem: Problem, text: str) -> Cut:
    """Up to the bracket that closes the last call of an expression such as `a.b(c).d()`."""
    for end, mark, depth in _scan(text):
        if depth > 0:
            continue
        if mark == "\n" or depth < 0:
            return Cut(text[: end - 1], whole=True)
        if mark == ")" and text[end : end + 1] not in (".", "[", "("):
            return Cut(text[:end], whole=end < len(text))
    return Cut(text, whole=False)


_TOKENS = re.compile(
    r"""'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|['"#][^\n]*|\blambda\b|:=|[\[({\])}:\n]""",
    re.DOTALL,
)
"""Strings, also those that have not ended yet, comments, and what opens, closes or ends."""


def _scan(text: str) -> list[tuple[int, str, int]]:
    """Return where each token that matters ends, and the brackets open behind it."""
    found, depth = [], 0
    for match in _TOKENS.finditer(text):
        mark = match[0]
        depth += (mark in "([{") - (mark in ")]}") if len(mark) == 1 else 0
        found.append((match.end(), mark, depth))
    return found


def _statement(problem: Problem, text: str) -> Cut:
    """Up to the first end of a line at which no bracket or string is open."""
    for newline in re.finditer("\n", text):
        if _closed(problem.prefix + text[: newline.end()]):
            return Cut(text[: newline.start()], whole=True)
    # Never closed: then the rest of the line is the best guess at what was meant.
    return Cut(text.partition("\n")[0], whole=False)


def _closed(code: str) -> bool:
    try:
        for _ in tokenize.generate_tokens(io.StringIO(code).readline):
            pass
    except tokenize.TokenError as error:
        return "EOF in multi-line" not in str(error)
    except SyntaxError:
        return True
    return True


def _leading(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _width(space: str) -> int:
    return len(space.expandtabs(8))


_RULES: dict[Extent, Callable[[Problem, str], Cut]] = {
    "line": _line,
    "lines": _lines,
    "span": _span,
    "block": _block,
    "body": _body,
    "program": _program,
    "header": _header,
    "call": _call,
    "statement": _statement,
}

RULES = {extent: " ".join((rule.__doc__ or "").split()) for extent, rule in _RULES.items()}
"""The rules in words, for the record."""
