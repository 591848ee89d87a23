"""Which headers a C or C++ text includes, and whether a name can come from them.

A bare name may be a project's own, declared in a header that is not read here; it is the standard
library's for certain where the text includes what declares it, which reserves the name, or where it
includes nothing but standard headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from linewise_server.apidocs.source import Span

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(<([^>\n]+)>|"[^"\n]+")', re.MULTILINE)
_BY_SECTION = {
    "algorithm": "stdlib",
    "atomic": "stdatomic",
    "chrono": "time threads",
    "chrono/c": "time threads",
    "error": "errno assert",
    "io": "stdio wchar",
    "io/c": "stdio wchar",
    "locale": "locale",
    "memory": "stdlib",
    "memory/c": "stdlib",
    "numeric/complex": "complex",
    "numeric/fenv": "fenv",
    "numeric/math": "math stdlib inttypes",
    "numeric/random": "stdlib",
    "program": "stdlib signal setjmp",
    "string/byte": "string ctype stdlib inttypes",
    "string/multibyte": "uchar wchar stdlib",
    "string/wide": "wchar wctype stdlib inttypes",
    "thread": "threads",
    "types": "stddef stdio stdlib string time wchar locale",
    "types/climits": "limits float stdlib",
    "types/integer": "stdint inttypes",
    "types/limits": "limits float stdint stdlib",
    "utility/program": "stdlib signal setjmp",
    "utility/variadic": "stdarg",
    "variadic": "stdarg",
}
"""Sections of cppreference -> the C headers that declare what they describe."""
_C_HEADERS = frozenset(
    [*" ".join(_BY_SECTION.values()).split(), "stdalign", "stdbool", "stdnoreturn", "iso646"]
)


@dataclass(frozen=True, slots=True)
class Include:
    """A header between angle brackets as it is written, and where the name stands."""

    header: str
    span: Span


def includes(text: str) -> Iterator[Include]:
    """Yield the includes with angle brackets."""
    for match in _INCLUDE.finditer(text):
        if match[2]:
            yield Include(match[2].strip(), Span(*match.span(2)))


def is_standard(header: str, language: str) -> bool:
    """Whether a header is the standard library's; a C++ one has neither path nor extension."""
    if header.endswith(".h"):
        return header[:-2] in _C_HEADERS
    return language == "cpp" and re.fullmatch(r"(experimental/)?[a-z_]+", header) is not None


def only_standard(text: str, language: str) -> bool:
    """Whether all that a text includes is the standard library."""
    return all(
        match[2] and is_standard(match[2].strip(), language) for match in _INCLUDE.finditer(text)
    )


def declares(text: str, page: str) -> bool:
    """Whether a C header that a text includes declares what a page (`c/io/fprintf`) describes."""
    included = {_c_name(each.header) for each in includes(text)}
    section = page.partition("/")[2]
    while section and section not in _BY_SECTION:
        section = section.rpartition("/")[0]
    return bool(section) and not included.isdisjoint(_BY_SECTION[section].split())


def _c_name(header: str) -> str:
    """Return `stdio` for `stdio.h` and `cstdio`."""
    return header[:-2] if header.endswith(".h") else header.removeprefix("c")
