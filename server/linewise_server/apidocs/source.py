"""The text that is looked at: an editor's buffer or a file, with its language.

Offsets count code points everywhere in this package; tree-sitter's byte offsets stay in `Syntax`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tree_sitter import Language, Node, Parser, Tree


@dataclass(frozen=True, slots=True)
class Source:
    """A text, the file it is or will be saved to, and its LSP language id."""

    text: str
    language: str
    path: Path | None = None

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return the line from 1 and the column from 0 of an offset."""
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text, `end` excluded."""

    start: int
    end: int


class Syntax:
    """A parsed text: nodes by code-point offset and the text of nodes."""

    def __init__(self, text: str, language: Language) -> None:
        self.text = text
        self.data = text.encode()
        self.tree: Tree = Parser(language).parse(self.data)
        self._ascii = len(self.data) == len(text)

    @property
    def root(self) -> Node:
        """The node of the whole text."""
        return self.tree.root_node

    def byte(self, offset: int) -> int:
        """Return the byte offset of a code-point offset."""
        return offset if self._ascii else len(self.text[:offset].encode())

    def offset(self, byte: int) -> int:
        """Return the code-point offset of a byte offset at a character's start."""
        if self._ascii:
            return byte
        return len(self.data[:byte].decode())

    def span(self, node: Node) -> Span:
        """Return where a node stands."""
        return Span(self.offset(node.start_byte), self.offset(node.end_byte))

    def of(self, node: Node) -> str:
        """Return the text of a node."""
        return self.data[node.start_byte : node.end_byte].decode()

    def leaf_at(self, offset: int, kinds: frozenset[str]) -> Node | None:
        """Return the leaf of one of `kinds` that the offset touches, the one after it first."""
        byte = self.byte(offset)
        for start in (byte, byte - 1):
            if 0 <= start < len(self.data):
                node = self.root.descendant_for_byte_range(start, start + 1)
                if node is not None and node.type in kinds:
                    return node
        return None
