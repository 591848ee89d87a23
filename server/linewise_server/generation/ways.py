"""The ways into generation: each a title, where its text goes, and what the model is told.

In: nothing. Out: `WAYS`. A way is data; what a `Place` means is in `target`, and adding a way that
writes to a known place adds an entry here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from linewise_models.index import load_index
from linewise_server.protocol import GenerationKind

Place = Literal["body", "below", "selection", "docstring", "enclosing", "document", "answer"]
Needs = Literal["nothing", "instruction", "language", "sample", "diagnostic"]

SMALLEST_FOR_INSTRUCTIONS = "qwen2.5-coder-1.5b-instruct"
"""The smallest model of the index that was tuned to follow instructions about code: 70.7 % of
HumanEval's functions at the first try (Qwen2.5-Coder Technical Report, arXiv:2409.12186)."""


@dataclass(frozen=True, slots=True)
class Way:
    """One thing that can be asked for."""

    kind: GenerationKind
    title: str
    place: Place
    needs: Needs
    instruction: str
    """What the model is told; `{name}`, `{language}` and `{detail}` are filled in."""
    tokens: int
    """To generate at most."""
    model: str | None
    """The smallest model of the index that does it well; None where no model is asked."""
    small: str
    """What to expect of a model that was not tuned for instructions, in a sentence."""


_GUESS = "A small model gets two of five one-liners right and little else: read it first."
_HARDLY = "A small model follows instructions badly: expect a first line to correct, or nonsense."

_ALL = (
    Way(
        "implement",
        "Implement This Function",
        "body",
        "nothing",
        "Implement the function {name}. Answer with its code only.",
        320,
        SMALLEST_FOR_INSTRUCTIONS,
        _GUESS,
    ),
    Way(
        "comment",
        "Generate from Comment",
        "below",
        "nothing",
        "Write the {language} code that this comment describes. Answer with code only.",
        320,
        SMALLEST_FOR_INSTRUCTIONS,
        _GUESS,
    ),
    Way(
        "instruction",
        "Generate…",
        "selection",
        "instruction",
        "{detail}\nAnswer with {language} code only.",
        400,
        SMALLEST_FOR_INSTRUCTIONS,
        _HARDLY,
    ),
    Way(
        "docstring",
        "Write Docstring",
        "docstring",
        "nothing",
        "Write the documentation comment of {name}{detail}. Say what it does, what it takes and "
        "what it returns; do not repeat the code.",
        160,
        SMALLEST_FOR_INSTRUCTIONS,
        "A small model writes a plausible first line; the rest repeats the signature.",
    ),
    Way(
        "tests",
        "Write Tests",
        "document",
        "nothing",
        "Write tests for {name}{detail}. Cover the usual case, the edges and the errors. Answer "
        "with {language} code only.",
        480,
        SMALLEST_FOR_INSTRUCTIONS,
        "A small model writes the frame of a test; the values that it expects are often wrong.",
    ),
    Way(
        "explain",
        "Explain",
        "answer",
        "nothing",
        "Explain what this {language} code does, in a few short sentences.",
        256,
        SMALLEST_FOR_INSTRUCTIONS,
        "A small model retells the code and makes up the rest: believe none of it unchecked.",
    ),
    Way(
        "fix",
        "Fix This Diagnostic",
        "enclosing",
        "diagnostic",
        "Fix this: {detail}\nAnswer with the whole corrected {language} code only.",
        400,
        SMALLEST_FOR_INSTRUCTIONS,
        _HARDLY,
    ),
    Way(
        "translate",
        "Translate to…",
        "document",
        "language",
        "Translate this {language} code to {detail}. Answer with {detail} code only.",
        480,
        SMALLEST_FOR_INSTRUCTIONS,
        _HARDLY,
    ),
    Way(
        "sample",
        "Use the Sample for…",
        "below",
        "sample",
        "",
        0,
        None,
        "No model is asked: the sample is as its maker wrote it.",
    ),
)

WAYS: dict[GenerationKind, Way] = {way.kind: way for way in _ALL}
"""Kind -> way, in the order in which they are offered."""


def smallest_model(way: Way, serving: str) -> str | None:
    """Return the smallest model of the index that does this well; None where one serves already.

    Any other model that its user chose is taken to be good enough, unless the index has it for
    completion alone or it is the default one, which everybody gets.
    """
    index = load_index()
    if way.model is None or serving not in index.names():
        return None
    entry, wanted = index.find(serving), index.find(way.model)
    enough = "generation" in entry.tasks and (entry.parameters or 0) >= (wanted.parameters or 0)
    return None if enough else way.model


LANGUAGES: dict[str, tuple[str, str]] = {
    "python": ("Python", ".py"),
    "javascript": ("JavaScript", ".js"),
    "javascriptreact": ("JavaScript", ".jsx"),
    "typescript": ("TypeScript", ".ts"),
    "typescriptreact": ("TypeScript", ".tsx"),
    "go": ("Go", ".go"),
    "rust": ("Rust", ".rs"),
    "java": ("Java", ".java"),
    "c": ("C", ".c"),
    "cpp": ("C++", ".cpp"),
}
"""LSP language id -> what models call it, and the ending of its files."""


WRITTEN = ("python", "javascript", "typescript", "go", "rust", "java", "c", "cpp")
"""Ids of the languages to translate to, one for each name, in the order they are offered."""


def name_of(language: str) -> str:
    """Return what people and models call a language."""
    return LANGUAGES[language][0] if language in LANGUAGES else language or "plain"
