"""What is asked of generation, and what comes of it; offsets count code points.

In and out: nothing; these are records.
"""

from __future__ import annotations

from dataclasses import dataclass

from linewise_server.protocol import GenerationKind
from linewise_server.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: a way of generating, and the place it is asked for."""

    snapshot: Snapshot
    kind: GenerationKind
    start: int
    end: int
    """Of the selection; the same as `start` where nothing is selected."""
    instruction: str = ""
    """What the user wrote; empty where the way says it all."""
    language: str = ""
    """LSP language id to translate to."""
    sample: str = ""
    """Code of a catalogue's sample."""
    diagnostics: tuple[str, ...] = ()
    """What is wrong at the place, in the words of whoever found it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the code beyond the file; most important first."""

    signatures: tuple[str, ...] = ()
    """Of imported symbols that are used, one line each."""
    foreign: tuple[str, ...] = ()
    """Those of them that are not of the standard library."""
    samples: tuple[str, ...] = ()
    """Code of catalogue samples of APIs in scope."""


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of the document and what takes its place."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was generated."""

    kind: GenerationKind
    text: str
    """The code as it would stand in the document, or the answer to read."""
    changes: tuple[Change, ...]
    """Edits of the document as it was asked about, in its order; none for what goes elsewhere."""
    language: str
    """Of the text: markdown for an answer."""
    file: str
    """Name for a document of its own; empty where the text goes into this one."""
    problems: tuple[str, ...]
    """Checks that the text did not pass, in words; the text is there all the same."""
    unresolved: tuple[str, ...]
    """Names that the text uses and nothing in the document defines."""
    names_checked: bool
    """False where nobody can say: in a language, or a text, whose names cannot be followed."""
    finish: str
    model: str
    prompt_tokens: int = 0
    generated_tokens: int = 0
    ttft_ms: float = 0.0
    total_ms: float = 0.0
