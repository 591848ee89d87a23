"""Names that join an import statement which imports from their module already.

In: a document and an import in one line. Out: the change of the statement; None where no statement
of the document can take the names without being taken apart.
"""

from __future__ import annotations

import re

from linewise_server.generation.ask import Change

_WIDEST = 88
"""Characters of a line beyond which formatters break it."""
_FROM = re.compile(r"from\s+([\w.]+)\s+import\s+(\w[\w, ]*)")
_BRACES = re.compile(r"import\s+(type\s+)?\{([^}]*)\}\s*from\s*(['\"])([^'\"]+)\3;?")
_BRACED = frozenset({"javascript", "javascriptreact", "typescript", "typescriptreact"})


def join(text: str, line: str, language: str) -> Change | None:
    """Return the change by which a statement of the document takes the names of an import in."""
    if language == "python" and (found := _FROM.fullmatch(line)) is not None:
        module = re.escape(found[1])
        statement = re.compile(
            rf"^from[ \t]+{module}[ \t]+import[ \t]+"
            r"(?:\((?P<inner>[^()#]*)\)|(?P<line>\w[\w, \t]*?))(?=[ \t]*(?:#|\r?$))",
            re.MULTILINE,
        )
        return _joined(text, statement, found[2])
    if language in _BRACED and (braces := _BRACES.fullmatch(line)) is not None:
        kind = r"type[ \t]+" if braces[1] else ""
        statement = re.compile(
            rf"^import[ \t]+{kind}\{{(?P<inner>[^{{}}/]*)\}}[ \t]*from[ \t]*"
            rf"(['\"]){re.escape(braces[4])}\2",
            re.MULTILINE,
        )
        return _joined(text, statement, braces[2])
    return None


def _joined(text: str, statement: re.Pattern[str], wanted: str) -> Change | None:
    found = statement.search(text)
    if found is None:
        return None
    group = "inner" if found["inner"] is not None else "line"
    held = _names(found[group])
    fresh = [name for name in _names(wanted) if name not in held]
    names = _in_order(held, fresh)
    start, end = found.span(group)
    inner = found[group]
    if "\n" in inner:
        # One name a line, as formatters write it.
        eol = "\r\n" if "\r\n" in inner else "\n"
        margin = re.search(r"\n([ \t]*)\S", inner)
        lead = margin[1] if margin else "    "
        tail = inner[len(inner.rstrip()) :]
        comma = "," if inner.rstrip().endswith(",") else ""
        written = f",{eol}{lead}".join(names) + comma
        return Change(start, end, f"{eol}{lead}{written}{tail}")
    written = ", ".join(names)
    if "{" in found[0]:
        written = f" {written} "
    line = text.rfind("\n", 0, start) + 1
    behind = text.find("\n", end)
    rest = (behind if behind >= 0 else len(text)) - end
    return Change(start, end, written) if start - line + len(written) + rest <= _WIDEST else None


def _names(listed: str) -> list[str]:
    return [" ".join(name.split()) for name in listed.split(",") if name.strip()]


def _in_order(held: list[str], fresh: list[str]) -> list[str]:
    """Return all names; sorted where those that were there are."""
    names = [*held, *fresh]
    return sorted(names, key=str.casefold) if held == sorted(held, key=str.casefold) else names
