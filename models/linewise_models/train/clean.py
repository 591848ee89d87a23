"""Which files are worth learning from.

In: a file's path and text. Out: the reason to leave it out, or None. Pure; knows nothing of
licences, secrets or other files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

VENDORED = frozenset(
    {
        *("_vendor", "_vendored", "_vendored_packages", "vendor", "vendored", "third_party"),
        *("thirdparty", "extern", "externals", "_external", "node_modules", "site-packages"),
    }
)
TESTS = frozenset({"test", "tests", "testing", "_test", "_tests", "__tests__", "testdata"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file must keep to."""

    most_bytes: int = 200_000
    """Larger files are mostly generated, or tables."""
    longest_line: int = 400
    """In characters; minified code and embedded data have longer ones."""
    mean_line: int = 80
    """Mean length of the lines that are not blank."""
    fewest_lines: int = 12
    """Lines with code on them, comments not counted."""
    most_table: float = 0.35
    """Share of lines that hold nothing but literals. Lexers' tables, encodings and the like made
    the trial's model worse."""
    longest_table: int = 250
    """Consecutive lines that hold nothing but literals."""
    most_foreign: float = 0.05
    """Share of characters outside ASCII."""
    tests: bool = False
    """Whether tests are kept. They repeat themselves and hold invented data."""


def path_reason(path: str, limits: Limits) -> str | None:
    """Return why a file is left out by its path alone."""
    parts = PurePosixPath(path).parts
    if VENDORED & set(parts[:-1]):
        return "vendored copy"
    name = parts[-1]
    is_test = TESTS & set(parts[:-1]) or re.match(r"(test_.*|.*_test|conftest|tests?)\.py$", name)
    if is_test and not limits.tests:
        return "test"
    if re.search(r"_pb2(_grpc)?\.py$|\.min\.js$|_version\.py$", name) or "migrations" in parts:
        return "generated"
    return None


def decode(data: bytes, limits: Limits) -> tuple[str | None, str | None]:
    """Return a file's text with plain line ends and no reason, or no text and the reason."""
    if len(data) > limits.most_bytes:
        return None, "too large"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None, "not UTF-8"
    if "\x00" in text:
        return None, "binary"
    return text.replace("\r\n", "\n").replace("\r", "\n"), None


def text_reason(text: str, limits: Limits) -> str | None:
    """Return why a file is left out for what stands in it."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return "too little code"
    if _GENERATED.search(text[:2000]):
        return "generated"
    if max(map(len, lines)) > limits.longest_line:
        return "very long lines"
    if sum(map(len, lines)) / len(lines) > limits.mean_line:
        return "minified"
    if sum(not character.isascii() for character in text) > limits.most_foreign * len(text):
        return "mostly not ASCII"
    if _is_table(lines, limits):
        return "table"
    code = sum(not line.lstrip().startswith(("#", "//", "*", "/*")) for line in lines)
    return "too little code" if code < limits.fewest_lines else None


def is_literal(line: str) -> bool:
    """Say whether a line holds literals and signs alone, as those of a table do."""
    return _LITERALS.fullmatch(line) is not None and bool(re.search(r"[\d'\"]", line))


_GENERATED = re.compile(
    r"""^\s*(?:
        (?:\#|//|/?\*|\"\"\")?\s*(?:this\ \w+\ (?:is|was|has\ been)\ )?auto-?(?:matically\ )?gen
        | (?:\#|//|/?\*)\s*(?:this\ \w+\ (?:is|was|has\ been)\ )?generated\ (?:by|from|with)
        | (?:\#|//|/?\*).{0,80}(?:do\ not\ (?:edit|modify)|@generated)
    )""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
# Possessive, or a long number in front of a name would be tried in every division.
_LITERALS = re.compile(
    r"""\s*(?:0[xX][\da-fA-F]++[lL]?|\d[\d_.]*+(?:[eE][+-]?\d++)?[jJ]?|[\[\](){},:\s.+*|-]"""
    r"""|None|True|False|[rbuRBU]{0,2}'(?:\\.|[^'\\])*+'|[rbuRBU]{0,2}"(?:\\.|[^"\\])*+")++"""
    r"""(?:\#.*)?"""
)


def _is_table(lines: list[str], limits: Limits) -> bool:
    longest = run = total = 0
    for line in lines:
        literal = is_literal(line)
        run = run + 1 if literal else 0
        longest = max(longest, run)
        total += literal
    return longest > limits.longest_table or total > limits.most_table * len(lines)
