"""What is written where: the place of a way of generating in a document.

In: an ask. Out: a `Target`: the stretch that is replaced, what the model goes on from there, and
how lines are indented. Raises PlaceError where there is nothing at the place to do it with.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal

from linewise_server.apidocs.source import Source
from linewise_server.completion.shape import Site, leading_space
from linewise_server.completion.syntax import Syntax
from linewise_server.generation.ask import Ask
from linewise_server.generation.construct import Construct, construct_at, path_of
from linewise_server.generation.docstyle import docstring_frame
from linewise_server.generation.errors import PlaceError
from linewise_server.generation.ways import LANGUAGES, WAYS, Place, name_of

Extent = Literal["body", "paragraph", "all", "comment"]
"""Where an answer ends: with the body of the function, with the first paragraph that stands by
itself, nowhere before its own end, with the end of a comment."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place to write to."""

    start: int
    end: int
    """The stretch of the document that the answer takes the place of."""
    opening: str
    """Put before the answer's first line: a line ending, the first line of a comment."""
    closing: str
    """Put behind its last."""
    indentation: str
    """Of the answer's lines."""
    lead: str
    """Code of the document before the answer that the model goes on from, such as a signature."""
    subject: str
    """Code that the instruction is about."""
    name: str
    extent: Extent
    language: str
    """LSP id of what is written."""
    file: str = ""
    """Name for a document of its own."""
    preamble: str = ""
    """What a document of its own begins with."""
    detail: str = ""
    """What the instruction adds, such as the style of docstrings."""


def find_target(ask: Ask) -> Target:
    """Return where the answer to an ask goes. Raises PlaceError."""
    way = WAYS[ask.kind]
    if way.needs == "instruction" and not ask.instruction.strip():
        raise PlaceError("Say what to generate: there is no instruction.")
    if ask.snapshot.language not in LANGUAGES and way.place in ("body", "docstring", "enclosing"):
        raise PlaceError(
            f"{way.title} needs to know functions when it sees them, which it does in "
            f"{', '.join(sorted({name for name, _ in LANGUAGES.values()}))}. "
            "Select the code and use Generate… instead."
        )
    return _FINDERS[way.place](ask)


def _body(ask: Ask) -> Target:
    text = ask.snapshot.text()
    made = _construct(ask, text)
    if not made.is_function:
        raise PlaceError(f"{made.name} is a class. Put the cursor into one of its functions.")
    if not made.is_stub:
        raise PlaceError(
            f"{made.name} has a body already. To change it, select it and use Generate…"
        )
    unit = _site(ask, made.inner).unit or "    "
    indentation = made.indentation + unit
    rest = text[made.inner : made.end if made.closer is None else made.closer]
    end = made.inner + len(rest)
    if made.closer is None and not rest.strip():
        # The blank line on which the cursor stands is what gets written on.
        end = _blank_to_cursor(text, made.inner, ask.end)
    return Target(
        start=made.inner,
        end=end,
        opening="\n" + indentation,
        closing="\n" + made.indentation if made.closer is not None else "",
        indentation=indentation,
        lead=text[made.start : made.inner],
        subject=text[made.start : made.inner],
        name=path_of(_source(ask, text), made),
        extent="body",
        language=ask.snapshot.language,
    )


def _below(ask: Ask) -> Target:
    """The line below a comment; for a sample, below the cursor's line."""
    text = ask.snapshot.text()
    if ask.kind == "sample":
        return _lines_below(ask, text, ask.end, ask.sample)
    syntax = Syntax.of(ask.snapshot.language)
    mark = syntax.line_comment if syntax else "#"
    first = _line_start(text, ask.start)
    if not _is_comment(text, first, mark):
        # The cursor may stand on the blank line below the comment.
        above = _line_start(text, max(0, first - 1))
        if text[first : _line_end(text, first)].strip() or not _is_comment(text, above, mark):
            raise PlaceError("Put the cursor on the comment that says what to generate.")
        first = above
    last = first
    while first and _is_comment(text, _line_start(text, first - 1), mark):
        first = _line_start(text, first - 1)
    while (below := _line_end(text, last) + 1) < len(text) and _is_comment(text, below, mark):
        last = below
    end = _line_end(text, last)
    indentation = leading_space(text[first:])
    comment = text[first:end]
    return Target(
        start=end,
        end=_blank_to_cursor(text, end, ask.end),
        opening="\n" + indentation,
        closing="",
        indentation=indentation,
        lead=comment,
        subject=comment,
        name="",
        extent="paragraph",
        language=ask.snapshot.language,
    )


