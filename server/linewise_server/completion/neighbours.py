"""What others say about the code at hand: definitions by the project, samples by makers of APIs.

In: the code around the cursor, the texts of other files, and samples. Out: a quotation for the
beginning of a prompt. Pure but for `imported`, which asks whether files are there. Which files may
be read is decided by who calls; it is never decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from linewise_models.quotation import MOST_LINES, MOST_QUOTES, Definition, quote

MOST_IMPORTS = 12
"""Imported files that are looked at for one document."""
MOST_SAMPLES = 2
"""Samples beside a project's own definitions, which come first and take the room that they need."""
_NAME = re.compile(r"[^\W\d]\w{2,}")
_DEFINED = re.compile(
    r"^(?:export\s+(?:default\s+)?|pub(?:\([^)\n]*\))?\s+|public\s+|abstract\s+|static\s+)*"
    r"(?:async\s+)?(?:def|class|function\*?|fn|func|struct|enum|interface|trait|type|record)\s+"
    r"(?:\([^)\n]*\)\s*)?([^\W\d]\w{2,})",
    re.MULTILINE,
)
_PYTHON_FROM = re.compile(
    r"^\s*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|.*)", re.MULTILINE
)
_PYTHON_IMPORT = re.compile(r"^\s*import[ \t]+([\w.]+)", re.MULTILINE)
_IMPORT = re.compile(r"(?:from|import)[ \t]")
_SCRIPT_FROM = re.compile(r"""(?:from|import|require\()\s*["'](\.{1,2}/[^"']+)["']""")
_SCRIPT_ENDINGS = (".ts", ".tsx", ".js", ".jsx", ".mjs", "/index.ts", "/index.js")
_SCRIPTS = frozenset({"javascript", "javascriptreact", "typescript", "typescriptreact"})


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another file of the project: its path as people write it, and its text."""

    path: str
    text: str


def context(
    near: str,
    own: str,
    neighbours: Iterable[Neighbour],
    room: int,
    samples: Sequence[Definition] = (),
    passages: Sequence[Definition] = (),
) -> str:
    """Return the quotation that fits `room` characters; empty where nothing is related.

    `near` is the code around the cursor, whose names are looked for, those nearest its end first;
    `own` is the whole document, whose own definitions need no quotation. `samples` show how to use
    what stands near the cursor, those for the nearest first; `passages` of other files resemble it,
    the most similar first, and stand before the samples.
    """
    known: dict[str, Definition] = {}
    for neighbour in neighbours:
        for name, text in definitions(neighbour.text):
            known.setdefault(name, Definition(neighbour.path, text))
    for name, _ in definitions(own):
        known.pop(name, None)
    names = dict.fromkeys(reversed(_NAME.findall(near)))
    chosen: list[Definition] = []
    for name in names:
        if len(chosen) == MOST_QUOTES:
            break
        if name in known and len(quote([*chosen, known[name]])) <= room:
            chosen.append(known[name])
    alike: list[Definition] = []
    for passage in passages:
        if not _says(quote(chosen), passage) and len(quote([*chosen, *alike, passage])) <= room:
            alike.append(passage)
    shown: list[Definition] = []
    for sample in (_rest(each, own) for each in samples):
        if len(shown) == MOST_SAMPLES:
            break
        if sample.text and len(quote([*chosen, *alike, *shown, sample])) <= room:
            shown.append(sample)
    return quote([*_in_order(chosen), *alike, *_in_order(shown)])


def _says(quoted: str, passage: Definition) -> bool:
    """Say whether every line of a passage is quoted already."""
    return {f"# {line}" for line in passage.text.split("\n")}.issubset(quoted.split("\n"))


def _in_order(quoted: list[Definition]) -> list[Definition]:
    """Return quotations in an order that a cursor that moves about does not shuffle."""
    return sorted(quoted, key=lambda definition: (definition.path, definition.text))


def _rest(sample: Definition, own: str) -> Definition:
    """Return a sample without the imports that a document has, empty where it has all of it.

    Blank lines go as well, since a quotation ends at one.
    """
    there = {line.strip() for line in own.splitlines()}
    lines = [line.rstrip() for line in sample.text.splitlines() if line.strip()]
    if there.issuperset(line.strip() for line in lines):
        return Definition(sample.path, "")
    fresh = (line for line in lines if line not in there or not _IMPORT.match(line))
    return Definition(sample.path, "\n".join(fresh))


def definitions(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a file defines at its outermost level: names and the first lines of each."""
    lines = text.splitlines()
    for match in _DEFINED.finditer(text):
        first = text.count("\n", 0, match.start())
        yield match[1], "\n".join(lines[first : first + MOST_LINES])


def imported(text: str, language: str, path: Path, root: Path) -> list[Path]:
    """Return the files of the workspace at `root` that a document imports, as far as they exist.

    Python's absolute imports are looked for below the root, `root/src` and the document's folder.
    """
    found: dict[Path, None] = {}
    if language == "python":
        candidates = _python(text, path, root)
    elif language in _SCRIPTS:
        candidates = _script(text, path)
    else:
        return []
    for candidate in candidates:
        resolved = candidate.resolve()
        if len(found) < MOST_IMPORTS and resolved != path and resolved.is_relative_to(root):
            found |= {resolved: None} if resolved.is_file() else {}
    return list(found)


def _python(text: str, path: Path, root: Path) -> Iterator[Path]:
    for match in _PYTHON_FROM.finditer(text):
        dots, module, names = match.groups()
        bases = [path.parents[len(dots) - 1]] if dots else [root, root / "src", path.parent]
        for base in bases if len(dots) <= len(path.parents) else []:
            place = base.joinpath(*filter(None, module.split(".")))
            for name in _NAME.findall(names):
                yield place / f"{name}.py"
            yield from _module(place)
    for match in _PYTHON_IMPORT.finditer(text):
        for base in (root, root / "src", path.parent):
            yield from _module(base.joinpath(*match[1].split(".")))


def _module(place: Path) -> Iterator[Path]:
    yield place.with_name(f"{place.name}.py")
    yield place / "__init__.py"


def _script(text: str, path: Path) -> Iterator[Path]:
    for match in _SCRIPT_FROM.finditer(text):
        place = path.parent / match[1]
        yield place
        for ending in _SCRIPT_ENDINGS:
            yield (
                place.with_name(place.name + ending)
                if ending[0] == "."
                else Path(f"{place}{ending}")
            )
