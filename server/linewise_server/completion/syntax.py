"""The syntax of a language: its grammar, and what a parse of a text tells.

In: an LSP language id and text. Out: a tree that answers questions by code-point offset; bytes stay
inside. A language without a grammar is `None`, and callers fall back to indentation. Never reads a
file, never fetches a grammar: each comes in a wheel that is imported when first needed.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter

Frame = tuple[str, str]
"""Code before and after a piece of code, with which the grammar knows what the piece is."""

TOP: Frame = ("", "")
"""Nothing: the piece can stand alone."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """What is known of a language that has a grammar."""

    grammar: tree_sitter.Language
    by_indentation: bool
    """Blocks are what is indented, not what stands between braces."""
    line_comment: str
    """What starts a comment that runs to the end of the line."""
    openers: frozenset[str]
    """First words of the statements that a colon turns into the head of a block."""
    frames: tuple[Frame, ...]
    """What a block taken out of a file may have to stand in, commonest first."""
    outer_frames: tuple[Frame, ...]
    """The same for a run of lines."""

    @classmethod
    def of(cls, language_id: str) -> Syntax | None:
        """The syntax of an LSP language id; its grammar is loaded when first asked for."""
        return _syntax(language_id)

    def parse(self, text: str) -> Tree:
        """Parse `text`; whatever is wrong with it becomes errors in the tree."""
        data = text.encode("utf-8", "surrogatepass")
        return Tree(text, tree_sitter.Parser(self.grammar).parse(data))


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a text and what it is, in the words of the grammar."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed text. Offsets count code points."""

    text: str
    parsed: tree_sitter.Tree

    def errors(self, start: int = 0, end: int | None = None) -> int:
        """How many errors and missing tokens touch the text from `start` to `end`."""
        first, last = self._byte(start), self._byte(len(self.text) if end is None else end)
        return sum(
            1 for node in self._flaws() if node.start_byte <= last and node.end_byte >= first
        )

    def enclosing(self, offset: int) -> tuple[Node, ...]:
        """The named nodes around the character at `offset`, innermost first."""
        at = self._byte(offset)
        node = self.parsed.root_node.named_descendant_for_byte_range(at, at)
        nodes = []
        while node is not None:
            nodes.append(
                Node(node.type, self._offset(node.start_byte), self._offset(node.end_byte))
            )
            node = node.parent
        return tuple(nodes)

    def closing(self, bracket: int) -> int | None:
        """Offset behind the bracket that closes the one at `bracket`; None where none does."""
        at = self._byte(bracket)
        leaf = self.parsed.root_node.descendant_for_byte_range(at, at + 1)
        if leaf is None or leaf.start_byte != at or leaf.parent is None or leaf.parent.is_error:
            return None
        last = leaf.parent.child(leaf.parent.child_count - 1)
        closer = _CLOSERS.get(leaf.type)
        if last is None or last.type != closer or last.is_missing:
            return None
        return self._offset(last.end_byte)

    def _flaws(self) -> Iterator[tree_sitter.Node]:
        pending = [self.parsed.root_node]
        while pending:
            node = pending.pop()
            if node.is_error or node.is_missing:
                yield node
            if node.has_error:
                pending.extend(node.children)

    def _byte(self, offset: int) -> int:
        if self.text.isascii():
            return offset
        return len(self.text[:offset].encode("utf-8", "surrogatepass"))

    def _offset(self, byte: int) -> int:
        if self.text.isascii():
            return byte
        data = self.text.encode("utf-8", "surrogatepass")[:byte]
        return len(data.decode("utf-8", "surrogatepass"))


_CLOSERS = {"(": ")", "[": "]", "{": "}", "${": "}"}


@functools.cache
def _syntax(language_id: str) -> Syntax | None:
    found = _LANGUAGES.get(language_id)
    if found is None:
        return None
    package, function, openers, frames = found
    by_indentation = language_id == "python"
    return Syntax(
        grammar=tree_sitter.Language(getattr(importlib.import_module(package), function)()),
        by_indentation=by_indentation,
        line_comment="#" if by_indentation else "//",
        openers=frozenset(openers.split()),
        frames=frames,
        outer_frames=tuple(frame for frame in frames if frame in (TOP, _CLASS)),
    )


_PYTHON = "async case class def elif else except finally for if match try while with"
_SWITCH = "case default"

_CLASS: Frame = ("class _ {", "}")
_SCRIPT = (TOP, _CLASS, ("_ = {", "}"))
_GO = (TOP, ("var _ = _{", "}"))
_RUST = (TOP, ("fn _() {", "}"), ("fn _() { match _ {", "}}"))
_C = (TOP, ("_ _[] = {", "};"))

_LANGUAGES: dict[str, tuple[str, str, str, tuple[Frame, ...]]] = {
    "python": ("tree_sitter_python", "language", _PYTHON, (TOP,)),
    "javascript": ("tree_sitter_javascript", "language", _SWITCH, _SCRIPT),
    "javascriptreact": ("tree_sitter_javascript", "language", _SWITCH, _SCRIPT),
    "typescript": ("tree_sitter_typescript", "language_typescript", _SWITCH, _SCRIPT),
    "typescriptreact": ("tree_sitter_typescript", "language_tsx", _SWITCH, _SCRIPT),
    "go": ("tree_sitter_go", "language", _SWITCH, _GO),
    "rust": ("tree_sitter_rust", "language", "", _RUST),
    "java": ("tree_sitter_java", "language", _SWITCH, (TOP, _CLASS)),
    "c": ("tree_sitter_c", "language", _SWITCH, _C),
    "cpp": ("tree_sitter_cpp", "language", _SWITCH, _C),
}