def _selection(ask: Ask) -> Target:
    text = ask.snapshot.text()
    if ask.start == ask.end:
        return _lines_below(ask, text, ask.end, "")
    start = _line_start(text, ask.start)
    end = _line_end(text, ask.end - 1 if text[ask.end - 1 : ask.end] == "\n" else ask.end)
    indentation = _common_space(text[start:end])
    return Target(
        start=start,
        end=end,
        opening=indentation,
        closing="",
        indentation=indentation,
        lead="",
        subject=text[start:end],
        name="the selected code",
        extent="all",
        language=ask.snapshot.language,
    )


def _enclosing(ask: Ask) -> Target:
    """The function around a diagnostic, or its lines where there is none."""
    text = ask.snapshot.text()
    made = construct_at(text, ask.snapshot.language, ask.start, ask.end)
    if made is None or not made.is_function:
        start, end = _line_start(text, ask.start), _line_end(text, ask.end)
    else:
        start, end = made.start, made.end
    indentation = _common_space(text[start:end])
    return Target(
        start=start,
        end=end,
        opening=indentation,
        closing="",
        indentation=indentation,
        lead="",
        subject=text[start:end],
        name=made.name if made else "this code",
        extent="all",
        language=ask.snapshot.language,
        detail="; ".join(ask.diagnostics) or ask.instruction,
    )


def _docstring(ask: Ask) -> Target:
    text = ask.snapshot.text()
    made = _construct(ask, text)
    frame = docstring_frame(text, ask.snapshot.language, made)
    return Target(
        start=frame.start,
        end=frame.end,
        opening=frame.opening,
        closing=frame.closing,
        indentation=frame.indentation,
        lead=text[made.start : made.head],
        subject=text[made.start : made.end],
        name=path_of(_source(ask, text), made),
        extent="comment",
        language=ask.snapshot.language,
        detail=f", {frame.style}" if frame.style else "",
    )


def _document(ask: Ask) -> Target:
    """A document of its own: tests, or code in another language."""
    text = ask.snapshot.text()
    name, subject = "the selected code", text[ask.start : ask.end]
    made = construct_at(text, ask.snapshot.language, ask.start, ask.end)
    if not subject.strip():
        name = path_of(_source(ask, text), made) if made else "this file"
        subject = text[made.start : made.end] if made else text
    elif made is not None and ask.kind == "tests":
        name = path_of(_source(ask, text), made)
    if not subject.strip():
        raise PlaceError("There is no code here.")
    stem = PurePosixPath(ask.snapshot.uri).name.rpartition(".")[0] or "untitled"
    if ask.kind == "tests":
        language = ask.snapshot.language
        file, preamble, detail = _tests_frame(stem, name, language)
    else:
        language = ask.language
        if language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            raise PlaceError(f"{language!r} is no language to translate to; these are: {known}.")
        file, preamble = stem + LANGUAGES[language][1], ""
        detail = name_of(language)
    whole = _whole(subject, name, language, file)
    return replace(whole, preamble=preamble, detail=detail)


def _answer(ask: Ask) -> Target:
    text = ask.snapshot.text()
    subject, name = text[ask.start : ask.end], "this code"
    if not subject.strip():
        made = construct_at(text, ask.snapshot.language, ask.start, ask.end)
        if made is not None:
            subject, name = text[made.start : made.end], made.name
        else:
            subject = text[_line_start(text, ask.start) : _line_end(text, ask.end)]
    if not subject.strip():
        raise PlaceError("There is no code here. Select what to explain.")
    file = f"{name}.md" if name.isidentifier() else "explanation.md"
    return _whole(subject, name, "markdown", file)


def _whole(subject: str, name: str, language: str, file: str) -> Target:
    """Return the target of an answer that is a document of its own."""
    return Target(
        start=0,
        end=0,
        opening="",
        closing="\n",
        indentation="",
        lead="",
        subject=subject,
        name=name,
        extent="all",
        language=language,
        file=file,
    )


