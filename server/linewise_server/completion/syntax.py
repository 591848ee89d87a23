"""The syntax of a language: its grammar, and what a parse of a window of text tells.

In: an LSP language id and text. Out: parsed text that answers questions by code-point offset; bytes
stay inside. A language without a grammar is `None`, and callers fall back to indentation. Never
reads a file, never fetches a grammar: each is a wheel that is imported when first needed.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import Literal

import tree_sitter

Place = Literal["code", "comment", "string"]
"""What the cursor stands in."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """What is known of a language that has a grammar."""

    grammar: tree_sitter.Language
    line_comment: str
    """What starts a comment that runs to the end of the line."""
    by_indentation: bool
    """Blocks are delimited by indentation, not by braces."""

    @classmethod
    def of(cls, language_id: str) -> Syntax | None:
        """The syntax of an LSP language id; the grammar is loaded once, when first asked for."""
        return _syntax(language_id)


@functools.cache
def _syntax(language_id: str) -> Syntax | None:
    if language_id not in _LANGUAGES:
        return None
    package, function, line_comment = _LANGUAGES[language_id]
    grammar = getattr(importlib.import_module(package), function)()
    return Syntax(tree_sitter.Language(grammar), line_comment, language_id == "python")


_LANGUAGES = {
    "python": ("tree_sitter_python", "language", "#"),
    "javascript": ("tree_sitter_javascript", "language", "//"),
    "javascriptreact": ("tree_sitter_javascript", "language", "//"),
    "typescript": ("tree_sitter_typescript", "language_typescript", "//"),
    "typescriptreact": ("tree_sitter_typescript", "language_tsx", "//"),
    "go": ("tree_sitter_go", "language", "//"),
    "rust": ("tree_sitter_rust", "language", "//"),
    "java": ("tree_sitter_java", "language", "//"),
    "c": ("tree_sitter_c", "language", "//"),
    "cpp": ("tree_sitter_cpp", "language", "//"),
}
