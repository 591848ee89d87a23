"""Strings, comments and brackets of a text, found without a grammar.

In: text and an LSP language id. Out: `Scan`, by code-point offset. It works where a parse does not:
in half-typed lines, in a window cut out of a file, in languages without a grammar. Never decides
what code means.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

Place = Literal["code", "comment", "string"]

CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Span:
    """A comment or a string, its quotes included."""

    kind: Literal["comment", "string"]
    start: int
    end: int
    is_open: bool
    """The text ends before it does."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a text consists of, to someone who only knows quotes, comments and brackets."""

    spans: tuple[Span, ...]
    """Comments and strings, in order."""
    brackets: tuple[int, ...]
    """Offsets of the brackets that stand in code, in order."""
    opener_of: dict[int, int]
    """Offset of each closing bracket that closes something -> that of its opening bracket."""
    unclosed: tuple[int, ...]
    """Offsets of the opening brackets that are still open at the end, outermost first."""

    def covering(self, index: int) -> Span | None:
        """The comment or string that the character at `index` is part of."""
        before = bisect_right(self.spans, index, key=attrgetter("start")) - 1
        if before < 0 or self.spans[before].end <= index:
            return None
        return self.spans[before]

    def place(self, offset: int) -> Place:
        """What text typed at `offset` would become part of."""
        span = self.covering(offset - 1)
        if span is None or (offset == span.end and not span.is_open):
            return "code"
        return span.kind


@functools.lru_cache(maxsize=64)
def scan(text: str, language: str) -> Scan:
    """Scan `text`, which must begin in code."""
    spans: list[Span] = []
    brackets: list[int] = []
    opener_of: dict[int, int] = {}
    unclosed: list[int] = []
    for match in _tokens(language).finditer(text):
        kind, end = match.lastgroup or "nothing", match.end()
        start = match.start(kind)
        if kind == "bracket":
            brackets.append(start)
            if text[start] in CLOSERS:
                unclosed.append(start)
            else:
                _close(text, start, unclosed, opener_of)
        elif kind != "nothing":
            is_open = kind.endswith("_open") and end == len(text)
            spans.append(Span("comment" if kind[0] == "c" else "string", start, end, is_open))
    return Scan(tuple(spans), tuple(brackets), opener_of, tuple(unclosed))


def statement_start(text: str, scanned: Scan, offset: int) -> int:
    """Start of the line on which the statement begins that ends at `offset`.

    A line that closes brackets of earlier lines continues the line that opened them.
    """
    start = text.rfind("\n", 0, offset) + 1
    index = bisect_right(scanned.brackets, offset - 1) - 1
    while index >= 0 and scanned.brackets[index] >= start:
        opener = scanned.opener_of.get(scanned.brackets[index])
        if opener is not None and opener < start:
            start = text.rfind("\n", 0, opener) + 1
        index -= 1
    return start


@functools.lru_cache(maxsize=16)
def beginning(text: str, language: str) -> int:
    """Where code begins for certain: a window may start inside a comment or a long string.

    The first delimiter tells: one that reads like an end is one. Returns the offset of the line
    after it, or 0.
    """
    delimiter = _first_delimiter(text, language)
    if delimiter is None or not _reads_like_end(text, delimiter.start(), is_window=True):
        return 0
    after = text.find("\n", delimiter.end())
    return len(text) if after < 0 else after + 1


@functools.lru_cache(maxsize=16)
def starts_inside(text: str, language: str) -> bool:
    """Whether the text behind a place shows that the place is in a comment or a long string."""
    delimiter = _first_delimiter(text, language)
    return delimiter is not None and _reads_like_end(text, delimiter.start(), is_window=False)


def _first_delimiter(text: str, language: str) -> re.Match[str] | None:
    return re.search("\"\"\"|'''" if language == "python" else r"/\*|\*/", text)