_FINDERS: dict[Place, Callable[[Ask], Target]] = {
    "body": _body,
    "below": _below,
    "selection": _selection,
    "enclosing": _enclosing,
    "docstring": _docstring,
    "document": _document,
    "answer": _answer,
}


def _tests_frame(stem: str, name: str, language: str) -> tuple[str, str, str]:
    """Return the name of a file of tests, what it begins with, and how it is to be written."""
    owner = name.partition(".")[0]
    known = owner.isidentifier()
    if language == "python":
        begins = f"from {stem} import {owner}\n\n\n" if known and stem.isidentifier() else ""
        # Begun for it, a small model writes a test and not the function once more.
        test = name.replace(".", "_").lower() if known else ""
        return f"test_{stem}.py", f"{begins}def test_{test}", ", as functions for pytest"
    if language in ("javascript", "javascriptreact", "typescript", "typescriptreact"):
        begins = f'import {{ {owner} }} from "./{stem}";\n\n' if known else ""
        begins += f'describe("{name}", () => {{\n  it("'
        return f"{stem}.test{LANGUAGES[language][1]}", begins, ", with describe and it"
    if language == "go":
        return f"{stem}_test.go", "", ", as functions of the package testing"
    if language == "java":
        return f"{stem}Test.java", "", ", with JUnit 5"
    return f"test_{stem}{LANGUAGES[language][1] if language in LANGUAGES else '.txt'}", "", ""


def _lines_below(ask: Ask, text: str, offset: int, subject: str) -> Target:
    """Whole lines: in the place of the cursor's line where it is blank, else below it."""
    start, end = _line_start(text, offset), _line_end(text, offset)
    line = text[start:end]
    site = _site(ask, offset if not line.strip() else end)
    indentation = site.indentation if line.strip() else line or _indentation_above(text, start, ask)
    blank = not line.strip()
    return Target(
        start=start if blank else end,
        end=end,
        opening=indentation if blank else "\n" + indentation,
        closing="",
        indentation=indentation,
        lead="",
        subject=subject,
        name="",
        extent="paragraph",
        language=ask.snapshot.language,
    )


def _indentation_above(text: str, start: int, ask: Ask) -> str:
    """Return the indentation of the block that an empty line is in: what opens one goes deeper."""
    above = text[:start].rstrip()
    line = above[above.rfind("\n") + 1 :]
    deeper = line.endswith((":", "{"))
    return leading_space(line) + ((_site(ask, start).unit or "    ") if deeper else "")


def _construct(ask: Ask, text: str) -> Construct:
    made = construct_at(text, ask.snapshot.language, ask.start, ask.end)
    if made is None:
        raise PlaceError("There is no function here. Put the cursor on its first line.")
    return made


def _site(ask: Ask, offset: int) -> Site:
    text = ask.snapshot.text()
    return Site(ask.snapshot.language, text[:offset], text[offset:], invoked=True)


def _source(ask: Ask, text: str) -> Source:
    return Source(text, ask.snapshot.language)


def _is_comment(text: str, line: int, mark: str) -> bool:
    return text[line : _line_end(text, line)].lstrip().startswith(mark)


def _common_space(code: str) -> str:
    spaces = [leading_space(line) for line in code.split("\n") if line.strip()]
    return min(spaces, key=len, default="")


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _line_end(text: str, offset: int) -> int:
    """Return where the line of an offset ends, before its line ending."""
    found = text.find("\n", offset)
    end = len(text) if found < 0 else found
    return end - 1 if end > offset and text[end - 1 : end] == "\r" else end


def _blank_to_cursor(text: str, offset: int, cursor: int) -> int:
    """Return the end of the blank line that the cursor is on, where only such lines are between.

    It is the line that gets written on; the end of the file's last line stays where it is.
    """
    match = re.compile(r"(?:[ \t]*\r?\n)*[ \t]*(?=\r?\n|\Z)").match(text, offset)
    end = min(_line_end(text, cursor), match.end() if match else offset)
    at_end = end == len(text) and text.endswith("\n")
    return max(offset, end - 1 if at_end else end)
