"""Imports of generated code: lifted to where the file has its own, and added where they lack.

In: generated code and the document. Out: the code without its imports, and the lines to add with
the place for them. A missing import is added only where there is one answer: a module of Python's
standard library that is used by its own name, and the names of `typing` that nothing else has.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from linewise_server.completion.shape import leading_space
from linewise_server.generation.ask import Change
from linewise_server.generation.joining import join

_JAVASCRIPT = re.compile(
    r"import\b[^;\n]*(?:from\s*)?['\"][^'\"\n]+['\"];?|(?:const|let|var)\s+[\w{}\s,:]+=\s*"
    r"require\([^)\n]*\);?"
)
_LINES: dict[str, re.Pattern[str]] = {
    "python": re.compile(r"(?:import\s+[\w.][\w., ]*|from\s+[\w.]+\s+import\s+[\w*][\w., *]*)"),
    "javascript": _JAVASCRIPT,
    "javascriptreact": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
    "typescriptreact": _JAVASCRIPT,
    "java": re.compile(r"import\s+(?:static\s+)?[\w.*]+;"),
    "rust": re.compile(r"use\s+[^;\n]+;"),
    "c": re.compile(r"#\s*include\s+[<\"][^>\"\n]+[>\"]"),
    "cpp": re.compile(r"#\s*include\s+[<\"][^>\"\n]+[>\"]"),
}
"""A whole line that imports; an import of several lines stays where the model put it."""

_FUTURE = re.compile(r"from\s+__future__\s+import\b")

_TYPING = frozenset(
    {
        *("Any", "Callable", "ClassVar", "Dict", "Final", "Generic", "Iterable", "Iterator"),
        *("List", "Literal", "Mapping", "NamedTuple", "Optional", "Protocol", "Sequence", "Set"),
        *("Tuple", "Type", "TypeVar", "Union"),
    }
)


@dataclass(frozen=True, slots=True)
class Lifted:
    """Code without its imports, and the imports."""

    code: str
    imports: tuple[str, ...]


def lift(code: str, language: str) -> Lifted:
    """Take the imports off the level that the code as a whole is at."""
    pattern = _LINES.get(language)
    if pattern is None:
        return Lifted(code, ())
    lines = code.split("\n")
    others = [line for line in lines[1:] if line.strip()]
    base = min((leading_space(line) for line in others), key=len, default="")
    kept: list[str] = []
    imports: list[str] = []
    for number, line in enumerate(lines):
        level = leading_space(line) in ("", base) if number else True
        if level and pattern.fullmatch(line.strip()) and not _is_relative_use(line):
            imports.append(line.strip())
        else:
            kept.append(line)
    if not imports or not any(line.strip() for line in kept):
        return Lifted(code, ())
    while kept and not kept[0].strip():
        kept.pop(0)
    first = kept[0] if kept[0] is lines[0] else kept[0].removeprefix(base)
    return Lifted("\n".join([first, *kept[1:]]), tuple(imports))


def missing(unresolved: Iterable[str], code: str, language: str) -> tuple[str, ...]:
    """Return the imports that unresolved names call for."""
    if language != "python":
        return ()
    names = tuple(unresolved)
    modules = [
        f"import {name}"
        for name in names
        if name in sys.stdlib_module_names and re.search(rf"\b{re.escape(name)}\.\w", code)
    ]
    typing = sorted(name for name in names if name in _TYPING)
    return (*modules, *([f"from typing import {', '.join(typing)}"] if typing else []))


def add(imports: Iterable[str], text: str, language: str) -> list[Change]:
    """Return the changes that give a document imports; none where it has them all.

    A name joins the statement that imports from its module already; other lines go behind the
    imports that are there, and one of `__future__` before them all.
    """
    pattern = _LINES.get(language)
    wanted = [line for line in dict.fromkeys(imports) if not _has(text, line, language)]
    if pattern is None or not wanted:
        return []
    joined: dict[int, Change] = {}
    apart: list[str] = []
    for line in wanted:
        change = join(text, line, language)
        if change is None or change.start in joined:
            apart.append(line)
        else:
            joined[change.start] = change
    first = [line for line in apart if _FUTURE.match(line)]
    header = _behind_header(text, language)
    rest = [line for line in apart if line not in first]
    place, above = _place(text, pattern, language)
    changes = [_lines(text, rest, place, above)] if rest else []
    if first:
        if rest and place == header:
            return [*joined.values(), _lines(text, [*first, "", *rest], header, above=False)]
        changes.append(_lines(text, first, header, above=False))
    return [*joined.values(), *changes]


def _lines(text: str, lines: list[str], place: int, above: bool) -> Change:
    """Return the change that puts whole lines at a place; `above` says that imports end there."""
    eol = "\r\n" if "\r\n" in text else "\n"
    added = "".join(f"{line}{eol}" for line in lines)
    last = text[:place].rstrip("\r\n").rpartition("\n")[2]
    if above and _FUTURE.match(last):
        added = eol + added
    if place and text[place - 1] != "\n":
        # The last import is the last line of the file, and has no end.
        return Change(place, place, eol + added.removesuffix(eol))
    gap = eol if not above and text[place:].strip() and not text[place:].startswith(eol) else ""
    return Change(place, place, added + gap)


def _place(text: str, pattern: re.Pattern[str], language: str) -> tuple[int, bool]:
    """Return where imports go, and whether others stand right above."""
    last = 0
    found = False
    offset = 0
    header = _behind_header(text, language)
    for line in text.splitlines(keepends=True):
        begins, offset = offset, offset + len(line)
        bare = line.strip()
        if leading_space(line) or begins < header:
            continue
        opens = language == "python" and re.match(r"from\s+[\w.]+\s+import\s+\(", bare)
        if opens:
            closing = text.find(")", begins)
            end = text.find("\n", closing) + 1 if closing >= 0 else 0
            last, found = (end or len(text)), True
        elif pattern.fullmatch(re.sub(r"\s*#.*$", "", bare) if language == "python" else bare):
            last, found = offset, True
        elif found and bare and begins >= last and not bare.startswith(("import", "from", ")")):
            break
    return (last, True) if found else (header, False)


def _behind_header(text: str, language: str) -> int:
    """Return the place behind a shebang, leading comments and a module's docstring."""
    if language == "python":
        header = re.match(
            r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*(?:[rR]?(?:\"\"\".*?\"\"\"|'''.*?'''"
            r"|\"[^\"\n]*\"|'[^'\n]*')[ \t]*(?:\r?\n)+)?",
            text,
            re.DOTALL,
        )
    elif language in ("java", "go"):
        header = re.match(r"(?:.*?^package\b[^\n]*\n(?:\r?\n)*)?", text, re.DOTALL | re.MULTILINE)
    else:
        header = re.match(r"(?:#![^\n]*\n)?(?:/\*.*?\*/\s*\n|//[^\n]*\n)*", text, re.DOTALL)
    return header.end() if header else 0


def _has(text: str, line: str, language: str) -> bool:
    """Say whether a document has an import already, perhaps among others of one statement."""
    if re.search(rf"^[ \t]*{re.escape(line)}[ \t]*(?:#.*)?$", text, re.MULTILINE):
        return True
    found = re.fullmatch(r"from\s+([\w.]+)\s+import\s+([\w, ]+)", line)
    if language != "python" or found is None:
        return False
    module, names = re.escape(found[1]), {name.strip() for name in found[2].split(",")}
    held: set[str] = set()
    for match in re.finditer(
        rf"^from\s+{module}\s+import\s+(?:\(([^)]*)\)|([^\n#]*))", text, re.MULTILINE
    ):
        held |= {name.strip() for name in (match[1] or match[2]).split(",")}
    return names <= held


def _is_relative_use(line: str) -> bool:
    """Say whether a Rust `use` brings in what stands beside it, such as variants of an enum."""
    return line.strip().startswith(("use self::", "use Self::"))