def _reads_like_end(text: str, at: int, *, is_window: bool) -> bool:
    """Whether the delimiter at `at` ends something that began before the text."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    if text[at] in "*/":
        # A pattern such as **/*.c in a string is no end.
        return text[at] == "*" and not re.search(r"[\"'`]", line)
    if line.strip():
        return not re.search(r"(?:[=(\[{,:+%]|\breturn|\b[rRbBfFuU]{1,2})\s*$", line)
    after, _, below = text[at + 3 :].partition("\n")
    if after.strip() and not re.match(r"\s*[)\],.%#]", after):
        return False
    above = re.sub(r"\s*#[^\n]*\Z", "", text[:at].rstrip())
    if above:
        return above[-1] not in ":=(,["
    return is_window and _STATEMENT.match(below) is not None


_STATEMENT = re.compile(
    r"\s*(?:@|#|(?:class|def|from|import|if|for|raise|return|try|with|yield)\b"
    r"|[\w.]+(?:\(|\[|,| *[-+*/|&]?=))"
)
"""What code begins with and prose does not."""


def _close(text: str, closer: int, unclosed: list[int], opener_of: dict[int, int]) -> None:
    for depth in range(len(unclosed) - 1, -1, -1):
        if CLOSERS[text[unclosed[depth]]] == text[closer]:
            opener_of[closer] = unclosed[depth]
            del unclosed[depth:]
            return


@functools.cache
def _tokens(language: str) -> re.Pattern[str]:
    """One pattern for a language; its group names tell kind and whether the end was seen."""
    groups = [
        rf"(?P<{kind}{number}>{closed})|(?P<{kind}{number}_open>{unclosed})"
        for number, (kind, closed, unclosed) in enumerate(_FAMILIES[_FAMILY.get(language, "plain")])
    ]
    tokens = "|".join([r"(?P<bracket>[()\[\]{}])", *groups, r"(?P<nothing>.|\Z)"])
    return re.compile(rf"[^{_SPECIAL}]*+(?:{tokens})", re.DOTALL)


_SPECIAL = r"()\[\]{}\"'`\#/rR-"
"""What a token of any family can begin with; everything else is skipped at once."""

_Token = tuple[Literal["comment", "string"], str, str]
"""Kind, pattern where it ends properly, pattern where it does not."""


def _to_line_end(start: str) -> _Token:
    return "comment", rf"{start}[^\n]*(?=\n)", rf"{start}[^\n]*\Z"


def _within_line(quote: str) -> _Token:
    body = rf"{quote}(?:\\.|[^{quote}\\\n])*"
    return "string", body + quote, rf"{body}(?=\n|\Z)"


def _across_lines(quote: str) -> _Token:
    return "string", rf"{quote}(?:\\.|[^\\])*?{quote}", rf"{quote}.*\Z"


_NEVER = r"(?!)"
_BLOCK_COMMENT: _Token = ("comment", r"/\*.*?\*/", r"/\*.*\Z")
_CHARACTER: _Token = ("string", r"'(?:\\[^\n']{1,9}|\\'|[^'\\\n])'", _NEVER)
_TEMPLATE: _Token = ("string", r"`(?:\\.|[^`\\])*`", r"`.*\Z")
_REGEX: _Token = (
    "string",
    r"(?:(?<=[=(,:\[!&|?;{}])|(?<=[=(,:&|?;{}>] )|(?<=return ))"
    r"/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/",
    _NEVER,
)
_QUOTED_WORD: _Token = ("string", r"(?<!\w)'[^'\n]*'", _NEVER)

_FAMILIES: dict[str, tuple[_Token, ...]] = {
    "python": (
        _to_line_end("#"),
        _across_lines('"""'),
        _across_lines("'''"),
        _within_line('"'),
        _within_line("'"),
    ),
    "javascript": (
        _to_line_end("//"),
        _BLOCK_COMMENT,
        _TEMPLATE,
        _within_line('"'),
        _within_line("'"),
        _REGEX,
    ),
    "go": (
        _to_line_end("//"),
        _BLOCK_COMMENT,
        ("string", r"`[^`]*`", r"`.*\Z"),
        _within_line('"'),
        _CHARACTER,
    ),
    "rust": (
        _to_line_end("//"),
        _BLOCK_COMMENT,
        ("string", r'r(?P<hashes>\#*)".*?"(?P=hashes)', r'r\#*".*\Z'),
        _across_lines('"'),
        _CHARACTER,
    ),
    "c": (
        _to_line_end("//"),
        _BLOCK_COMMENT,
        ("string", r'R"(?P<mark>[^ ()\\\n]{0,16})\(.*?\)(?P=mark)"', _NEVER),
        _across_lines('"""'),
        _within_line('"'),
        _CHARACTER,
    ),
    "shell": (_to_line_end(r"(?<!\S)\#"), _within_line('"'), _QUOTED_WORD),
    "sql": (_to_line_end("--"), _within_line('"'), _QUOTED_WORD),
    "plain": (_within_line('"'), _QUOTED_WORD),
}

_FAMILY = {
    **dict.fromkeys(("javascript", "javascriptreact"), "javascript"),
    **dict.fromkeys(("typescript", "typescriptreact"), "javascript"),
    **dict.fromkeys(("c", "cpp", "java", "csharp", "kotlin", "swift", "scala"), "c"),
    **dict.fromkeys(("dart", "php", "objective-c", "groovy", "zig"), "c"),
    **dict.fromkeys(("ruby", "shellscript", "yaml", "toml", "perl", "r", "elixir"), "shell"),
    **dict.fromkeys(("julia", "makefile", "dockerfile", "powershell"), "shell"),
    **dict.fromkeys(("sql", "lua", "haskell", "elm"), "sql"),
    **{language: language for language in ("python", "go", "rust")},
}
